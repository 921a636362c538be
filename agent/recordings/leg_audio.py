"""Audio of a recording's legs, 16 kHz PCM16, with the ranges that are unmodified.

A sample's index is its position in its leg. Where no audio was stored there is silence;
`intact_ranges` lists the positions at which the samples are exactly those that were received.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from audio.codecs import Pcm16, from_pcm16
from audio.types import VOICE_HOP, Samples

# consecutive hops judged voice but all zero: masked, for speech is never digital zero
MASKED_MIN_HOPS = 5
VOICE_THRESHOLD = 0.5

SampleRange = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class LegAudio:
    """Audio of one leg, int16 of shape (samples,), and its unmodified ranges, sorted."""

    samples: Pcm16
    intact_ranges: tuple[SampleRange, ...]

    def samples_at(self, start: int, length: int) -> Samples:
        """`length` samples from `start`, float32 in -1 to 1; silence beyond the end."""
        piece = from_pcm16(self.samples[start : start + length])
        return np.pad(piece, (0, length - len(piece)))

    def is_intact(self, start: int, end: int) -> bool:
        """Whether the samples from `start` to `end` are all unmodified."""
        index = bisect_right(self.intact_ranges, (start, len(self.samples) + 1)) - 1
        return index >= 0 and end <= self.intact_ranges[index][1]


EMPTY_LEG = LegAudio(np.zeros(0, np.int16), ())


def union_of_ranges(ranges: Iterable[SampleRange]) -> tuple[SampleRange, ...]:
    """The union of the ranges: sorted, with touching and overlapping ones merged."""
    out: list[SampleRange] = []
    for start, end in sorted(ranges):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        elif end > start:
            out.append((start, end))
    return tuple(out)


def difference_of_ranges(
    ranges: Iterable[SampleRange], removed: Iterable[SampleRange]
) -> tuple[SampleRange, ...]:
    """`ranges` without `removed`, sorted and merged."""
    remaining = list(union_of_ranges(ranges))
    for start, end in union_of_ranges(removed):
        cut = [((a, min(b, start)), (max(a, end), b)) for a, b in remaining]
        remaining = [one for pair in cut for one in pair if one[1] > one[0]]
    return union_of_ranges(remaining)


def find_masked_ranges(
    samples: Pcm16, voice_probabilities: Sequence[tuple[int, tuple[float, ...]]]
) -> tuple[SampleRange, ...]:
    """Ranges judged voice whose samples are now all zero: what masking has silenced.

    `voice_probabilities` are pairs of a position and the probability of voice in each hop from it.
    """
    ranges: list[SampleRange] = []
    silent_hops = 0
    for start, speech in voice_probabilities:
        hops = samples[start : start + len(speech) * VOICE_HOP]
        hops = np.pad(hops, (0, len(speech) * VOICE_HOP - len(hops))).reshape(-1, VOICE_HOP)
        has_sound = np.asarray(np.any(hops, axis=1)).tolist()
        for index, (sounds, probability) in enumerate(zip(has_sound, speech, strict=True)):
            silent_hops = silent_hops + 1 if not sounds and probability >= VOICE_THRESHOLD else 0
            if silent_hops >= MASKED_MIN_HOPS:
                end = start + (index + 1) * VOICE_HOP
                ranges.append((end - silent_hops * VOICE_HOP, end))
    return union_of_ranges(ranges)
