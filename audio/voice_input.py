"""What did one packet bring: which samples, on which leg, and was there voice in them?

Bytes of any length in, whole voice hops at 16 kHz out. All state of a connection's audio that is
older than the session lives here: resampler tails and the voice-activity network's memory.
Blocking, about 0.1 ms for each 32 ms of a leg, half of it in company; one thread at a time.
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
    """Whole hops of 512 samples of one leg, with the probability of voice in each."""

    leg: Leg
    samples: Samples
    speech: tuple[float, ...]


class VoiceInput:
    """One connection's audio, from bytes to hops, leg by leg."""

    def __init__(
        self, vad: VoiceActivityDetector, encoding: Encoding, rate: int, legs: Sequence[Leg]
    ) -> None:
        self.vad = vad
        self._buffered = bytearray()
        # As many bytes as a hop is long: fewer cannot complete one, but after a rest of the last.
        self._hop_bytes = len(legs) * WIDTH[encoding] * VOICE_HOP * rate // RATE
        self._leftover_bytes = 0  # bytes' worth of sound that the last hop left over
        self._encoding: Encoding = encoding
        self._legs: list[tuple[Leg, Resampler, VoiceStream]] = [
            (leg, Resampler(rate, RATE), vad.open()) for leg in legs
        ]

    def push(self, data: bytes) -> list[VoiceHops]:
        """Audio of whole frames, channels interleaved; AudioError when it is not that."""
        (result,) = push_all([(self, data)])
        if isinstance(result, AudioError):
            raise result
        return result

    def add_packet(self, data: bytes, min_hops: int = 1) -> bool:
        """Keep a packet; whether so many hops may be complete, and `take` is worth its while."""
        self._buffered += data
        return len(self._buffered) + self._leftover_bytes >= min_hops * self._hop_bytes

    def decode(self, data: bytes) -> list[tuple[Leg, VoiceStream, Samples]]:
        """What came on each leg, at 16 kHz."""
        data, self._buffered = bytes(self._buffered) + data, bytearray()
        self._leftover_bytes = (self._leftover_bytes + len(data)) % self._hop_bytes
        frames = decode(data, self._encoding, len(self._legs))
        return [
            (leg, stream, resampler.push(frames[:, channel]))
            for channel, (leg, resampler, stream) in enumerate(self._legs)
        ]


def push_all(packets: Sequence[tuple[VoiceInput, bytes]]) -> list[list[VoiceHops] | AudioError]:
    """`take` for packets of different connections, whose voices are judged together."""
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
    """Voice activity; all intakes of a process have the same network."""
    return inputs[0].vad.speech_probabilities_batch(pieces) if pieces else []
