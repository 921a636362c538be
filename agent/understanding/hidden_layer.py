"""Optional parts of the intent model: a hidden layer, and the interface of sentence encoders.

Their scores are added to the linear ones. Invariant, held by
tests/agent/understanding/test_text_models.py: a layer read back from disk scores as it was stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

from agent.understanding.arrays import Float32Array


@dataclass(frozen=True, slots=True, eq=False)
class HiddenLayer:
    """Rectified units over the features: `input_weights` (features, hidden), `output_weights`
    (hidden, intents).

    On disk the input weights, most of a file, have a byte each and a scale for each feature.
    """

    input_weights: Float32Array
    input_bias: Float32Array
    output_weights: Float32Array
    output_bias: Float32Array

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Float32Array]) -> HiddenLayer | None:
        """The layer of a file's arrays; None when the file has none."""
        if "inlet" not in arrays:
            return None
        inlet = arrays["inlet"] * arrays["inlet_scale"]
        return cls(inlet, arrays["inlet_bias"], arrays["outlet"], arrays["outlet_bias"])

    def as_arrays(self) -> dict[str, NDArray[np.generic]]:
        """The arrays that go into a file; their names are fixed by shipped weights."""
        most = np.abs(self.input_weights).max(axis=1, keepdims=True)
        scale = np.asarray(np.maximum(most, 1e-6) / 127.0, dtype=np.float32)
        scale = scale.astype(np.float16).astype(np.float32)  # as rounded in the file
        levels = np.clip(np.rint(self.input_weights / np.maximum(scale, 1e-8)), -127, 127)
        return {
            "inlet": levels.astype(np.int8),
            "inlet_scale": scale,
            "inlet_bias": self.input_bias,
            "outlet": self.output_weights,
            "outlet_bias": self.output_bias,
        }

    def __call__(self, rows: csr_matrix) -> Float32Array:
        hidden = np.maximum(rows @ self.input_weights + self.input_bias, 0.0)
        return np.asarray(hidden @ self.output_weights + self.output_bias, dtype=np.float32)

    def scaled_by(self, factor: float) -> HiddenLayer:
        """The same layer with all scores multiplied."""
        return replace(
            self, output_weights=self.output_weights * factor, output_bias=self.output_bias * factor
        )


class TextEncoder(Protocol):
    """Interface of pretrained encoders (agent/understanding/sentence_encoder.py): texts (n) ->
    vectors (n, width)."""

    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    def __call__(self, sentences: Sequence[str], /) -> Float32Array: ...
