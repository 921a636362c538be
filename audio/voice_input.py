"""Audio input of a connection: from packets to hops at 16 kHz with voice activity.

Bytes of any length in, whole voice hops out. Holds all of a connection's audio state that comes
before the session: incomplete hops, resampler tails and the state of the voice-activity network.
Blocking, about 0.1 ms for each 32 ms of a leg, half of it when many are batched; one thread at a
time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio.codecs import WIDTH, Encoding, decode
from audio.resample import Resampler
from audio.types import RATE, VOICE_HOP, AudioError, Leg, Samples
from audio.vad import VoiceActivityDetector, VoiceStream


@dataclass(frozen=True, slots=True, eq=False)
class VoiceHops:
    """Whole hops of 512 samples of one leg, with the probability of speech in each."""

    leg: Leg
    samples: Samples
    speech: tuple[float, ...]


class VoiceInput:
    """Decoder, resampler and voice activity of one connection, for each of its legs."""

    def __init__(
        self, vad: VoiceActivityDetector, encoding: Encoding, rate: int, legs: Sequence[Leg]
    ) -> None:
        self.vad = vad
        self._buffered = bytearray()
        # Bytes of one hop on all legs: fewer complete a hop only with leftovers of the last one.
        self._hop_bytes = len(legs) * WIDTH[encoding] * VOICE_HOP * rate // RATE
        self._leftover_bytes = 0  # bytes whose samples are in the streams but do not fill a hop yet
        self._encoding: Encoding = encoding
        self._legs: list[tuple[Leg, Resampler, VoiceStream]] = [
            (leg, Resampler(rate, RATE), vad.open()) for leg in legs
        ]

    def push(self, data: bytes) -> list[VoiceHops]:
        """The hops that this packet completes. `data` are whole frames with interleaved channels;
        AudioError otherwise."""
        (result,) = push_all([(self, data)])
        if isinstance(result, AudioError):
            raise result
        return result

    def add_packet(self, data: bytes, min_hops: int = 1) -> bool:
        """Buffer a packet; whether `min_hops` hops may now be complete, so that `push` pays."""
        self._buffered += data
        return len(self._buffered) + self._leftover_bytes >= min_hops * self._hop_bytes

    def decode(self, data: bytes) -> list[tuple[Leg, VoiceStream, Samples]]:
        """The new samples of each leg at 16 kHz, from the buffer and `data`; empties the buffer."""
        data, self._buffered = bytes(self._buffered) + data, bytearray()
        self._leftover_bytes = (self._leftover_bytes + len(data)) % self._hop_bytes
        frames = decode(data, self._encoding, len(self._legs))
        return [
            (leg, stream, resampler.push(frames[:, channel]))
            for channel, (leg, resampler, stream) in enumerate(self._legs)
        ]


def push_all(packets: Sequence[tuple[VoiceInput, bytes]]) -> list[list[VoiceHops] | AudioError]:
    """`push` for packets of different connections, in one batch of the voice-activity network.

    The result of a packet that cannot be decoded is its AudioError.
    """
    results: list[list[VoiceHops] | AudioError] = []
    legs: list[tuple[int, Leg, VoiceStream, Samples]] = []
    for index, (intake, data) in enumerate(packets):
        try:
            legs += [(index, *one) for one in intake.decode(data)]
            results.append([])
        except AudioError as wrong:
            results.append(wrong)
    judged = _voice_activity([intake for intake, _ in packets], [(s, x) for _, _, s, x in legs])
    for (index, leg, _, _), (samples, speech) in zip(legs, judged, strict=True):
        hops = results[index]
        if len(samples) and not isinstance(hops, AudioError):
            hops.append(VoiceHops(leg, samples, tuple(speech.tolist())))
    return results


def _voice_activity(
    inputs: Sequence[VoiceInput], pieces: Sequence[tuple[VoiceStream, Samples]]
) -> list[tuple[Samples, NDArray[np.float32]]]:
    """Voice activity of all pieces; all inputs of a process share one network."""
    return inputs[0].vad.speech_probabilities_batch(pieces) if pieces else []
