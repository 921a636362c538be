"""Metrics of fusion predictions, and gains of one kind over another.

UA is the mean recall over classes; AUROC is computed over a hundred steps of the score; ECE is the
expected calibration error of the probability of upset and of the most probable sentiment. All are
functions of sums over turns, so that both sides of a comparison use the same draws of speakers
(agent/lab/statistics.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np

from agent.lab.arrays import FloatArray, IntArray
from agent.lab.evaluation.fusion.experiment import FusionPredictions, FusionResults
from agent.lab.evaluation.tally_metric import TallyMetric, estimate, estimate_difference
from agent.lab.fusion_models.classifiers import FUSED_KINDS, SINGLE_MODALITY, FusionKind
from agent.lab.metrics import SumFormula, auroc_of_sums, recall_of_sums
from agent.lab.statistics import Estimate
from agent.understanding.calibration import calibration_tally, error_of_tally

FusionMetric = Literal["sentiment UA", "upset UA", "upset AUROC", "sentiment ECE", "upset ECE"]
FUSION_METRICS: tuple[FusionMetric, ...] = get_args(FusionMetric)
SCORE_STEPS = 100
CALL_CONDITION = "telephone, transcribed"  # the condition of a real call


def tally_metric(
    results: FusionResults, kind: FusionKind, condition: str, metric: FusionMetric
) -> TallyMetric:
    predictions = results.predictions[kind, condition]
    tally, formula = _TALLY_FUNCTIONS[metric](results, predictions)
    truth = results.sentiment if metric.startswith("sentiment") else results.upset
    less_is_better = metric.endswith("ECE")
    return TallyMetric("emotion", metric, metric, truth >= 0, tally, formula, less_is_better)


def estimate_metric(
    results: FusionResults, kind: FusionKind, condition: str, metric: FusionMetric
) -> Estimate:
    return estimate(tally_metric(results, kind, condition, metric), results.speakers)


def estimate_gain(
    results: FusionResults, one: FusionKind, other: FusionKind, condition: str, metric: FusionMetric
) -> Estimate:
    """The metric of kind `one` minus that of `other`, over the same draws of speakers."""
    return estimate_difference(
        tally_metric(results, one, condition, metric),
        tally_metric(results, other, condition, metric),
        results.speakers,
    )


def best_single_modality(
    results: FusionResults, condition: str, metric: FusionMetric
) -> FusionKind:
    return max(
        SINGLE_MODALITY, key=lambda kind: estimate_metric(results, kind, condition, metric).value
    )


def best_fusion(results: FusionResults) -> FusionKind:
    """The fusion with the highest sum of the UAs in CALL_CONDITION."""

    def both(kind: FusionKind) -> float:
        return sum(
            estimate_metric(results, kind, CALL_CONDITION, of).value
            for of in measurable_metrics(results)
        )

    return max(FUSED_KINDS, key=both)


def measurable_metrics(results: FusionResults) -> list[FusionMetric]:
    """The UAs whose labels have at least two classes among the turns."""
    truths: dict[FusionMetric, IntArray] = {
        "sentiment UA": results.sentiment,
        "upset UA": results.upset,
    }
    return [of for of, truth in truths.items() if len(set(truth[truth >= 0].tolist())) > 1]


def mean_class_recall(sums: FloatArray) -> FloatArray:
    """(.., correct by class, turns by class) -> mean recall of the classes that occur."""
    return recall_of_sums(*np.split(sums, 2, axis=-1))


def area_under_curve(sums: FloatArray) -> FloatArray:
    """(.., calm turns by score step, upset turns by score step) -> area under the ROC curve."""
    return auroc_of_sums(*np.split(sums, 2, axis=-1))


TallyFunction = Callable[[FusionResults, FusionPredictions], tuple[FloatArray, SumFormula]]


def recall_tally(truth: IntArray, decided: IntArray, classes: int) -> FloatArray:
    there = np.eye(classes)[np.maximum(truth, 0)]
    return np.concatenate([there * (truth == decided)[:, None], there], 1)


def area_tally(truth: IntArray, scores: FloatArray) -> FloatArray:
    edges = np.quantile(scores, np.linspace(0, 1, SCORE_STEPS + 1)[1:-1])
    step = np.searchsorted(edges, scores, side="right")
    tally = np.zeros((len(scores), 2 * SCORE_STEPS))
    tally[np.arange(len(scores)), step + SCORE_STEPS * (truth == 1)] = 1
    return tally


def _sentiment_calibration(
    results: FusionResults, predictions: FusionPredictions
) -> tuple[FloatArray, SumFormula]:
    right = predictions.sentiment.argmax(1) == results.sentiment
    return calibration_tally(predictions.sentiment.max(1), right), error_of_tally


_TALLY_FUNCTIONS: dict[FusionMetric, TallyFunction] = {
    "sentiment UA": lambda o, j: (
        recall_tally(o.sentiment, j.decided_sentiment, 3),
        mean_class_recall,
    ),
    "upset UA": lambda o, j: (
        recall_tally(o.upset, j.decided_upset.astype(np.int64), 2),
        mean_class_recall,
    ),
    "upset AUROC": lambda o, j: (area_tally(o.upset, j.upset), area_under_curve),
    "sentiment ECE": _sentiment_calibration,
    "upset ECE": lambda o, j: (calibration_tally(j.upset, o.upset == 1), error_of_tally),
}
