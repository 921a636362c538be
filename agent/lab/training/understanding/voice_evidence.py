"""Evidence of the emotions in a voice for the caller being upset: the fusion's voice weights.

Fitted to the emotion head's probabilities for speakers it was not trained on: one JSON object a
line, `{"speaker": "ravdess/03", "label": "angry", "emotion": {"angry": 0.7, ...}}`. The result lies
beside the emotion head, because both come from recordings under a non-commercial licence.

Acted emotion is exaggerated and no call recordings may be trained on, so the weights are shrunk by
`SHRINKAGE`, which is chosen. Invariants, held by tests/agent/lab/training/test_understanding.py: no
emotion weighs more than anger; figures never test on a speaker that was fitted on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.model_selection import GroupKFold  # type: ignore[import-untyped]

from agent.lab.arrays import BoolArray, FloatArray
from agent.lab.figures import Figure
from agent.lab.json_lines import read_json_lines
from agent.lab.metrics import auroc, calibration_error
from agent.lab.statistics import cluster_bootstrap
from agent.understanding.mood_fusion import VoiceWeights
from audio.types import EMOTIONS

UPSET_EMOTIONS = frozenset({"angry", "disgusted"})
SHRINKAGE = 0.6
FOLDS = 5


@dataclass(frozen=True, slots=True)
class HeldOutVoice:
    """The emotion probabilities of one recording of a held-out speaker."""

    speaker: str
    label: str
    probabilities: tuple[float, ...]  # in the order of EMOTIONS


def read_held_out_voices(path: Path) -> list[HeldOutVoice]:
    """The predictions in a file of JSON lines; emotions that a line lacks have probability 0."""
    return [
        HeldOutVoice(
            str(row["speaker"]),
            str(row["label"]),
            tuple(float(row["emotion"].get(name, 0.0)) for name in EMOTIONS),
        )
        for row in read_json_lines(path)
    ]


def fit_voice_weights(
    voices: Sequence[HeldOutVoice], upset_log_odds: float, shrinkage: float = SHRINKAGE
) -> VoiceWeights:
    """Weights of evidence relative to `upset_log_odds`, the log-odds of an upset customer."""
    chances, upset = _probabilities_and_upset(voices)
    weights = _prior_weights(upset, upset_log_odds)
    model = LogisticRegression(C=1.0, max_iter=500).fit(chances, upset, sample_weight=weights)
    emotions = np.asarray(model.coef_[0], dtype=float)
    emotions[EMOTIONS.index("angry")] = emotions.max()  # an angrier voice is never calmer
    shift = upset_log_odds - float(model.intercept_[0])
    moved = shrinkage * (chances @ emotions - shift)
    return VoiceWeights(
        {name: float(shrinkage * w) for name, w in zip(EMOTIONS, emotions, strict=True)},
        shrinkage * shift,
        spread=float(np.sqrt(np.average(moved**2, weights=weights))),
        name=f"learned from {len(voices)} voices of {len({v.speaker for v in voices})} speakers",
    )


def voice_figures(voices: Sequence[HeldOutVoice], upset_log_odds: float) -> list[Figure]:
    """Figures on folds that share no speaker, without shrinkage: these voices are acted, too."""
    chances, upset = _probabilities_and_upset(voices)
    speakers = np.array([voice.speaker for voice in voices])
    folds = min(FOLDS, len(set(speakers)))
    scores = np.zeros(len(voices))
    for kept, left in GroupKFold(folds).split(chances, upset, speakers):
        voice = fit_voice_weights([voices[at] for at in kept], upset_log_odds, shrinkage=1.0)
        emotions = np.array([voice.emotions[name] for name in EMOTIONS])
        scores[left] = upset_log_odds + chances[left] @ emotions - voice.shift
    weights = _prior_weights(upset, upset_log_odds)
    rng = np.random.default_rng(0)
    rows = rng.choice(len(voices), 4000, p=weights / weights.sum())
    name = "acted voices, upset (angry or disgusted)"
    area = cluster_bootstrap(auroc(upset, scores), speakers, "speakers")
    error = cluster_bootstrap(
        calibration_error(expit(scores[rows]), upset[rows]), speakers[rows], "speakers"
    )
    return [Figure(name, "AUROC", area), Figure(name, "expected calibration error", error)]


def store_voice_weights(weights: VoiceWeights, path: Path) -> None:
    stored = {
        "name": weights.name,
        "emotions": dict(weights.emotions),
        "shift": weights.shift,
        "spread": weights.spread,
        "licence": "CC BY-NC-SA 4.0, as the recordings (RAVDESS, nEMO)",
    }
    path.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")


def _probabilities_and_upset(voices: Sequence[HeldOutVoice]) -> tuple[FloatArray, BoolArray]:
    chances = np.array([voice.probabilities for voice in voices])
    return chances, np.array([voice.label in UPSET_EMOTIONS for voice in voices])


def _prior_weights(upset: BoolArray, upset_log_odds: float) -> FloatArray:
    """Weights of mean 1 that give upset voices the share of upset customers."""
    share, count = float(expit(upset_log_odds)), len(upset)
    calm = np.logical_not(upset)
    heavy, light = count * share / upset.sum(), count * (1.0 - share) / calm.sum()
    return np.asarray(np.where(upset, heavy, light), dtype=np.float64)
