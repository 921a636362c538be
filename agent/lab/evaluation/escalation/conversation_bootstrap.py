"""Bootstrap intervals over whole conversations.

Turns of one conversation are correlated, so conversations are resampled, not turns. Invariant, held
by tests/agent/lab/evaluation/test_escalation.py: an interval contains its value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import isnan, nan

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit  # type: ignore[import-untyped]
from sklearn.metrics import average_precision_score, roc_auc_score  # type: ignore[import-untyped]

from agent.understanding.calibration import expected_calibration_error

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]
RowStatistic = Callable[[Places], float]  # indices of the drawn rows -> value
BOOTSTRAP_DRAWS = 200


@dataclass(frozen=True, slots=True)
class ConversationEstimate:
    """A value with its 95 % interval, over `talks` conversations."""

    value: float
    low: float
    high: float
    talks: int


def bootstrap_conversations(
    statistic: RowStatistic, conversation: Places, seed: int = 0
) -> ConversationEstimate:
    """`conversation` (rows,): number of each row's conversation, whose rows are adjacent."""
    starts = np.flatnonzero(np.r_[True, conversation[1:] != conversation[:-1]])
    lengths = np.diff(np.r_[starts, len(conversation)])
    value, random = statistic(np.arange(len(conversation))), np.random.default_rng(seed)
    drawn = [value]
    for _ in range(BOOTSTRAP_DRAWS):
        picked = random.integers(len(starts), size=len(starts))
        long = lengths[picked]
        rows = np.repeat(starts[picked] - np.cumsum(long) + long, long) + np.arange(long.sum())
        if not isnan(one := statistic(rows)):
            drawn.append(one)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return ConversationEstimate(value, min(float(low), value), max(float(high), value), len(starts))


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRows:
    """Log-odds and labels of the rows (turns or whole conversations) of one set; no row is scored
    by a model that was fitted to its conversation."""

    name: str
    truth: Flags
    scores: Floats
    conversation: Places

    def auroc(self) -> ConversationEstimate:
        return _metric_estimate(self, "auroc")

    def auprc(self) -> ConversationEstimate:
        return _metric_estimate(self, "auprc")

    def ece(self) -> ConversationEstimate:
        return _metric_estimate(self, "ece")


@cache  # goals, tables and JSON use the same estimates
def _metric_estimate(scored_rows: ScoredRows, name: str) -> ConversationEstimate:
    def metric(rows: Places) -> float:
        truth, score = scored_rows.truth[rows], scored_rows.scores[rows]
        match name:
            case "auroc":
                return auroc(truth, score)
            case "auprc":
                return float(average_precision_score(truth, score)) if truth.any() else nan
            case _:
                return expected_calibration_error(expit(score), truth)

    return bootstrap_conversations(metric, scored_rows.conversation)


def auroc(truth: Flags, score: Floats) -> float:
    """Area under the ROC curve; NaN where all labels are equal."""
    return float(roc_auc_score(truth, score)) if 0 < truth.sum() < len(truth) else float("nan")
