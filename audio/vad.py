"""Voice activity detection: the probability of speech in every 32 ms of audio.

Silero's network (github.com/snakers4/silero-vad) by onnxruntime, from the weights in its package;
the package itself is not imported, because that would import torch. The weights are read-only and
shared in the process; all state of a leg is in its VoiceStream. Different streams may be used from
different threads at once, one stream from one thread at a time.

Held by tests/audio/test_vad.py: probabilities do not depend, in any bit, on how the sound was cut
into pieces, nor on the streams of the same batch; speech is distinguished from silence, clicks and
noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray

from audio.types import RATE, VOICE_HOP, AudioError, Samples

_CONTEXT = 64  # samples before a hop that the network gets again with it, at 16 kHz
_STATE = (2, 1, 128)  # hidden and cell state of its LSTM, for one stream
_RATE = np.array(RATE, np.int64)
_ERRORS_ONLY = 3  # onnxruntime's severity; it warns about unused constants in the file


class VoiceStream:
    """The state of one leg: network state, context, and samples that do not fill a hop yet."""

    __slots__ = ("context", "pending", "state")

    def __init__(self) -> None:
        self.state: NDArray[np.float32] = np.zeros((_STATE[0], _STATE[2]), np.float32)
        self.context: Samples = np.zeros(_CONTEXT, np.float32)
        self.pending: Samples = np.zeros(0, np.float32)


class VoiceActivityDetector:
    """The network. `load` it once, `open` a stream for every leg."""

    def __init__(self, weights: Path) -> None:
        options = onnxruntime.SessionOptions()
        # A hop is 0.1 ms of work: a second thread gains nothing, and competes with the encoder.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        self._network = onnxruntime.InferenceSession(
            str(weights), options, providers=["CPUExecutionProvider"]
        )

    @staticmethod
    def load() -> VoiceActivityDetector:
        """The network of this process, read from disk on the first call."""
        return _load()

    def open(self) -> VoiceStream:
        """The state of a new leg."""
        return VoiceStream()

    def speech_probabilities(
        self, stream: VoiceStream, samples: Samples
    ) -> tuple[Samples, NDArray[np.float32]]:
        """The samples that now fill whole hops, and the probability of speech in each hop.

        The rest stays in the stream. AudioError for NaN and infinity: a recurrent network would
        never recover from them.
        """
        if not np.isfinite(samples).all():
            raise AudioError("samples must be finite numbers; found NaN or infinity")
        ((whole_hops, speech),) = self.speech_probabilities_batch([(stream, samples)])
        return whole_hops, speech

    def speech_probabilities_batch(
        self, pieces: Sequence[tuple[VoiceStream, Samples]]
    ) -> list[tuple[Samples, NDArray[np.float32]]]:
        """The same for many streams in one batch, at half the cost of one by one. Each stream
        occurs once; samples must be finite."""
        whole_hops = [_take_whole_hops(stream, samples) for stream, samples in pieces]
        speech = [np.zeros(len(samples) // VOICE_HOP, np.float32) for samples in whole_hops]
        for position in range(max(map(len, speech), default=0)):
            now = [index for index, of_stream in enumerate(speech) if len(of_stream) > position]
            hops = [whole_hops[i][position * VOICE_HOP : (position + 1) * VOICE_HOP] for i in now]
            probabilities = self._run_network([pieces[index][0] for index in now], hops)
            for index, probability in zip(now, probabilities, strict=True):
                speech[index][position] = probability
        return list(zip(whole_hops, speech, strict=True))

    def _run_network(self, streams: Sequence[VoiceStream], hops: Sequence[Samples]) -> Samples:
        """Probabilities for one hop of each stream. A row's result does not depend on the other
        rows."""
        shown = np.empty((len(streams), _CONTEXT + VOICE_HOP), np.float32)
        states = np.empty((_STATE[0], len(streams), _STATE[2]), np.float32)
        for row, (stream, hop) in enumerate(zip(streams, hops, strict=True)):
            shown[row, :_CONTEXT], shown[row, _CONTEXT:] = stream.context, hop
            states[:, row] = stream.state
        probability, states = self._network.run(
            ("output", "stateN"), {"input": shown, "state": states, "sr": _RATE}
        )
        for row, stream in enumerate(streams):
            stream.context, stream.state = shown[row, -_CONTEXT:], states[:, row]
        probabilities: Samples = probability[:, 0]
        return probabilities


def _take_whole_hops(stream: VoiceStream, samples: Samples) -> Samples:
    waiting = np.concatenate([stream.pending, samples]).astype(np.float32, copy=False)
    whole = len(waiting) // VOICE_HOP * VOICE_HOP
    stream.pending = waiting[whole:].copy()
    return waiting[:whole]


@cache
def _load() -> VoiceActivityDetector:
    package = find_spec("silero_vad")
    if package is None or package.origin is None:
        raise AudioError("voice activity needs the package silero-vad: pip install silero-vad")
    weights = Path(package.origin).parent / "data" / "silero_vad.onnx"
    if not weights.is_file():
        raise AudioError(f"silero-vad is installed without {weights.name}; install 6.2.3 or later")
    return VoiceActivityDetector(weights)
