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
from audio.vad import VoiceActivity, VoiceStream


@dataclass(frozen=True, slots=True, eq=False)
class Hops:
    """Whole hops of 512 samples of one leg, with the probability of voice in each."""

    leg: Leg
    samples: Samples
    speech: tuple[float, ...]


class Intake:
    """One connection's audio, from bytes to hops, leg by leg."""

    def __init__(
        self, vad: VoiceActivity, encoding: Encoding, rate: int, legs: Sequence[Leg]
    ) -> None:
        self.vad = vad
        self._waiting = bytearray()
        # As many bytes as a hop is long: fewer cannot complete one, but after a rest of the last.
        self._hop = len(legs) * WIDTH[encoding] * VOICE_HOP * rate // RATE
        self._left = 0  # bytes' worth of sound that the last hop left over
        self._encoding: Encoding = encoding
        self._legs: list[tuple[Leg, Resampler, VoiceStream]] = [
            (leg, Resampler(rate, RATE), vad.open()) for leg in legs
        ]

    def take(self, data: bytes) -> list[Hops]:
        """Audio of whole frames, channels interleaved; AudioError when it is not that."""
        (found,) = take_all([(self, data)])
        if isinstance(found, AudioError):
            raise found
        return found

    def add(self, data: bytes, hops: int = 1) -> bool:
        """Keep a packet; whether so many hops may be complete, and `take` is worth its while."""
        self._waiting += data
        return len(self._waiting) + self._left >= hops * self._hop

    def decode(self, data: bytes) -> list[tuple[Leg, VoiceStream, Samples]]:
        """What came on each leg, at 16 kHz."""
        data, self._waiting = bytes(self._waiting) + data, bytearray()
        self._left = (self._left + len(data)) % self._hop
        frames = decode(data, self._encoding, len(self._legs))
        return [
            (leg, stream, resampler.push(frames[:, channel]))
            for channel, (leg, resampler, stream) in enumerate(self._legs)
        ]


def take_all(packets: Sequence[tuple[Intake, bytes]]) -> list[list[Hops] | AudioError]:
    """`take` for packets of different connections, whose voices are judged together."""
    found: list[list[Hops] | AudioError] = []
    legs: list[tuple[int, Leg, VoiceStream, Samples]] = []
    for index, (intake, data) in enumerate(packets):
        try:
            legs += [(index, *one) for one in intake.decode(data)]
            found.append([])
        except AudioError as wrong:
            found.append(wrong)
    heard = _judged([intake for intake, _ in packets], [(s, x) for _, _, s, x in legs])
    for (index, leg, _, _), (samples, speech) in zip(legs, heard, strict=True):
        of = found[index]
        if len(samples) and not isinstance(of, AudioError):
            of.append(Hops(leg, samples, tuple(speech.tolist())))
    return found


def _judged(
    intakes: Sequence[Intake], pieces: Sequence[tuple[VoiceStream, Samples]]
) -> list[tuple[Samples, NDArray[np.float32]]]:
    """Voice activity; all intakes of a process have the same network."""
    return intakes[0].vad.probabilities_of(pieces) if pieces else []
