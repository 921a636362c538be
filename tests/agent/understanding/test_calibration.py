import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, log_expit, log_softmax

from agent.understanding.calibration import (
    expected_calibration_error,
    fit_isotonic,
    fit_platt,
    fit_temperature,
    reliability_table,
)

SCORES = arrays(float, st.tuples(st.integers(2, 30), st.just(3)), elements=st.floats(-8, 8))


@given(SCORES, st.randoms(use_true_random=False))
def test_a_fitted_temperature_is_no_less_likely_than_none(scores, random):
    labels = [random.randrange(3) for _ in scores]
    degree = fit_temperature(scores, labels)

    def likely(t):
        return log_softmax(scores / t, axis=1)[np.arange(len(labels)), labels].mean()

    assert degree > 0
    assert likely(degree) >= likely(1.0) - 1e-4


def test_overconfidence_is_cooled():
    rng = np.random.default_rng(0)
    true = rng.normal(size=(4000, 3))
    labels = (true + rng.gumbel(size=true.shape)).argmax(axis=1)
    assert fit_temperature(true * 4.0, labels) == pytest.approx(4.0, rel=0.15)


def test_a_line_finds_the_log_odds_again():
    rng = np.random.default_rng(0)
    odds = rng.normal(size=20_000)
    labels = rng.random(20_000) < expit(odds)
    slope, shift = fit_platt(odds * 0.5 - 1.0, labels)
    assert slope == pytest.approx(2.0, rel=0.1)
    assert shift == pytest.approx(2.0, rel=0.1)
    fitted = log_expit(np.where(labels, 1, -1) * (slope * (odds * 0.5 - 1.0) + shift)).mean()
    assert fitted >= log_expit(np.where(labels, 1, -1) * (odds * 0.5 - 1.0)).mean()


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
def test_the_error_is_between_no_and_all(rows):
    claimed, true = zip(*rows, strict=True)
    assert 0.0 <= expected_calibration_error(claimed, true) <= 1.0
    assert sum(row.count for row in reliability_table(claimed, true)) == len(rows)


def test_a_calibrated_set_has_no_error():
    assert expected_calibration_error([0.25] * 4, [1, 0, 0, 0]) == 0.0
    assert expected_calibration_error([1.0, 0.0], [1, 0]) == 0.0
    assert expected_calibration_error([], []) == 0.0


def test_an_isotonic_curve_rises():
    x, y = fit_isotonic([0.1, 0.4, 0.35, 0.8, 0.9], [0, 0, 1, 1, 1])
    assert (np.diff(x) >= 0).all()
    assert (np.diff(y) >= 0).all()
