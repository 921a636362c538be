"""Recall and calibration figures of an emotion head on speakers it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import softmax  # type: ignore[import-untyped]
from sklearn.metrics import recall_score  # type: ignore[import-untyped]

from agent.lab.training.ears.emotion_training import EARLY_S, EmotionLogits, EmotionPrediction
from agent.understanding.calibration import expected_calibration_error
from audio.emotion import ACTED_EMOTIONS

Interval = tuple[float, float, float]  # value, low, high
LogitSelector = Callable[[EmotionPrediction], EmotionLogits]
CALM, NEUTRAL = ACTED_EMOTIONS.index("calm"), ACTED_EMOTIONS.index("neutral")


def unweighted_recall(labels: Sequence[int], guesses: Sequence[int]) -> float:
    """UA: mean recall over the classes that occur."""
    occurring = sorted(set(labels))
    return float(
        recall_score(labels, guesses, labels=occurring, average="macro", zero_division=0.0)
    )


def recall_with_interval(
    predictions: Sequence[EmotionPrediction],
    select: LogitSelector = lambda v: v.logits,
    separate_calm: bool = True,
) -> Interval:
    """UA with a 95 % interval by bootstrap over speakers.

    Calm is a class of its own, or, without `separate_calm`, neutral: as the agent treats it.
    """
    by_speaker: dict[str, list[tuple[int, int]]] = {}
    for verdict in predictions:
        chances = softmax(select(verdict))
        label = verdict.label
        if not separate_calm:
            chances[NEUTRAL] += chances[CALM]
            chances[CALM] = 0
            label = NEUTRAL if label == CALM else label
        pair = label, int(chances.argmax())
        by_speaker.setdefault(verdict.utterance.speaker, []).append(pair)
    return _speaker_bootstrap(list(by_speaker.values()))


def _speaker_bootstrap(groups: Sequence[Sequence[tuple[int, int]]], seed: int = 0) -> Interval:
    random, drawn = np.random.default_rng(seed), []
    for _ in range(1000):
        pairs = [p for i in random.integers(len(groups), size=len(groups)) for p in groups[i]]
        drawn.append(unweighted_recall([a for a, _ in pairs], [b for _, b in pairs]))
    every = [p for group in groups for p in group]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return unweighted_recall([a for a, _ in every], [b for _, b in every]), float(low), float(high)


def calibration_error(predictions: Sequence[EmotionPrediction], temperature: float) -> float:
    """Expected calibration error of the likeliest class."""
    chances = np.array([softmax(v.logits / temperature) for v in predictions])
    right = chances.argmax(1) == [v.label for v in predictions]
    return expected_calibration_error(chances.max(1), right)


def emotion_figures(predictions: Sequence[EmotionPrediction], temperature: float) -> dict[str, str]:
    """The rows of the model card that the six folds give: test name to formatted figure."""
    telephone = [v for v in predictions if v.telephone]
    rows = {
        "RAVDESS, 8 classes, wide band": recall_with_interval(
            [v for v in predictions if not v.telephone]
        ),
        "the same through 8 kHz mu-law": recall_with_interval(telephone),
        "the same, nothing known of the caller": recall_with_interval(
            telephone, lambda v: v.first_turn_logits
        ),
        "the same, 7 classes (calm is neutral)": recall_with_interval(
            telephone, separate_calm=False
        ),
    }
    for seconds in EARLY_S:
        name = f"the same, after {seconds:g} s of speech"
        rows[name] = recall_with_interval(telephone, lambda v, s=seconds: v.early_logits[s])  # type: ignore[misc]
    cells = {name: format_interval(value) for name, value in rows.items()}
    cells["its calibration error (ECE), 8 classes"] = (
        f"{calibration_error(telephone, temperature):.3f}"
    )
    return cells


def format_interval(figure: Interval) -> str:
    value, low, high = figure
    return f"{100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
