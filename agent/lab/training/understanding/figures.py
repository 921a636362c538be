"""Metrics of the text models, each with a 95 % interval from a bootstrap over rows.

Invariant, held by tests/agent/lab/training/test_understanding.py: the interval contains the value,
and a metric that needs both kinds of rows is NaN without them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import f1_score, roc_auc_score  # type: ignore[import-untyped]

Array = NDArray[np.float64]
RowMetric = Callable[..., float]
BOOTSTRAP_DRAWS = 300


@dataclass(frozen=True, slots=True)
class TextModelFigure:
    """A measured value with its 95 % interval; `rows` is the number of rows behind it."""

    name: str
    measure: str
    value: float
    low: float
    high: float
    rows: int


def row_bootstrap_figure(
    name: str, measure: str, metric: RowMetric, *columns: ArrayLike, seed: int = 0
) -> TextModelFigure:
    """`metric` of the columns, with an interval from drawing their rows with replacement."""
    arrays = [np.asarray(column) for column in columns]
    rng, count = np.random.default_rng(seed), len(arrays[0])
    drawn = []
    for _ in range(BOOTSTRAP_DRAWS):
        rows = rng.integers(count, size=count)
        if (value := metric(*(array[rows] for array in arrays))) == value:  # not NaN
            drawn.append(value)
    value = metric(*arrays)
    low, high = np.quantile([*drawn, value], [0.025, 0.975])
    return TextModelFigure(
        name, measure, value, min(float(low), value), max(float(high), value), count
    )


def accuracy(labels: Array, decided: Array) -> float:
    return float(np.mean(labels == decided))


def macro_f1(labels: Array, decided: Array) -> float:
    wanted = np.unique(labels)
    return float(f1_score(labels, decided, labels=wanted, average="macro", zero_division=0))


def auroc(labels: Array, scores: Array) -> float:
    return float(roc_auc_score(labels, scores)) if 0 < labels.sum() < len(labels) else float("nan")


def f1(labels: Array, decided: Array) -> float:
    return float(f1_score(labels, decided, zero_division=0))


def mean(values: Array) -> float:
    return float(np.mean(values))
