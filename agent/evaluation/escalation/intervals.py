"""How sure is a figure that is counted on whole conversations?

Turns of one conversation are alike, so conversations are drawn anew, not turns. Invariant, held by
tests/agent/evaluation/test_escalation.py: an interval holds its value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isnan

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit  # type: ignore[import-untyped]
from sklearn.metrics import average_precision_score, roc_auc_score  # type: ignore[import-untyped]

from agent.understanding.calibration import expected_error

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]
Metric = Callable[[Places], float]  # which rows were drawn -> figure
DRAWS = 200


@dataclass(frozen=True, slots=True)
class Counted:
    """A figure with its 95 % interval over `talks` conversations."""

    value: float
    low: float
    high: float
    talks: int


def counted(metric: Metric, talk: Places, seed: int = 0) -> Counted:
    """`talk` (rows,) says which conversation a row is of; rows of one lie side by side."""
    starts = np.flatnonzero(np.r_[True, talk[1:] != talk[:-1]])
    ends = np.r_[starts[1:], len(talk)]
    value, random = metric(np.arange(len(talk))), np.random.default_rng(seed)
    drawn = [value]
    for _ in range(DRAWS):
        picked = random.integers(len(starts), size=len(starts))
        rows = np.concatenate([np.arange(starts[at], ends[at]) for at in picked])
        if not isnan(one := metric(rows)):
            drawn.append(one)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Counted(value, min(float(low), value), max(float(high), value), len(starts))


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Log-odds of the rows (turns or whole conversations) of one set, none scored by a model that
    was fitted to its conversation."""

    name: str
    truth: Flags
    score: Floats
    talk: Places

    def auroc(self) -> Counted:
        return counted(lambda rows: auroc(self.truth[rows], self.score[rows]), self.talk)

    def auprc(self) -> Counted:
        return counted(
            lambda rows: (
                float(average_precision_score(self.truth[rows], self.score[rows]))
                if self.truth[rows].any()
                else float("nan")
            ),
            self.talk,
        )

    def ece(self) -> Counted:
        chance = expit(self.score)
        return counted(lambda rows: expected_error(chance[rows], self.truth[rows]), self.talk)


def auroc(truth: Flags, score: Floats) -> float:
    """NaN where there is only one kind."""
    return float(roc_auc_score(truth, score)) if 0 < truth.sum() < len(truth) else float("nan")
