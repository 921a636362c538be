"""Metrics of drawn rows are scikit-learn's metrics of these rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, recall_score, roc_auc_score

from agent.lab import metrics
from agent.lab.statistics import Resample, row_bootstrap
from agent.understanding.calibration import expected_calibration_error


def of_rows(statistic, rows, count):
    """The statistic where each of `count` rows was drawn as often as it is in `rows`."""
    counts = np.bincount(rows, minlength=count).astype(float)[None]
    (value,) = statistic(Resample(counts, np.arange(count)))
    return value


def drawn(seed, count=60):
    random = np.random.default_rng(seed)
    truth = random.random(count) < 0.4
    scores = np.round(truth + random.normal(size=count), 1)  # with ties
    return truth, scores, random.integers(count, size=count)


@pytest.mark.parametrize("seed", range(5))
def test_areas_are_scikit_learns(seed):
    truth, scores, rows = drawn(seed)
    theirs = truth[rows], scores[rows]
    assert of_rows(metrics.auroc(truth, scores), rows, 60) == pytest.approx(roc_auc_score(*theirs))
    assert of_rows(metrics.average_precision(truth, scores), rows, 60) == pytest.approx(
        average_precision_score(*theirs)
    )


@pytest.mark.parametrize("seed", range(5))
def test_recall_and_f1_are_scikit_learns(seed):
    random = np.random.default_rng(seed)
    names = np.array(["a", "b", "c", "d"])
    labels, decided = names[random.integers(3, size=40)], names[random.integers(4, size=40)]
    rows = random.integers(40, size=40)
    there = np.unique(labels[rows])
    more = {"labels": there, "average": "macro", "zero_division": 0}
    theirs = labels[rows], decided[rows]
    assert of_rows(metrics.mean_recall(labels, decided), rows, 40) == pytest.approx(
        recall_score(*theirs, **more)
    )
    assert of_rows(metrics.macro_f1(labels, decided), rows, 40) == pytest.approx(
        f1_score(*theirs, **more)
    )
    assert of_rows(metrics.f1(labels == "a", decided == "a"), rows, 40) == pytest.approx(
        f1_score(theirs[0] == "a", theirs[1] == "a")
    )


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=20))
def test_calibration_error_is_that_of_the_drawn_rows(rows):
    claimed, true = (np.array(column) for column in zip(*rows, strict=True))
    twice = np.r_[np.arange(len(rows)), 0]
    found = of_rows(metrics.calibration_error(claimed, true), twice, len(rows))
    assert found == pytest.approx(expected_calibration_error(claimed[twice], true[twice]))


def test_shares_and_accuracy_by_hand():
    assert row_bootstrap(metrics.accuracy(["a", "b", "b"], ["a", "b", "a"]), 3).value == (
        pytest.approx(2 / 3)
    )
    assert row_bootstrap(metrics.ratio([1, 2], [4, 8]), 2).value == pytest.approx(3 / 12)
    assert row_bootstrap(metrics.mean([1, 0, 2]), 3).value == pytest.approx(1)


def test_what_needs_both_kinds_of_rows_is_nothing_without_them():
    one = np.ones(3, bool)
    for metric in (metrics.auroc, metrics.f1):
        assert np.isnan(row_bootstrap(metric(~one, np.zeros(3)), 3).value)
    assert np.isnan(row_bootstrap(metrics.auroc(one, np.arange(3)), 3).value)


def test_a_tie_counts_half():
    calm, upset = np.array([2.0, 1.0, 0.0]), np.array([0.0, 1.0, 2.0])
    assert metrics.auroc_of_sums(calm, upset) == pytest.approx((2.5 + 3 + 3) / 9)


def test_a_class_that_nobody_is_in_is_left_out():
    assert metrics.recall_of_sums(np.array([3.0, 1.0, 0.0]), np.array([4.0, 2.0, 0.0])) == (
        pytest.approx(0.625)
    )
