"""Intervals come from clusters, not rows; hold their value; and are the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from agent.lab.metrics import calibration_error, mean, ratio
from agent.lab.statistics import (
    BOOTSTRAP_DRAWS,
    MAX_BLOCK_ENTRIES,
    bootstrap_values,
    cluster_bootstrap,
    difference,
    estimate_from_values,
    interval_note,
    row_bootstrap,
)


def test_the_interval_of_a_mean_is_the_textbooks():
    """Of many independent rows the bootstrap of a mean approaches value +- 1.96 standard errors."""
    values = np.random.default_rng(1).normal(3.0, 2.0, 400)
    found = row_bootstrap(mean(values), 400)
    half = norm.ppf(0.975) * values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=0.1 * half
    )
    assert (found.drawn, found.clusters, found.rows) == ("rows", 400, 400)


def test_a_share_has_the_interval_of_its_binomial():
    """A row drawn is right or not, so the share of right ones in a draw is binomial."""
    right = np.arange(50) < 40
    found = row_bootstrap(mean(right), 50)
    assert (found.low, found.high) == pytest.approx((0.68, 0.9), abs=0.021)


def test_clusters_are_drawn_not_rows():
    right = np.repeat([1, 1, 0, 0, 1, 1, 0, 0], 50)
    by_speaker = cluster_bootstrap(mean(right), np.repeat(list("abcdefgh"), 50), "speakers")
    by_row = row_bootstrap(mean(right), 400)
    assert by_speaker.value == by_row.value == 0.5
    assert (by_speaker.clusters, by_speaker.rows, by_row.clusters) == (8, 400, 400)
    # eight coins against four hundred
    assert (by_speaker.low, by_speaker.high) == (0.125, 0.875)
    assert by_row.high - by_row.low < 0.11


def test_rows_of_a_cluster_need_not_lie_together_nor_clusters_be_of_one_size():
    values, speakers = np.array([1.0, 2, 3, 4, 5, 6]), np.array(list("abcabc"))
    order = np.argsort(speakers, kind="stable")
    apart = cluster_bootstrap(mean(values), speakers, "speakers")
    assert apart == cluster_bootstrap(mean(values[order]), speakers[order], "speakers")
    heavy = bootstrap_values(mean([0, 0, 0, 1]), ["a", "a", "a", "b"])
    assert set(np.round(heavy, 9)) == {0.0, 0.25, 1.0}  # never one row of `a` alone


def test_the_same_seed_gives_the_same_interval_and_another_another():
    values = np.random.default_rng(0).random(60)
    speakers = np.arange(60) // 3
    one, same, other = (
        cluster_bootstrap(mean(values), speakers, "speakers", seed) for seed in (4, 4, 5)
    )
    assert one == same
    assert (one.low, one.high) != (other.low, other.high)
    assert one.value == other.value


def test_a_comparison_draws_both_alike():
    """What is hard for both does not blur their difference."""
    random = np.random.default_rng(0)
    hard = np.repeat(random.normal(0, 5, 30), 4)
    base, better = hard + random.normal(0, 0.1, 120), hard + 0.5
    speakers = np.arange(120) // 4
    gap = cluster_bootstrap(difference(mean(better), mean(base)), speakers, "speakers")
    assert gap.value == pytest.approx(better.mean() - base.mean())
    assert 0 < gap.low < 0.5 < gap.high < 1
    alone = cluster_bootstrap(mean(better), speakers, "speakers")
    assert alone.high - alone.low > 20 * (gap.high - gap.low)
    none = cluster_bootstrap(difference(mean(base), mean(base)), speakers, "speakers")
    assert none.value == none.low == none.high == 0


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=30), st.booleans())
@settings(max_examples=30)
def test_an_interval_holds_its_value(rows, in_pairs):
    truth, claimed = (np.array(column) for column in zip(*rows, strict=True))
    clusters = np.arange(len(rows)) // (2 if in_pairs else 1)
    found = cluster_bootstrap(calibration_error(claimed, truth), clusters, "conversations")
    assert found.low <= found.value <= found.high


def test_a_biased_statistic_is_widened_to_its_value():
    """Of a perfect calibration every draw is worse: no percentile of the draws is as low."""
    claimed, true = np.full(40, 0.5), np.arange(40) % 2
    found = row_bootstrap(calibration_error(claimed, true), 40)
    assert found.value == found.low == 0
    assert found.high > 0.1


def test_draws_without_the_statistic_are_left_out():
    values = np.array([np.nan, 1.0, 2.0, 3.0, np.nan])
    found = estimate_from_values(np.r_[2.0, values], "rows", 3, 3)
    assert (found.low, found.high) == pytest.approx((1.05, 2.95))
    share = row_bootstrap(ratio([1, 0, 0], [1, 0, 0]), 3)  # in a third of the draws 0 of 0
    assert share.value == share.low == share.high == 1.0


def test_what_is_not_defined_has_no_interval_and_no_rows_have_no_statistic():
    for found in (row_bootstrap(ratio([0, 0], [0, 0]), 2), row_bootstrap(mean([]), 0)):
        assert np.isnan([found.value, found.low, found.high]).all()
        assert not found.is_known
    assert found.clusters == 0


def test_one_cluster_says_nothing_about_others():
    found = cluster_bootstrap(mean([1, 0, 1, 1]), ["ann"] * 4, "speakers")
    assert found.value == found.low == found.high == 0.75
    assert found.has_few_clusters
    assert not row_bootstrap(mean([1, 0, 1, 1, 0]), 5).has_few_clusters


def test_draws_in_blocks_are_the_draws_in_one(monkeypatch):
    values, speakers = np.random.default_rng(0).random(90), np.arange(90) // 2
    whole = bootstrap_values(lambda resample: resample.weights @ values, speakers)
    assert whole.shape == (1 + BOOTSTRAP_DRAWS,)
    assert len(speakers) * BOOTSTRAP_DRAWS < MAX_BLOCK_ENTRIES
    monkeypatch.setattr("agent.lab.statistics.MAX_BLOCK_ENTRIES", 7 * 90)
    np.testing.assert_allclose(
        bootstrap_values(lambda resample: resample.weights @ values, speakers), whole
    )
    np.testing.assert_allclose(
        bootstrap_values(lambda resample: resample.sums(values[:, None])[:, 0], speakers), whole
    )


def test_beside_an_interval_stand_what_was_drawn_and_how_often():
    assert "2,000 bootstrap draws of speakers" in interval_note("speakers")
