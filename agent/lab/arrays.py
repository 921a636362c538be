"""Names of NumPy array types in training, evaluation and benchmarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.understanding.arrays import Float32Array, FloatArray

__all__ = ["BoolArray", "Float32Array", "FloatArray", "IntArray"]

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
