import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.understanding.conformal import (
    GROUPS,
    MIN_TURNS,
    ConformalPredictor,
    coverage_and_sizes,
    fit_predictor,
    group_of,
)


def drawn(count, seed, sharp=2.0):
    """Probabilities over six intents, and truths drawn from them."""
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.full(6, 1.0 / sharp), count)
    labels = np.array([rng.choice(6, p=row) for row in chances])
    return chances, labels, rng.random(count) < 0.5


@given(
    st.lists(st.floats(0.001, 1), min_size=1, max_size=8),
    st.booleans(),
    st.dictionaries(st.sampled_from(GROUPS), st.floats(0, 1)),
)
def test_a_set_holds_the_likeliest_and_no_gaps(weights, heard, least):
    total = sum(weights)
    chances = {f"intent_{at}": weight / total for at, weight in enumerate(weights)}
    possible = ConformalPredictor(least)(chances, heard)
    if group_of(max(chances.values()), heard) not in least:
        assert possible == ()
        return
    assert chances[possible[0]] == max(chances.values())
    out = [chance for name, chance in chances.items() if name not in possible]
    assert not out or max(out) <= min(chances[name] for name in possible)


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_coverage_holds_on_fresh_draws_of_every_unclear_group(level):
    coverage = fit_predictor(*drawn(4000, 1), level)
    for name, (covered, sizes) in coverage_and_sizes(coverage, *drawn(8000, 2)).items():
        if name.endswith("unclear"):
            assert len(covered) == len(sizes) > 1000
            assert abs(covered.mean() - level) < 0.03
            assert sizes.mean() > 1.0
        else:  # the likeliest alone may be right more often than promised
            assert covered.mean() > level - 0.03


def test_nothing_is_promised_for_a_group_of_few():
    chances, labels, _ = drawn(MIN_TURNS - 1, 3)
    assert fit_predictor(chances, labels, np.zeros(len(labels), bool)).thresholds == {}
    assert ConformalPredictor()({"a": 0.9, "b": 0.1}, is_spoken=False) == ()


def test_what_is_stored_is_read_back():
    coverage = fit_predictor(*drawn(500, 4))
    assert ConformalPredictor.from_settings(coverage.as_settings()) == coverage
    assert ConformalPredictor.from_settings(None) == ConformalPredictor()
