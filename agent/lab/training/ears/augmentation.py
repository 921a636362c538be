"""What do a telephone, a kitchen and a hurried speaker do to a recording?

Everything random comes from the generator passed in, so an epoch is the same whenever it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr  # type: ignore[import-untyped]
from numpy.typing import NDArray

from audio.codecs import decode, encode
from audio.types import RATE, Samples

TELEPHONE = 8000  # samples per second on a phone line

# What arrives for each 16-bit value that is sent; negative values index from the end.
_SENT = np.concatenate([np.arange(32_768), np.arange(-32_768, 0)]).astype(np.float32)
_LINE = decode(encode(_SENT / np.float32(32_768), "mulaw"), "mulaw", 1)[:, 0]


@dataclass(frozen=True, slots=True)
class Wear:
    """How roughly recordings are treated. Probabilities, decibels and seconds."""

    telephone: float = 0.65  # of the wide-band recordings
    noisy: float = 0.3
    speed: tuple[float, float] = (0.88, 1.14)
    noise_db: tuple[float, float] = (8.0, 30.0)  # speech above noise
    level_db: tuple[float, float] = (-48.0, -14.0)  # RMS of the speech below full scale
    lead: tuple[float, float] = (0.05, 0.35)
    rest: tuple[float, float] = (0.10, 0.45)
    lossy: float = 0.12  # of the recordings on a telephone: packets go missing
    lost: tuple[float, float] = (0.01, 0.06)  # of their packets
    clipped: float = 0.06


def mulaw(samples: Samples) -> Samples:
    """Through a mu-law line and back: ITU-T G.711, 8 bits a sample."""
    return _LINE[np.rint(np.clip(samples, -1, 1) * 32_767).astype(np.int16)]


def resampled(samples: Samples, rate: float, to: float) -> Samples:
    if rate == to:
        return samples
    return np.asarray(soxr.resample(samples, rate, to, quality="LQ"), np.float32)


def on_the_phone(samples: Samples, rate: int) -> Samples:
    """The recording as a 16 kHz listener behind a telephone line gets it."""
    return resampled(mulaw(resampled(samples, rate, TELEPHONE)), TELEPHONE, RATE)


def worn(
    samples: Samples,
    rate: int,
    random: np.random.Generator,
    noises: Sequence[Samples],
    wear: Wear,
) -> Samples:
    """`samples` at `rate`, spoken faster or slower, in a room, perhaps over a line: 16 kHz."""
    phone = rate == TELEPHONE or random.random() < wear.telephone
    to = TELEPHONE if phone else RATE
    x = resampled(samples, rate * random.uniform(*wear.speed), to)
    level = 10 ** (random.uniform(*wear.level_db) / 20)
    x = x * (level / (float(np.sqrt(np.mean(x**2))) + 1e-6))
    lead, rest = (int(random.uniform(*span) * to) for span in (wear.lead, wear.rest))
    x = np.pad(x, (lead, rest)).astype(np.float32)
    x += hiss(len(x), random) * (level * 10 ** (-random.uniform(25, 60) / 20))
    if noises and random.random() < wear.noisy:
        noise = excerpt(noises[int(random.integers(len(noises)))], len(x), random)
        x += noise * (level * 10 ** (-random.uniform(*wear.noise_db) / 20))
    if random.random() < wear.clipped:
        x = np.clip(x, -1.2 * level, 1.2 * level)
    if phone:
        if random.random() < wear.lossy:
            x = with_losses(x, random.uniform(*wear.lost), random)
        return resampled(mulaw(x), TELEPHONE, RATE)
    return np.clip(x, -1, 1)


def with_losses(samples: Samples, share: float, random: np.random.Generator) -> Samples:
    """Some 20 ms packets of a telephone line never came, and silence was played for them."""
    packet = TELEPHONE // 50
    gone = np.repeat(random.random(-(-len(samples) // packet)) < share, packet)[: len(samples)]
    return np.where(gone, np.float32(0), samples)


def hiss(length: int, random: np.random.Generator) -> Samples:
    return random.standard_normal(length, np.float32)


def excerpt(noise: Samples, length: int, random: np.random.Generator) -> Samples:
    """`length` samples of a looped noise of RMS 1, from anywhere in it."""
    at = int(random.integers(len(noise)))
    return np.resize(np.roll(noise, -at), length)


def unit(samples: Samples) -> Samples:
    rms: NDArray[np.float32] = np.sqrt(np.mean(samples**2))
    return np.asarray(samples / (rms + 1e-6), np.float32)


def trimmed(samples: Samples, rate: int, floor: float = 0.06) -> Samples:
    """Without the silence around it: 10 ms blocks below `floor` of the loudest are silence."""
    block = rate // 100
    whole = len(samples) // block * block
    loud = np.sqrt(np.mean(samples[:whole].reshape(-1, block) ** 2, 1))
    voiced = np.flatnonzero(loud > floor * loud.max())
    start, end = max(0, voiced[0] - 3), min(len(loud), voiced[-1] + 5)
    return samples[start * block : end * block]
