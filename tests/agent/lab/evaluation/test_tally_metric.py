"""Intervals come from speakers, not from recordings; models are compared on the same draws."""

import numpy as np
import pytest

from agent.lab.evaluation.tally_metric import TallyMetric, estimate, estimate_difference
from agent.lab.metrics import ratio_of_sums


def counted(right, applies=None):
    right = np.array(right, float)
    there = np.ones(len(right), bool) if applies is None else np.array(applies)
    return TallyMetric(
        "open", "x", "x", there, np.stack([right, np.ones(len(right))], 1), ratio_of_sums
    )


def test_one_speaker_has_an_interval_of_no_width():
    found = estimate(counted([1, 0, 1, 1]), ["ann"] * 4)
    assert found.value == found.low == found.high == 0.75
    assert found.has_few_clusters


def test_a_speakers_recordings_are_drawn_together():
    right = [1] * 20 + [0] * 20
    by_voice = estimate(counted(right), [f"s{i // 10}" for i in range(40)])
    by_recording = estimate(counted(right), [str(i) for i in range(40)])
    assert by_voice.value == by_recording.value == 0.5
    # of four speakers two are always right, so draws range from 0 to 1
    assert (by_voice.low, by_voice.high) == (0, 1)
    assert by_recording.high - by_recording.low < 0.4
    assert by_voice.has_few_clusters
    assert not by_recording.has_few_clusters


def test_figures_are_repeatable():
    measure, speakers = counted([1, 0, 0, 1, 1, 0]), list("abcdef")
    assert estimate(measure, speakers) == estimate(measure, speakers)


def test_only_those_it_applies_to_count():
    applies = [True, True, False, False]
    found = estimate(counted([1, 0, 1, 1], applies), ["a", "b", "c", "d"])
    assert (found.value, found.rows, found.clusters) == (0.5, 2, 2)
    inside = estimate(counted([1, 0, 1, 1], applies), list("abcd"), np.array([False, True] * 2))
    assert (inside.value, inside.rows) == (0, 1)


def test_a_group_without_recordings_has_no_figure():
    found = estimate(counted([1, 0]), ["a", "b"], np.zeros(2, bool))
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.rows == found.clusters == 0


def test_what_is_hard_for_both_does_not_blur_a_difference():
    random = np.random.default_rng(0)
    base = random.random(60) < np.repeat(random.random(12), 5)  # speakers differ a lot
    better = base.copy()
    better[::5] = True  # everybody gains
    speakers = [f"s{i // 5}" for i in range(60)]
    gap = estimate_difference(counted(better), counted(base), speakers)
    alone = estimate(counted(better), speakers)
    assert gap.value == pytest.approx(better.mean() - base.mean())
    assert gap.low > 0
    assert gap.high - gap.low < alone.high - alone.low
    none = estimate_difference(counted(base), counted(base), speakers)
    assert none.value == none.low == none.high == 0
