"""Initial weights of the encoder's convolutions: a mel filter bank.

The first convolution starts as band-pass filters at mel-spaced frequencies, four phases each, so
that rectifying and averaging gives each band's strength (as in Zeghidour et al. 2018, arXiv
1711.01161). The layer norm behind it removes loudness, so a few channels hold a constant instead:
after the norm they tell how loud everything else was. The second convolution starts by averaging
each band over a frame.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from audio import torchaudio_guard  # noqa: F401  before transformers, which imports torchaudio

# isort: split
from transformers import HubertModel

from audio.types import RATE

LOWEST_HZ, HIGHEST_HZ = 90.0, 7600.0
PHASES_PER_BAND = 4
CONSTANT_CHANNELS = (0.2, -0.2, 0.07, -0.07, 0.02, -0.02, 0.6, -0.6)
GAIN = 4.0  # speech of usual loudness comes out near 1


def hz_to_mel(hz: float) -> float:
    return 2595 * math.log10(1 + hz / 700)


def band_pass_filters(bands: int, length: int) -> Tensor:
    """(bands * 4, length): windowed cosines, stronger high up, where speech is weak."""
    steps = torch.linspace(hz_to_mel(LOWEST_HZ), hz_to_mel(HIGHEST_HZ), bands)
    centres = 700 * (10 ** (steps / 2595) - 1)  # (bands,)
    time = (torch.arange(length) - length / 2) / RATE
    phases = torch.arange(PHASES_PER_BAND) * (2 * math.pi / PHASES_PER_BAND)
    angle = 2 * math.pi * centres[:, None, None] * time + phases[:, None]
    # Higher bands are wider, as in human hearing: their windows are shorter.
    width = (length / RATE) * (1 / (1 + (centres / 3000) ** 2)).clamp_min(0.35)
    window = torch.cos(math.pi * time / width[:, None]).square()
    window = torch.where(time.abs() < width[:, None] / 2, window, torch.zeros(()))
    filters = torch.cos(angle) * window[:, None]
    tilt = (centres / 1000).clamp_min(0.3) ** 0.8
    strength = filters.square().sum(-1, keepdim=True).sqrt()
    return (filters / strength * tilt[:, None, None] * GAIN).flatten(0, 1)


@torch.no_grad()
def initialise_filter_bank(hubert: HubertModel) -> None:
    """Set the weights of both convolutions of `hubert` in place."""
    layers: Any = hubert.feature_extractor.conv_layers  # transformers does not declare its parts
    first, second = (layer.conv for layer in layers)
    channels, length = first.weight.shape[0], first.weight.shape[-1]
    bands = (channels - len(CONSTANT_CHANNELS)) // PHASES_PER_BAND
    first.weight.zero_()
    first.bias.zero_()
    first.weight[: bands * PHASES_PER_BAND, 0] = band_pass_filters(bands, length)
    first.bias[bands * PHASES_PER_BAND : bands * PHASES_PER_BAND + len(CONSTANT_CHANNELS)] = (
        torch.tensor(CONSTANT_CHANNELS)
    )
    averaged = min(bands + len(CONSTANT_CHANNELS) // 2, second.weight.shape[0])
    for band in range(min(bands, averaged)):
        second.weight[band].mul_(0.1)
        second.weight[band, band * PHASES_PER_BAND : (band + 1) * PHASES_PER_BAND] += (
            1 / PHASES_PER_BAND
        )
