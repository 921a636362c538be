"""What is there of the sound of a recording's legs?

Whole legs at 16 kHz, 16 bits; a sample's index is its position in its leg. Where nothing was kept
there is silence, and `kept` says where that is not so: there the sound is as it was heard.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import soundfile  # type: ignore[import-untyped]
from numpy.typing import NDArray

from audio.types import RATE, VOICE_HOP, Samples

FULL_SCALE = 32768
MASKED = 5  # hops of voice without any sound: nobody speaks like that, somebody has cut it out
VOICE = 0.5

Whole = NDArray[np.int16]
Range = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class LegSound:
    """The sound of one leg, (samples,) int16, and the ranges of it that are as they were heard."""

    samples: Whole
    kept: tuple[Range, ...]

    def at(self, start: int, length: int) -> Samples:
        """From position `start`; silence beyond the end."""
        piece = self.samples[start : start + length].astype(np.float32) / FULL_SCALE
        return np.pad(piece, (0, length - len(piece)))

    def whole(self, start: int, end: int) -> bool:
        """Whether all of it is as it was heard."""
        found = bisect_right(self.kept, (start, len(self.samples) + 1)) - 1
        return found >= 0 and end <= self.kept[found][1]


NOTHING = LegSound(np.zeros(0, np.int16), ())


def whole_numbers(samples: Samples) -> Whole:
    """As a recording holds them; exact for multiples of 1/32768."""
    most = FULL_SCALE - 1
    return np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, most).astype(np.int16)


def pack_flac(samples: Whole) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, RATE, format="FLAC", subtype="PCM_16", compression_level=1.0)
    return out.getvalue()


def unpack_flac(data: bytes) -> Whole:
    """ValueError when it is not 16 kHz of one channel."""
    try:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="int16")
    except soundfile.LibsndfileError as broken:
        raise ValueError(f"not a FLAC file that can be read: {broken.error_string}") from None
    if rate != RATE or samples.ndim != 1:
        raise ValueError(f"it has {rate} Hz and {samples.ndim} channels instead of {RATE} and 1")
    return np.asarray(samples, np.int16)


def joined(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The same in order, those that touch as one."""
    out: list[Range] = []
    for start, end in sorted(ranges):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        elif end > start:
            out.append((start, end))
    return tuple(out)


def without(ranges: Iterable[Range], gone: Iterable[Range]) -> tuple[Range, ...]:
    """`ranges` less what is `gone`."""
    left = list(joined(ranges))
    for start, end in joined(gone):
        cut = [((a, min(b, start)), (max(a, end), b)) for a, b in left]
        left = [one for pair in cut for one in pair if one[1] > one[0]]
    return joined(left)


def masked(samples: Whole, heard: Sequence[tuple[int, tuple[float, ...]]]) -> tuple[Range, ...]:
    """Where there was voice and now there is nothing. `heard` are positions with the probability
    of voice in each hop from there on."""
    found: list[Range] = []
    run = 0
    for start, speech in heard:
        hops = samples[start : start + len(speech) * VOICE_HOP]
        hops = np.pad(hops, (0, len(speech) * VOICE_HOP - len(hops))).reshape(-1, VOICE_HOP)
        loud = np.asarray(np.any(hops, axis=1)).tolist()
        for index, (sounds, probability) in enumerate(zip(loud, speech, strict=True)):
            run = run + 1 if not sounds and probability >= VOICE else 0
            if run >= MASKED:
                end = start + (index + 1) * VOICE_HOP
                found.append((end - run * VOICE_HOP, end))
    return joined(found)
