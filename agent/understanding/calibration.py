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

from agent.understanding.arrays import FloatArray

BINS = 10  # of equal width


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

    def loss(parameters: FloatArray) -> float:
        odds = np.exp(parameters[0]) * score + parameters[1]
        return -float(
            np.average(label * log_expit(odds) + (1 - label) * log_expit(-odds), weights=weight)
        )

    log_slope, shift = minimize(loss, np.zeros(2), method="Nelder-Mead").x
    return float(np.exp(log_slope)), float(shift)


def fit_isotonic(probabilities: ArrayLike, labels: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Knots (x, y) of the rising curve from claimed to true probability, for `numpy.interp`."""
    curve = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    curve.fit(np.asarray(probabilities, dtype=float), np.asarray(labels, dtype=float))
    return np.asarray(curve.X_thresholds_), np.asarray(curve.y_thresholds_)


def reliability_table(
    probabilities: ArrayLike, labels: ArrayLike, bins: int = BINS
) -> list[ReliabilityBin]:
    """The table of a reliability plot, without empty bins."""
    claimed, true = np.asarray(probabilities, dtype=float), np.asarray(labels, dtype=float)
    which = _bin_of(claimed, bins)
    table = []
    for at in range(bins):
        inside = which == at
        if inside.any():
            means = float(claimed[inside].mean()), float(true[inside].mean())
            table.append(ReliabilityBin(at / bins, (at + 1) / bins, int(inside.sum()), *means))
    return table


def expected_calibration_error(
    probabilities: ArrayLike, labels: ArrayLike, bins: int = BINS
) -> float:
    """Expected calibration error: mean |claimed - true| over bins, weighted by their counts."""
    tally = calibration_tally(probabilities, labels, bins)
    return float(error_of_tally(tally.sum(0))) if len(tally) else 0.0


def calibration_tally(probabilities: ArrayLike, labels: ArrayLike, bins: int = BINS) -> FloatArray:
    """Of each row, claimed minus true in its bin, and a count of one last: (rows, bins + 1).

    Its sums over any rows have all that the calibration error of these rows needs.
    """
    claimed, true = np.asarray(probabilities, dtype=float), np.asarray(labels, dtype=float)
    tally = np.zeros((len(claimed), bins + 1))
    tally[np.arange(len(claimed)), _bin_of(claimed, bins)] = claimed - true
    tally[:, -1] = 1.0
    return tally


def error_of_tally(sums: FloatArray) -> FloatArray:
    """The expected calibration error from sums of `calibration_tally`: (.., bins + 1) -> (..)."""
    error: FloatArray = np.abs(sums[..., :-1]).sum(-1) / sums[..., -1]
    return error


def _bin_of(claimed: FloatArray, bins: int) -> NDArray[np.int64]:
    return np.minimum((claimed * bins).astype(np.int64), bins - 1)


def probability(log_odds: float) -> float:
    """The probability of these log-odds."""
    return float(expit(log_odds))
