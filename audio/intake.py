"""What did one packet bring: which samples, on which leg, and was there voice in them?

Bytes of any length in, whole voice hops at 16 kHz out. All state of a connection's audio that is
older than the session lives here: resampler tails and the voice-activity network's memory.
Blocking, about 0.1 ms for each 32 ms of a leg; one thread at a time for one `Intake`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audio.codecs import Encoding, decode
from audio.resample import Resampler
from audio.types import RATE, Leg, Samples
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
        self._vad = vad
        self._encoding: Encoding = encoding
        self._legs: list[tuple[Leg, Resampler, VoiceStream]] = [
            (leg, Resampler(rate, RATE), vad.open()) for leg in legs
        ]

    def take(self, data: bytes) -> list[Hops]:
        """Audio of whole frames, channels interleaved; AudioError when it is not that."""
        frames = decode(data, self._encoding, len(self._legs))
        found = []
        for channel, (leg, resampler, stream) in enumerate(self._legs):
            samples = resampler.push(frames[:, channel])
            whole, speech = self._vad.probabilities(stream, samples)
            if len(whole):
                found.append(Hops(leg, whole, tuple(float(p) for p in speech)))
        return found
