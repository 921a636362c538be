"""What stands beside the linear weights of the intent model: hidden units, and sentence vectors.

Both are optional, and their scores are added. Invariant, held by
tests/agent/understanding/test_text.py: a layer read back from disk scores as it was stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class HiddenLayer:
    """Rectified units over the features: `inlet` (features, hidden), `outlet` (hidden, intents).

    On disk the inlet, most of a file, has a byte for each weight and a scale for each feature.
    """

    input_weights: Array
    input_bias: Array
    output_weights: Array
    output_bias: Array

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> HiddenLayer | None:
        if "inlet" not in arrays:
            return None
        inlet = arrays["inlet"] * arrays["inlet_scale"]
        return cls(inlet, arrays["inlet_bias"], arrays["outlet"], arrays["outlet_bias"])

    def as_arrays(self) -> dict[str, NDArray[np.generic]]:
        most = np.abs(self.input_weights).max(axis=1, keepdims=True)
        scale = np.asarray(np.maximum(most, 1e-6) / 127.0, dtype=np.float32)
        scale = scale.astype(np.float16).astype(np.float32)  # the one that is read back
        levels = np.clip(np.rint(self.input_weights / np.maximum(scale, 1e-8)), -127, 127)
        return {
            "inlet": levels.astype(np.int8),
            "inlet_scale": scale,
            "inlet_bias": self.input_bias,
            "outlet": self.output_weights,
            "outlet_bias": self.output_bias,
        }

    def __call__(self, rows: csr_matrix) -> Array:
        hidden = np.maximum(rows @ self.input_weights + self.input_bias, 0.0)
        return np.asarray(hidden @ self.output_weights + self.output_bias, dtype=np.float32)

    def scaled(self, factor: float) -> HiddenLayer:
        return replace(
            self, output_weights=self.output_weights * factor, output_bias=self.output_bias * factor
        )


class TextEncoder(Protocol):
    """A pretrained encoder (agent/understanding/sentence_encoder.py): texts (n) -> vectors (n,
    width)."""

    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    def __call__(self, sentences: Sequence[str], /) -> Array: ...
