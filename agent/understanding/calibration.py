"""Calibration of probabilities, and its measures.

Temperature scaling (Guo et al. 2017, "On calibration of modern neural networks") for choices among
intents, a fitted line in log-odds (Platt 1999) or an isotonic curve for yes/no questions. Expected
calibration error and the reliability table use equal-width bins of confidence. Invariants, held by
tests/agent/understanding/test_calibration.py: temperature never changes which intent wins; a
perfectly calibrated set has an error of zero; fitting never worsens the likelihood on its own set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize, minimize_scalar  # type: ignore[import-untyped]
from scipy.special import expit, log_expit, log_softmax  # type: ignore[import-untyped]
from sklearn.isotonic import IsotonicRegression  # type: ignore[import-untyped]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """One row of a reliability table: mean claimed probability, and share that was true."""

    low: float
    high: float
    count: int
    claimed: float
    true: float


def fit_temperature(
    scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None
) -> float:
    """The divisor of log-odds (n, classes) that makes the labels (n,) most likely."""
    rows, right = np.asarray(scores, dtype=float), np.asarray(labels, dtype=int)
    weight = np.ones(len(right)) if weights is None else np.asarray(weights, dtype=float)

    def loss(log_t: float) -> float:
        likely = log_softmax(rows / np.exp(log_t), axis=1)[np.arange(len(right)), right]
        return -float(np.average(likely, weights=weight))

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))


def fit_platt(
    scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None
) -> tuple[float, float]:
    """(slope, shift) so that expit(slope * score + shift) is a probability; the slope is > 0."""
    score, label = np.asarray(scores, dtype=float), np.asarray(labels, dtype=float)
    weight = np.ones(len(score)) if weights is None else np.asarray(weights, dtype=float)

    def loss(parameters: Array) -> float:
        odds = np.exp(parameters[0]) * score + parameters[1]
        return -float(
            np.average(label * log_expit(odds) + (1 - label) * log_expit(-odds), weights=weight)
        )

    log_slope, shift = minimize(loss, np.zeros(2), method="Nelder-Mead").x
    return float(np.exp(log_slope)), float(shift)


def fit_isotonic(probabilities: ArrayLike, labels: ArrayLike) -> tuple[Array, Array]:
    """Knots (x, y) of the rising curve from claimed to true probability, for `numpy.interp`."""
    curve = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    curve.fit(np.asarray(probabilities, dtype=float), np.asarray(labels, dtype=float))
    return np.asarray(curve.X_thresholds_), np.asarray(curve.y_thresholds_)


def reliability_table(
    probabilities: ArrayLike, labels: ArrayLike, bins: int = 10
) -> list[ReliabilityBin]:
    """The table of a reliability plot, without empty bins."""
    claimed, true = np.asarray(probabilities, dtype=float), np.asarray(labels, dtype=float)
    which = np.minimum((claimed * bins).astype(int), bins - 1)
    table = []
    for at in range(bins):
        inside = which == at
        if inside.any():
            means = float(claimed[inside].mean()), float(true[inside].mean())
            table.append(ReliabilityBin(at / bins, (at + 1) / bins, int(inside.sum()), *means))
    return table


def expected_calibration_error(
    probabilities: ArrayLike, labels: ArrayLike, bins: int = 10
) -> float:
    """Expected calibration error: mean |claimed - true| over bins, weighted by their counts."""
    table = reliability_table(probabilities, labels, bins)
    total = sum(row.count for row in table)
    return sum(row.count * abs(row.claimed - row.true) for row in table) / total if total else 0.0


def probability(log_odds: float) -> float:
    """The probability of these log-odds."""
    return float(expit(log_odds))
