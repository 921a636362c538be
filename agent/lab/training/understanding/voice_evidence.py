"""How much does each emotion heard in a voice say about the caller being upset?

Learned from the emotion head's probabilities for speakers it was not trained on: one JSON object a
line, `{"speaker": "ravdess/03", "label": "angry", "emotion": {"angry": 0.7, ...}}`. The result goes
beside the emotion head, because both come from recordings under a non-commercial licence.

Acted emotion is played larger than life and no call recordings may be trained on, so the weights
are shrunk by `TRANSFER`, which is chosen. Invariants, held by
tests/agent/training/test_understanding.py: no emotion weighs more than anger; figures never test on
a speaker that was fitted on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.model_selection import GroupKFold  # type: ignore[import-untyped]

from agent.lab.training.understanding.figures import Figure, auroc, figure
from agent.understanding.calibration import expected_error
from agent.understanding.mood_fusion import VoiceWeights
from audio.types import EMOTIONS

Array = NDArray[np.float64]
UPSET = frozenset({"angry", "disgusted"})
TRANSFER = 0.6
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Voice:
    speaker: str
    label: str
    chances: tuple[float, ...]  # in the order of EMOTIONS


def read(path: Path) -> list[Voice]:
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Voice(
            str(row["speaker"]),
            str(row["label"]),
            tuple(float(row["emotion"].get(name, 0.0)) for name in EMOTIONS),
        )
        for row in rows
    ]


def fitted(voices: Sequence[Voice], usual: float, transfer: float = TRANSFER) -> VoiceWeights:
    """`usual` is the log-odds of an upset customer; evidence is relative to it."""
    chances, upset = _columns(voices)
    weights = _weights(upset, usual)
    model = LogisticRegression(C=1.0, max_iter=500).fit(chances, upset, sample_weight=weights)
    emotions = np.asarray(model.coef_[0], dtype=float)
    emotions[EMOTIONS.index("angry")] = emotions.max()  # an angrier voice is never calmer
    shift = usual - float(model.intercept_[0])
    moved = transfer * (chances @ emotions - shift)
    return VoiceWeights(
        {name: float(transfer * w) for name, w in zip(EMOTIONS, emotions, strict=True)},
        transfer * shift,
        spread=float(np.sqrt(np.average(moved**2, weights=weights))),
        name=f"learned from {len(voices)} voices of {len({v.speaker for v in voices})} speakers",
    )


def figures(voices: Sequence[Voice], usual: float) -> list[Figure]:
    """Of folds that share no speaker, before the shrinking, which these recordings do not need."""
    chances, upset = _columns(voices)
    speakers = [voice.speaker for voice in voices]
    folds = min(FOLDS, len(set(speakers)))
    scores = np.zeros(len(voices))
    for kept, left in GroupKFold(folds).split(chances, upset, speakers):
        voice = fitted([voices[at] for at in kept], usual, transfer=1.0)
        emotions = np.array([voice.emotions[name] for name in EMOTIONS])
        scores[left] = usual + chances[left] @ emotions - voice.shift
    weights = _weights(upset, usual)
    rng = np.random.default_rng(0)
    rows = rng.choice(len(voices), 4000, p=weights / weights.sum())
    return [
        figure("acted voices, upset (angry or disgusted)", "AUROC", auroc, upset, scores),
        figure(
            "acted voices, upset (angry or disgusted)",
            "expected calibration error",
            expected_error,
            expit(scores[rows]),
            upset[rows],
        ),
    ]


def store(voice: VoiceWeights, path: Path) -> None:
    stored = {
        "name": voice.name,
        "emotions": dict(voice.emotions),
        "shift": voice.shift,
        "spread": voice.spread,
        "licence": "CC BY-NC-SA 4.0, as the recordings (RAVDESS, nEMO)",
    }
    path.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")


def _columns(voices: Sequence[Voice]) -> tuple[Array, NDArray[np.bool_]]:
    chances = np.array([voice.chances for voice in voices])
    return chances, np.array([voice.label in UPSET for voice in voices])


def _weights(upset: NDArray[np.bool_], usual: float) -> Array:
    """Mean 1, as if upset voices were as frequent as upset customers."""
    share, count = float(expit(usual)), len(upset)
    calm = np.logical_not(upset)
    heavy, light = count * share / upset.sum(), count * (1.0 - share) / calm.sum()
    return np.asarray(np.where(upset, heavy, light), dtype=np.float64)
