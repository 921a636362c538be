"""Metrics of a set of rows as statistics that `agent.lab.statistics` can bootstrap.

A metric that is a function of sums over rows is one matrix product for all draws (`of_sums`); the
two that rank rows by a score weight each row by how often it was drawn. A draw in which a metric is
not defined (a ratio of nothing, an area without both kinds of rows) is NaN.
Held by tests/agent/lab/test_metrics.py against scikit-learn and values worked out by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.lab.arrays import BoolArray, FloatArray
from agent.lab.statistics import Resample, Statistic
from agent.understanding.calibration import calibration_tally, error_of_tally

SumFormula = Callable[[FloatArray], FloatArray]  # sums (.., parts) -> (..)


def of_sums(tally: FloatArray, formula: SumFormula) -> Statistic:
    """The metric that `formula` makes of the sums of `tally` (rows, parts) over the rows."""
    return lambda resample: formula(resample.sums(tally))


def ratio_of_sums(sums: FloatArray) -> FloatArray:
    """(.., [part, whole]) -> part of the whole."""
    return ratio_or_nan(sums[..., 0], sums[..., 1])


def ratio(part: ArrayLike, whole: ArrayLike) -> Statistic:
    """The sum of `part` (rows,) over the sum of `whole` (rows,)."""
    columns = np.stack([np.asarray(part, float), np.asarray(whole, float)], 1)
    return of_sums(columns, ratio_of_sums)


def mean(values: ArrayLike) -> Statistic:
    """The mean of `values` (rows,); of flags, the share that holds."""
    return ratio(values, np.ones(len(np.asarray(values))))


def accuracy(labels: ArrayLike, decided: ArrayLike) -> Statistic:
    """The share of rows whose decision is their label."""
    return mean(np.asarray(labels) == np.asarray(decided))


def f1(truth: ArrayLike, decided: ArrayLike) -> Statistic:
    """F1 of one class: twice the hits over those that are and those that were taken for it."""
    true, taken = np.asarray(truth, bool), np.asarray(decided, bool)
    return ratio(2.0 * (true & taken), true.astype(float) + taken)


def mean_recall(labels: ArrayLike, decided: ArrayLike) -> Statistic:
    """Unweighted average recall (UA): the mean of the recalls of the classes that occur."""
    hits, there, _ = _class_tallies(labels, decided)
    return of_sums(
        np.concatenate([hits, there], 1), lambda sums: recall_of_sums(*np.split(sums, 2, axis=-1))
    )


def macro_f1(labels: ArrayLike, decided: ArrayLike) -> Statistic:
    """The mean of the F1 of the classes that occur."""
    return of_sums(
        np.concatenate(_class_tallies(labels, decided), 1),
        lambda sums: f1_of_sums(*np.split(sums, 3, axis=-1)),
    )


def recall_of_sums(hits: FloatArray, there: FloatArray) -> FloatArray:
    """(.., classes) rows found and rows there -> mean recall of the classes that are there."""
    return mean_of_known(ratio_or_nan(hits, there))


def f1_of_sums(hits: FloatArray, there: FloatArray, decided: FloatArray) -> FloatArray:
    """(.., classes) rows found, there and decided on -> mean F1 of the classes that are there."""
    return mean_of_known(np.where(there > 0, ratio_or_nan(2 * hits, there + decided), np.nan))


def mean_of_known(scores: FloatArray) -> FloatArray:
    """Over the last axis, of what is a number; NaN where nothing is."""
    known = ~np.isnan(scores)
    return ratio_or_nan(np.where(known, scores, 0).sum(-1), known.sum(-1))


def ratio_or_nan(part: FloatArray, whole: FloatArray) -> FloatArray:
    """`part` of `whole`, of one shape; NaN where there is no whole."""
    nothing = np.full(np.shape(part), np.nan)
    found: FloatArray = np.divide(part, whole, out=nothing, where=np.asarray(whole) != 0)
    return found


def calibration_error(probabilities: ArrayLike, labels: ArrayLike) -> Statistic:
    """Expected calibration error, as `agent.understanding.calibration` has it."""
    return of_sums(calibration_tally(probabilities, labels), error_of_tally)


def auroc(truth: ArrayLike, scores: ArrayLike) -> Statistic:
    """Area under the ROC curve of `scores` (rows,), higher where `truth` (rows,) is likelier."""
    return partial(_ranked, auroc_of_sums, np.asarray(truth, bool), np.asarray(scores, float))


def average_precision(truth: ArrayLike, scores: ArrayLike) -> Statistic:
    """Area under the precision-recall curve, as a sum of steps."""
    return partial(
        _ranked, _average_precision_of_sums, np.asarray(truth, bool), np.asarray(scores, float)
    )


def auroc_of_sums(negative: FloatArray, positive: FloatArray) -> FloatArray:
    """(.., scores rising) rows of either kind -> area under the ROC curve; a tie counts half."""
    below = negative.cumsum(-1) - negative / 2
    return ratio_or_nan((positive * below).sum(-1), negative.sum(-1) * positive.sum(-1))


def _average_precision_of_sums(negative: FloatArray, positive: FloatArray) -> FloatArray:
    found = positive[..., ::-1].cumsum(-1)
    taken = found + negative[..., ::-1].cumsum(-1)
    precision = found / np.maximum(taken, 1)  # rows come whole
    return ratio_or_nan((positive[..., ::-1] * precision).sum(-1), positive.sum(-1))


def _ranked(
    formula: Callable[[FloatArray, FloatArray], FloatArray],
    truth: BoolArray,
    scores: FloatArray,
    resample: Resample,
) -> FloatArray:
    """`formula` of the weights of the negative and the positive rows at each distinct score."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) > 0])
    weights, true = resample.weights[:, order], truth[order]
    sums = (np.add.reduceat(weights * kind, starts, axis=1) for kind in (~true, true))
    return formula(*sums)


def _class_tallies(
    labels: ArrayLike, decided: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(rows, classes that occur): found, there, decided on."""
    names, taken = np.asarray(labels), np.asarray(decided)
    classes: NDArray[np.generic] = np.unique(names)
    there = (names[:, None] == classes).astype(float)
    decisions = (taken[:, None] == classes).astype(float)
    return there * decisions, there, decisions
