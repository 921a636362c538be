"""How likely is it that somebody speaks, for every 32 ms of sound?

Silero's network (github.com/snakers4/silero-vad) by onnxruntime, from the weights in its package;
the package itself is not imported, because that would import torch. The weights are read-only and
one for the process; whatever a caller's past decides is in that caller's VoiceStream. Different
streams may be used from different threads at once, one stream from one thread at a time.

Held by tests/audio/test_vad.py: probabilities do not depend, in any bit, on how the sound was cut
into pieces, nor on other streams; speech is told from silence, clicks and noise.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray

from audio.types import RATE, VOICE_HOP, AudioError, Samples

_CONTEXT = 64  # samples before a hop that the network is shown again with it, at 16 kHz
_STATE = (2, 1, 128)  # hidden and cell state of its LSTM
_RATE = np.array(RATE, np.int64)
_ERRORS_ONLY = 3  # onnxruntime's severity; it warns about constants left over in the file


class VoiceStream:
    """One caller's past: network state, context, and samples that do not fill a hop yet."""

    __slots__ = ("context", "pending", "state")

    def __init__(self) -> None:
        self.state: NDArray[np.float32] = np.zeros(_STATE, np.float32)
        self.context: Samples = np.zeros(_CONTEXT, np.float32)
        self.pending: Samples = np.zeros(0, np.float32)


class VoiceActivity:
    """The network. `load` it once, `open` a stream for every leg."""

    def __init__(self, weights: Path) -> None:
        options = onnxruntime.SessionOptions()
        # A hop is 0.1 ms of work: a second thread brings nothing, and fights the encoder.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        self._network = onnxruntime.InferenceSession(
            str(weights), options, providers=["CPUExecutionProvider"]
        )

    @staticmethod
    def load() -> VoiceActivity:
        """The one of this process, read from disk on the first call."""
        return _load()

    def open(self) -> VoiceStream:
        return VoiceStream()

    def probabilities(
        self, stream: VoiceStream, samples: Samples
    ) -> tuple[Samples, NDArray[np.float32]]:
        """The samples that fill whole hops by now, and the probability of speech in each hop.

        The rest waits in the stream. NaN and infinity are refused: in a recurrent network they
        would never go away again.
        """
        if not np.isfinite(samples).all():
            raise AudioError("samples must be finite numbers; found NaN or infinity")
        waiting = np.concatenate([stream.pending, samples]).astype(np.float32, copy=False)
        whole = len(waiting) // VOICE_HOP * VOICE_HOP
        heard, stream.pending = waiting[:whole], waiting[whole:].copy()
        hops = heard.reshape(-1, VOICE_HOP)
        # One hop a call, always the same shape: the sums inside are then always in the same order.
        return heard, np.array([self._hear(stream, hop) for hop in hops], np.float32)

    def _hear(self, stream: VoiceStream, hop: Samples) -> float:
        shown = np.concatenate([stream.context, hop])
        probability, stream.state = self._network.run(
            ("output", "stateN"), {"input": shown[None], "state": stream.state, "sr": _RATE}
        )
        stream.context = shown[-_CONTEXT:]
        return float(probability[0, 0])


@cache
def _load() -> VoiceActivity:
    package = find_spec("silero_vad")
    if package is None or package.origin is None:
        raise AudioError("voice activity needs the package silero-vad: pip install silero-vad")
    weights = Path(package.origin).parent / "data" / "silero_vad.onnx"
    if not weights.is_file():
        raise AudioError(f"silero-vad is installed without {weights.name}; install 6.2.3 or later")
    return VoiceActivity(weights)
