"""When a level is held, and what a search finds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.lab.bench.levels import (
    MAX_SEARCHED_CALLERS,
    SEARCH_PRECISION,
    find_maximum,
    level_from_outcome,
    percentile_ms,
)
from agent.lab.bench.load_plan import LoadOutcome, TurnLatency
from agent.lab.bench.streams_report import churn_from_outcome, soak_from_samples

FINE = LoadOutcome(
    answers=[TurnLatency(at / 10, 0.1 + at / 1000, False) for at in range(101)],
    spoken=100,
    answered=100,
    partials=50,
    cpu_s=1.0,
    lag_p99_ms=4.0,
    seconds=10.0,
)


def level(goal_ms=250.0, **changes):
    return level_from_outcome(8, replace(FINE, **changes), None, goal_ms)


def test_the_figures_of_a_level():
    good = level()
    assert (good.p50_ms, good.p95_ms, good.p99_ms) == pytest.approx((150, 195, 199))
    assert (good.turns, good.partials_per_s, good.generator_cores) == (101, 5.0, 0.1)
    assert good.is_sustained


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"goal_ms": 190.0}, "p95 195 ms"),
        ({"missed": 1}, "1 missed"),
        ({"unanswered": 2}, "2 unanswered"),
        ({"refused": {"503 All lines are busy.": 3}}, "3 refused (503 All lines are busy.)"),
        ({"closed": {"1013 overloaded": 1}}, "1 closed (1013 overloaded)"),
        ({"lag_p99_ms": 51.0}, "not valid: packets were sent 51 ms late"),
        ({"answers": []}, "no turn was understood"),
    ],
)
def test_one_fault_is_enough(changes, why):
    failed = level(**changes)
    assert not failed.is_sustained
    assert failed.failures == (why,)


def test_visitors_do_not_count_for_those_who_stay():
    visitors = [TurnLatency(6.0, 9.0, True)] * 50
    assert level(answers=[*FINE.answers, *visitors]).p99_ms == level().p99_ms


def test_nothing_has_no_quantile():
    assert percentile_ms([], 95) is None


@given(st.integers(0, 3000))
def test_the_search_finds_the_most_that_hold(capacity):
    found = find_maximum(lambda number: number <= capacity)
    assert found <= capacity
    assert capacity - found <= max(1, SEARCH_PRECISION * capacity)


@given(st.integers(0, 200))
def test_the_search_is_exact_when_asked_to_be(capacity):
    assert find_maximum(lambda number: number <= capacity, precision=0.0) == capacity


def test_the_search_ends_where_it_may():
    assert find_maximum(lambda number: True, limit=20) == 20
    assert find_maximum(lambda number: True) == MAX_SEARCHED_CALLERS


def test_a_level_that_failed_once_is_tried_again():
    tried = []

    def holds(number):
        tried.append(number)
        return number <= 20 and tried.count(number) > 1

    assert find_maximum(holds) == 20
    assert tried.count(8) == 2


def test_churn_compares_the_halves_of_those_who_stay():
    answers = [
        TurnLatency(1.0, 0.1, False),
        TurnLatency(6.0, 0.2, False),
        TurnLatency(7.0, 5.0, True),
    ]
    churn = churn_from_outcome(replace(FINE, answers=answers), per_s=3)
    assert churn.ratio == pytest.approx(2.0)
    assert churn_from_outcome(replace(FINE, answers=answers[1:]), per_s=3).ratio is None


def test_a_soak_is_a_line_with_its_error():
    grows = soak_from_samples([(minute, 500 + 2 * minute) for minute in range(10)])
    assert (grows.slope, grows.first_mib, grows.last_mib) == pytest.approx((2.0, 500, 518))
    assert grows.error == pytest.approx(0, abs=1e-6)
    wobbles = soak_from_samples([(minute, 500 + minute % 2) for minute in range(40)])
    assert abs(wobbles.slope) < 2 * wobbles.error
    assert soak_from_samples([(0.0, 500.0)]) is None
