"""What does the voice say about how the caller feels?

A small head over the encoder pass that also spells: a learned blend of its layers, attentive
pooling (Lin et al. 2017, arXiv 1703.03130; with deviations as in Okabe et al. 2018), and prosody.
Probabilities are temperature-scaled on dev speakers (Guo et al. 2017). It was taught by acted
emotion, so it abstains rather than guess from little or unclear speech, and loudness is kept from
it: a telephone's gain is not a feeling.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import log2
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from audio.types import EMOTIONS, AcousticCues, Emotion, Prosody

PROSODY = 8  # numbers made of a Prosody
LEAST_S = 0.4  # of voice; less says nothing about feeling
ENOUGH_S = 1.6  # of voice; the length at which the head was taught
LEAST_SURE = 0.28  # twice chance; a flatter verdict is no verdict

# Arousal and valence that actors' categories stand for (Russell's circumplex, 1980), 0 to 1.
AFFECT: Mapping[Emotion, tuple[float, float]] = {
    "neutral": (0.35, 0.5),
    "happy": (0.7, 0.9),
    "sad": (0.25, 0.2),
    "angry": (0.85, 0.1),
    "fearful": (0.75, 0.2),
    "surprised": (0.75, 0.6),
    "disgusted": (0.55, 0.15),
}

# What other checkpoints call the seven, by the first three letters.
_KNOWN_AS: Mapping[str, Emotion] = {
    "neu": "neutral",
    "cal": "neutral",
    "hap": "happy",
    "joy": "happy",
    "exc": "happy",
    "sad": "sad",
    "ang": "angry",
    "fea": "fearful",
    "sur": "surprised",
    "dis": "disgusted",
}


@dataclass(frozen=True, slots=True)
class Feeling:
    emotion: Mapping[Emotion, float]
    arousal: float | None
    valence: float | None


UNKNOWN = Feeling({}, None, None)


def numbers(prosody: Prosody) -> list[float]:
    """Prosody as the head reads it; what could not be measured is 0 with its own flag."""
    pitch, spread = prosody.pitch_hz, prosody.pitch_range_semitones
    rate = prosody.syllables_per_s
    return [
        log2(pitch / 160) if pitch else 0.0,
        float(pitch is not None),
        (spread - 6) / 6 if spread is not None else 0.0,
        float(spread is not None),
        (rate - 4) / 2 if rate is not None else 0.0,
        float(rate is not None),
        prosody.pause_ratio,
        min(prosody.voiced_s, 4.0) / 2 - 1,
    ]


class EmotionHead(nn.Module):
    def __init__(self, *, layers: int, width: int, hidden: int = 96) -> None:
        super().__init__()
        self.hidden = hidden
        self.weights = nn.Parameter(torch.zeros(layers))
        self.norm = nn.LayerNorm(width)
        self.attention = nn.Sequential(nn.Linear(width, 64), nn.Tanh(), nn.Linear(64, 1))
        self.judge = nn.Sequential(
            nn.LayerNorm(2 * width + PROSODY),
            nn.Dropout(0.3),
            nn.Linear(2 * width + PROSODY, hidden),
            nn.GELU(),
            nn.Dropout(0.3),
            nn.Linear(hidden, len(EMOTIONS) + 2),
        )
        self.register_buffer("temperature", torch.ones(()))

    def blend(self, layers: Tensor) -> Tensor:
        """(.., layers, frames, width) -> (.., frames, width)."""
        return self.mix(evened(layers))

    def mix(self, layers: Tensor) -> Tensor:
        """`blend` of layers that are `evened` already."""
        return (layers * self.weights.softmax(0)[:, None, None]).sum(-3)

    def forward(self, blended: Tensor, there: Tensor, prosody: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, frames, width), (batch, frames), (batch, 8) -> emotions, arousal-valence."""
        x = self.norm(blended)
        scores = self.attention(x).squeeze(-1).masked_fill(~there, -1e4)
        share = scores.softmax(1).unsqueeze(-1)  # (batch, frames, 1)
        mean = (x * share).sum(1)
        deviation = ((x - mean.unsqueeze(1)).square() * share).sum(1).clamp_min(1e-5).sqrt()
        out = self.judge(torch.cat([mean, deviation, prosody], -1))
        return out[:, : len(EMOTIONS)], out[:, len(EMOTIONS) :].sigmoid()

    @torch.inference_mode()
    def feel(self, blended: Tensor, prosody: Prosody) -> Feeling:
        paired = halved(blended)
        there = torch.ones(1, len(paired), dtype=torch.bool)
        logits, affect = self(paired[None], there, torch.tensor([numbers(prosody)]))
        chances = (logits[0] / self.temperature).softmax(-1).tolist()
        arousal, valence = affect[0].tolist()
        return Feeling(dict(zip(EMOTIONS, chances, strict=True)), arousal, valence)


def evened(layers: Tensor) -> Tensor:
    """Layers differ in scale by an order of magnitude: without this the last drown the rest."""
    return nn.functional.layer_norm(layers, layers.shape[-1:])


def halved(x: Tensor) -> Tensor:
    """(.., frames, width) -> means of neighbours, (.., frames / 2, width): 40 ms each."""
    frames = max(2, x.shape[-2] // 2 * 2)
    x = nn.functional.pad(x, (0, 0, 0, max(0, frames - x.shape[-2])))[..., :frames, :]
    return x.reshape(*x.shape[:-2], frames // 2, 2, x.shape[-1]).mean(-2)


def load_head(folder: Path) -> EmotionHead:
    shape = json.loads((folder / "config.json").read_text())
    head = EmotionHead(layers=shape["layers"], width=shape["width"], hidden=shape["hidden"])
    head.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()})
    return head.eval()


def feeling_of(labels: Mapping[int, str], chances: list[float]) -> Feeling:
    """Another classifier's verdict in this house's words; affect follows from the categories."""
    emotion: dict[Emotion, float] = {}
    for index, label in labels.items():
        if known := _KNOWN_AS.get(label.lower()[:3]):
            emotion[known] = emotion.get(known, 0.0) + chances[int(index)]
    total = sum(emotion.values())
    if total < 0.5:  # mostly classes that mean nothing here
        return UNKNOWN
    shares = {known: chance / total for known, chance in emotion.items()}
    arousal, valence = (
        sum(shares[known] * AFFECT[known][axis] for known in shares) for axis in (0, 1)
    )
    return Feeling(shares, arousal, valence)


def cues(feeling: Feeling, prosody: Prosody, heard_s: float) -> AcousticCues:
    """Feeling and prosody as the dialogue gets them: abstaining when there is little to go by."""
    reliability = round(reliable(prosody, heard_s), 3)
    sure = max(feeling.emotion.values(), default=0.0) >= LEAST_SURE
    if reliability < 0.2 or not sure:
        return AcousticCues({}, None, None, prosody, heard_s, min(reliability, 0.1))
    return AcousticCues(
        feeling.emotion, feeling.arousal, feeling.valence, prosody, heard_s, reliability
    )


def reliable(prosody: Prosody, heard_s: float) -> float:
    """0 to 1: how much voice there was, and whether it was clear enough to have a pitch."""
    if prosody.voiced_s < LEAST_S or heard_s < LEAST_S:
        return 0.0
    length = min(1.0, prosody.voiced_s / ENOUGH_S)
    pitched = 1.0 if prosody.pitch_hz is not None else 0.5
    faint = prosody.loudness_db is not None and prosody.loudness_db < -55
    return float(np.clip(length * pitched * (0.5 if faint else 1.0), 0, 1))
