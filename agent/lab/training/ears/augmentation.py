"""Augmentation of training recordings: telephone lines, noise, tempo, levels and lost packets.

All randomness comes from the generator passed in, so an epoch is the same whenever it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr  # type: ignore[import-untyped]

from agent.lab.arrays import Float32Array
from audio.codecs import decode, encode, from_pcm16, to_pcm16
from audio.types import RATE, Samples

TELEPHONE_RATE = 8000  # samples per second on a phone line

# The decoded value of every encoded 16-bit value; negative values index from the end.
_PCM16_VALUES = np.arange(2**16).astype(np.uint16).view(np.int16)  # 0 to 32,767, then negative
_MULAW_ROUND_TRIP = decode(encode(from_pcm16(_PCM16_VALUES), "mulaw"), "mulaw", 1)[:, 0]


@dataclass(frozen=True, slots=True)
class AugmentationSettings:
    """How strongly recordings are augmented: probabilities, decibels and seconds."""

    telephone_probability: float = 0.65  # of the wide-band recordings
    noise_probability: float = 0.3
    speed_range: tuple[float, float] = (0.88, 1.14)
    snr_db: tuple[float, float] = (8.0, 30.0)  # speech above noise
    level_db: tuple[float, float] = (-48.0, -14.0)  # RMS of the speech below full scale
    leading_silence_s: tuple[float, float] = (0.05, 0.35)
    trailing_silence_s: tuple[float, float] = (0.10, 0.45)
    packet_loss_probability: float = 0.12  # of the telephone recordings
    lost_packet_share: tuple[float, float] = (0.01, 0.06)  # of their packets
    clipping_probability: float = 0.06


def mulaw_round_trip(samples: Samples) -> Samples:
    """Samples encoded as mu-law and decoded again: ITU-T G.711, 8 bits a sample."""
    return _MULAW_ROUND_TRIP[to_pcm16(samples)]


def resample(samples: Samples, rate: float, target_rate: float) -> Samples:
    if rate == target_rate:
        return samples
    return np.asarray(soxr.resample(samples, rate, target_rate, quality="LQ"), np.float32)


def through_telephone(samples: Samples, rate: int) -> Samples:
    """The recording at 16 kHz after an 8 kHz mu-law telephone line."""
    return resample(mulaw_round_trip(resample(samples, rate, TELEPHONE_RATE)), TELEPHONE_RATE, RATE)


def augment(
    samples: Samples,
    rate: int,
    random: np.random.Generator,
    noises: Sequence[Samples],
    settings: AugmentationSettings,
) -> Samples:
    """Augmented samples at 16 kHz: tempo, level, silence, noise, clipping, telephone line."""
    on_telephone = rate == TELEPHONE_RATE or random.random() < settings.telephone_probability
    target_rate = TELEPHONE_RATE if on_telephone else RATE
    x = resample(samples, rate * random.uniform(*settings.speed_range), target_rate)
    level = 10 ** (random.uniform(*settings.level_db) / 20)
    x = x * (level / (float(np.sqrt(np.mean(x**2))) + 1e-6))
    lead, rest = (
        int(random.uniform(*span) * target_rate)
        for span in (settings.leading_silence_s, settings.trailing_silence_s)
    )
    x = np.pad(x, (lead, rest)).astype(np.float32)
    x += white_noise(len(x), random) * (level * 10 ** (-random.uniform(25, 60) / 20))
    if noises and random.random() < settings.noise_probability:
        noise = noise_excerpt(noises[int(random.integers(len(noises)))], len(x), random)
        x += noise * (level * 10 ** (-random.uniform(*settings.snr_db) / 20))
    if random.random() < settings.clipping_probability:
        x = np.clip(x, -1.2 * level, 1.2 * level)
    if on_telephone:
        if random.random() < settings.packet_loss_probability:
            x = drop_packets(x, random.uniform(*settings.lost_packet_share), random)
        return resample(mulaw_round_trip(x), TELEPHONE_RATE, RATE)
    return np.clip(x, -1, 1)


def drop_packets(samples: Samples, share: float, random: np.random.Generator) -> Samples:
    """Replace a share of the 20 ms packets of a telephone line by silence."""
    packet = TELEPHONE_RATE // 50
    lost = np.repeat(random.random(-(-len(samples) // packet)) < share, packet)[: len(samples)]
    return np.where(lost, np.float32(0), samples)


def white_noise(length: int, random: np.random.Generator) -> Samples:
    return random.standard_normal(length, np.float32)


def noise_excerpt(noise: Samples, length: int, random: np.random.Generator) -> Samples:
    """`length` samples of a looped noise of RMS 1, from anywhere in it."""
    at = int(random.integers(len(noise)))
    return np.resize(np.roll(noise, -at), length)


def to_unit_rms(samples: Samples) -> Samples:
    """The samples scaled to RMS 1."""
    rms: Float32Array = np.sqrt(np.mean(samples**2))
    return np.asarray(samples / (rms + 1e-6), np.float32)


def trim_silence(samples: Samples, rate: int, floor: float = 0.06) -> Samples:
    """Without leading and trailing silence: 10 ms blocks below `floor` of the loudest one."""
    block = rate // 100
    whole = len(samples) // block * block
    loud = np.sqrt(np.mean(samples[:whole].reshape(-1, block) ** 2, 1))
    voiced = np.flatnonzero(loud > floor * loud.max())
    start, end = max(0, voiced[0] - 3), min(len(loud), voiced[-1] + 5)
    return samples[start * block : end * block]
