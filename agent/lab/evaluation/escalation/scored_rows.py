"""Rows with a truth and a score, each of one conversation, and how well the score tells the truth.

Turns of one conversation are alike, so conversations are drawn (agent/lab/statistics.py). Held by
tests/agent/lab/evaluation/test_escalation.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from scipy.special import expit  # type: ignore[import-untyped]

from agent.lab.arrays import BoolArray, FloatArray, IntArray
from agent.lab.metrics import auroc, average_precision, calibration_error
from agent.lab.statistics import Estimate, cluster_bootstrap


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRows:
    """Log-odds and labels of the rows (turns or whole conversations) of one set; no row is scored
    by a model that was fitted to its conversation."""

    name: str
    truth: BoolArray
    scores: FloatArray
    conversation: IntArray

    def auroc(self) -> Estimate:
        return _estimate(self, "auroc")

    def auprc(self) -> Estimate:
        return _estimate(self, "auprc")

    def ece(self) -> Estimate:
        return _estimate(self, "ece")


@cache  # the goals, the tables and the file ask for the same ones
def _estimate(rows: ScoredRows, name: str) -> Estimate:
    match name:
        case "auroc":
            statistic = auroc(rows.truth, rows.scores)
        case "auprc":
            statistic = average_precision(rows.truth, rows.scores)
        case _:
            statistic = calibration_error(expit(rows.scores), rows.truth)
    return cluster_bootstrap(statistic, rows.conversation, "conversations")
