"""Emotion estimation from the voice: the emotion head, and acoustic cues with their reliability.

A small convolutional head with attentive pooling (Lin et al. 2017, arXiv 1703.03130; with
deviations as in Okabe et al. 2018, arXiv 1803.10963). Its inputs are a learned blend of the layers
of the encoder pass that also transcribes, and the mel bands and pitch of the turn normalised by
the speaker's own (audio/speaker_normalisation.py), which an encoder trained on CTC ignores.
Probabilities are temperature-scaled on dev speakers (Guo et al. 2017). The head was trained on
acted emotion, so it abstains rather than guess from little or unclear speech.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from audio.incremental import LayerBlend
from audio.prosody import ProsodyMeasurement
from audio.speaker_normalisation import FEATURES_PER_FRAME, SpeakerProfile, measure_contours
from audio.types import EMOTIONS, AcousticCues, Emotion, Prosody

# The classes of the head. Calm is merged into neutral outside this module.
ACTED_EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "surprised", "disgusted")
MIN_VOICED_S = 0.4  # of voice; less gives no reliable estimate
FULL_RELIABILITY_S = 1.6  # of voice; the length on which the head was trained
MIN_PROBABILITY = 0.28  # of the likeliest emotion, twice chance; below it the estimate is withheld
MAX_FRAMES = 500  # frames: the head gets the last 10 s of a turn

# Arousal and valence of the categories (Russell's circumplex, 1980), 0 to 1.
AFFECT_OF_EMOTION: Mapping[Emotion, tuple[float, float]] = {
    "neutral": (0.35, 0.5),
    "happy": (0.7, 0.9),
    "sad": (0.25, 0.2),
    "angry": (0.85, 0.1),
    "fearful": (0.75, 0.2),
    "surprised": (0.75, 0.6),
    "disgusted": (0.55, 0.15),
}

# The seven emotions by the first three letters of other checkpoints' labels.
_EMOTION_BY_PREFIX: Mapping[str, Emotion] = {
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
class EmotionEstimate:
    """Emotion probabilities with arousal and valence, 0 to 1; empty and None for no estimate."""

    emotion: Mapping[Emotion, float]
    arousal: float | None
    valence: float | None


NO_ESTIMATE = EmotionEstimate({}, None, None)


class EmotionHead(nn.Module):
    """Encoder layers and contours of a turn -> logits of the eight `ACTED_EMOTIONS`.

    Attribute names of modules and parameters are the keys of the shipped weights.
    """

    def __init__(self, *, layers: int, width: int, hidden: int = 128) -> None:
        super().__init__()
        self.hidden = hidden
        self.weights = nn.Parameter(torch.zeros(layers))
        self.inlet = nn.Sequential(nn.Dropout(0.5), nn.Linear(width, hidden))
        widths = (FEATURES_PER_FRAME, hidden, hidden, hidden)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, hidden, kernel, padding=kernel // 2)
            for width, kernel in zip(widths, (5, 5, 5, 3), strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(hidden) for _ in widths)
        self.attention = nn.Sequential(
            nn.Conv1d(hidden, 64, 1), nn.Tanh(), nn.Conv1d(64, hidden, 1)
        )
        self.drop = nn.Dropout(0.3)
        self.judge = nn.Sequential(
            nn.BatchNorm1d(2 * hidden),
            nn.Dropout(0.4),
            nn.Linear(2 * hidden, 96),
            nn.GELU(),
            nn.Dropout(0.3),
            nn.Linear(96, len(ACTED_EMOTIONS)),
        )
        self.register_buffer("temperature", torch.ones(()))

    def blend_layers(self, layers: Tensor) -> Tensor:
        """(.., layers, frames, width) -> (.., frames, width)."""
        return self.blend_normalised(normalise_scale(layers))

    def layer_blend(self) -> LayerBlend:
        """`blend_layers` as a function of one layer after the other, for `IncrementalEncoder`."""
        shares: list[float] = self.weights.softmax(0).tolist()

        def mix(layers: Sequence[Tensor]) -> Tensor:
            mixed = torch.zeros_like(layers[0])
            for share, layer in zip(shares, layers, strict=True):
                mixed.add_(normalise_scale(layer), alpha=share)
            return mixed

        return mix

    def blend_normalised(self, layers: Tensor) -> Tensor:
        """`blend_layers` for layers that went through `normalise_scale` already."""
        return (layers * self.weights.softmax(0)[:, None, None]).sum(-3)

    def forward(self, contour: Tensor, mask: Tensor, blended: Tensor) -> Tensor:
        """`contour` (batch, 2 n, 43), 20 ms a frame; `mask` (batch, 2 n), 1 where there is a
        frame; `blended` (batch, n, width), 40 ms a frame -> logits (batch, 8)."""
        y, mask = contour.transpose(1, 2), mask[:, None]
        for index, (convolution, norm) in enumerate(
            zip(self.convolutions, self.norms, strict=True)
        ):
            z = self.drop(F.gelu(norm(convolution(y))))
            y = y + z if index else z
            if index < 2:  # 20 -> 40 -> 80 ms a frame
                odd = y.shape[2] % 2
                y, mask = F.avg_pool1d(F.pad(y, (0, odd)), 2), F.pad(mask, (0, odd))[..., ::2]
            if index == 0:
                y = y + self.inlet(blended).transpose(1, 2)
            y = y * mask
        share = self.attention(y).masked_fill(mask == 0, -1e4).softmax(2)
        mean = (y * share).sum(2)
        deviation = ((y - mean[..., None]).square() * share).sum(2).clamp_min(1e-5).sqrt()
        logits: Tensor = self.judge(torch.cat([mean, deviation], 1))
        return logits

    @torch.inference_mode()
    def estimate(
        self, blended: Tensor, measurement: ProsodyMeasurement, speaker: SpeakerProfile
    ) -> EmotionEstimate:
        """The estimate for a turn; `blended` is (frames of 20 ms, width). Updates `speaker`."""
        turn = measure_contours(measurement)
        if turn is None:
            return NO_ESTIMATE
        speaker.update(turn)
        contour, start = speaker.normalise(turn)
        contour, layers = align_frames(contour, average_pairs(blended), start)
        mask = torch.ones(1, len(contour))
        logits = self(contour[None], mask, layers[None])[0]
        return estimate_from_acted((logits / self.temperature).softmax(-1).tolist())


def align_frames(contour: Tensor, layers: Tensor, start: int) -> tuple[Tensor, Tensor]:
    """Contour and layers of the same time span, at most its last 10 s.

    The contour has frames of 20 ms from frame `start`, the layers frames of 40 ms from the
    beginning of the turn; the contour returned has twice as many frames as the layers.
    """
    pairs = -(-len(contour) // 2)
    contour = F.pad(contour, (0, 0, 0, 2 * pairs - len(contour)))
    layers = layers[start // 2 : start // 2 + pairs]
    layers = F.pad(layers, (0, 0, 0, pairs - len(layers)))
    return contour[-MAX_FRAMES:], layers[-MAX_FRAMES // 2 :]


def normalise_scale(layers: Tensor) -> Tensor:
    """Layer-normalised layers: they differ in scale by ten, and the last would drown the rest."""
    return nn.functional.layer_norm(layers, layers.shape[-1:])


def average_pairs(x: Tensor) -> Tensor:
    """(.., frames, width) -> means of pairs of frames, (.., frames / 2, width): 40 ms each."""
    frames = max(2, x.shape[-2] // 2 * 2)
    x = nn.functional.pad(x, (0, 0, 0, max(0, frames - x.shape[-2])))[..., :frames, :]
    return x.reshape(*x.shape[:-2], frames // 2, 2, x.shape[-1]).mean(-2)


def estimate_from_acted(probabilities: list[float]) -> EmotionEstimate:
    """The estimate from probabilities of the eight `ACTED_EMOTIONS`; affect follows from them."""
    emotion = dict.fromkeys(EMOTIONS, 0.0)
    for name, chance in zip(ACTED_EMOTIONS, probabilities, strict=True):
        emotion[_EMOTION_BY_PREFIX[name[:3]]] += chance
    return EmotionEstimate(emotion, *_arousal_and_valence(emotion))


def _arousal_and_valence(emotion: Mapping[Emotion, float]) -> tuple[float, float]:
    arousal, valence = (
        sum(share * AFFECT_OF_EMOTION[name][axis] for name, share in emotion.items())
        for axis in (0, 1)
    )
    return arousal, valence


def load_head(folder: Path) -> EmotionHead:
    """The emotion head of a folder with config.json and model.safetensors."""
    shape = json.loads((folder / "config.json").read_text())
    head = EmotionHead(layers=shape["layers"], width=shape["width"], hidden=shape["hidden"])
    head.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()})
    return head.eval()


def emotion_for_label(label: str) -> Emotion | None:
    """The emotion that another checkpoint's label means; None when it is none of the seven."""
    return _EMOTION_BY_PREFIX.get(label.lower()[:3])


def estimate_from_labels(labels: Mapping[int, str], probabilities: list[float]) -> EmotionEstimate:
    """The estimate from another classifier's probabilities; affect follows from the emotions.

    NO_ESTIMATE when less than half of the probability is on labels of known emotions.
    """
    emotion: dict[Emotion, float] = {}
    for index, label in labels.items():
        if known := emotion_for_label(label):
            emotion[known] = emotion.get(known, 0.0) + probabilities[int(index)]
    total = sum(emotion.values())
    if total < 0.5:  # mostly unknown labels
        return NO_ESTIMATE
    shares = {known: chance / total for known, chance in emotion.items()}
    return EmotionEstimate(shares, *_arousal_and_valence(shares))


def acoustic_cues(estimate: EmotionEstimate, prosody: Prosody, heard_s: float) -> AcousticCues:
    """Emotion and prosody with their reliability; no emotion when there is too little voice."""
    reliability = round(cue_reliability(prosody, heard_s), 3)
    sure = max(estimate.emotion.values(), default=0.0) >= MIN_PROBABILITY
    if reliability < 0.2 or not sure:
        return AcousticCues({}, None, None, prosody, heard_s, min(reliability, 0.1))
    return AcousticCues(
        estimate.emotion, estimate.arousal, estimate.valence, prosody, heard_s, reliability
    )


def cue_reliability(prosody: Prosody, heard_s: float) -> float:
    """Reliability of the cues, 0 to 1: by the amount of voice, its pitch and its loudness."""
    if prosody.voiced_s < MIN_VOICED_S or heard_s < MIN_VOICED_S:
        return 0.0
    length = min(1.0, prosody.voiced_s / FULL_RELIABILITY_S)
    pitched = 1.0 if prosody.pitch_hz is not None else 0.5
    faint = prosody.loudness_db is not None and prosody.loudness_db < -55
    return float(np.clip(length * pitched * (0.5 if faint else 1.0), 0, 1))
