"""Recall and calibration figures of an emotion head on speakers it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import softmax  # type: ignore[import-untyped]

from agent.lab.figures import percent_text
from agent.lab.metrics import mean_recall
from agent.lab.statistics import Estimate, cluster_bootstrap
from agent.lab.training.ears.emotion_training import EARLY_S, EmotionLogits, EmotionPrediction
from agent.understanding.calibration import expected_calibration_error
from audio.emotion import ACTED_EMOTIONS

LogitSelector = Callable[[EmotionPrediction], EmotionLogits]
CALM, NEUTRAL = ACTED_EMOTIONS.index("calm"), ACTED_EMOTIONS.index("neutral")


def recall_estimate(
    predictions: Sequence[EmotionPrediction],
    select: LogitSelector = lambda v: v.logits,
    separate_calm: bool = True,
) -> Estimate:
    """UA (mean recall over the classes that occur), speakers drawn for its interval.

    Calm is a class of its own, or, without `separate_calm`, neutral: as the agent treats it.
    """
    chances = softmax([select(verdict) for verdict in predictions], axis=1)
    labels = np.array([verdict.label for verdict in predictions])
    if not separate_calm:
        chances[:, NEUTRAL] += chances[:, CALM]
        chances[:, CALM] = 0
        labels[labels == CALM] = NEUTRAL
    speakers = [verdict.utterance.speaker for verdict in predictions]
    return cluster_bootstrap(mean_recall(labels, chances.argmax(1)), speakers, "speakers")


def emotion_figures(predictions: Sequence[EmotionPrediction], temperature: float) -> dict[str, str]:
    """The rows of the model card that the six folds give: test name to formatted figure."""
    telephone = [v for v in predictions if v.telephone]
    rows = {
        "RAVDESS, 8 classes, wide band": recall_estimate(
            [v for v in predictions if not v.telephone]
        ),
        "the same through 8 kHz mu-law": recall_estimate(telephone),
        "the same, nothing known of the caller": recall_estimate(
            telephone, lambda v: v.first_turn_logits
        ),
        "the same, 7 classes (calm is neutral)": recall_estimate(telephone, separate_calm=False),
    }
    for seconds in EARLY_S:
        name = f"the same, after {seconds:g} s of speech"
        rows[name] = recall_estimate(telephone, lambda v, s=seconds: v.early_logits[s])  # type: ignore[misc]
    cells = {name: percent_text(value) for name, value in rows.items()}
    chances = softmax([v.logits / temperature for v in telephone], axis=1)
    right = chances.argmax(1) == [v.label for v in telephone]
    error = expected_calibration_error(chances.max(1), right)
    return cells | {"its calibration error (ECE), 8 classes": f"{error:.3f}"}
