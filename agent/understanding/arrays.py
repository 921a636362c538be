"""Names of NumPy array types, where the data type matters and the shape is said elsewhere.

Models are stored and run in float32; calibration and evaluation count in float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
