"""Answers count in the order of the questions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.core.events import Missed, Understood
from agent.core.pending_turns import Asks
from dialogs.values import Understanding


def answer(ask: int) -> Understood:
    return Understood(1.0, ask, Understanding("yes", "affirm", 0.9))


@given(st.permutations(range(1, 8)))
def test_any_order_of_answers_is_applied_in_question_order(order):
    asks, applied = Asks(), []
    for turn in range(1, 8):
        asks.put(turn, "customer", 0.0)
    for ask in order:
        applied += [done.id for done, _ in asks.answer(answer(ask))]
    assert applied == list(range(1, 8))
    assert len(asks) == 0


def test_the_first_answer_counts():
    asks = Asks()
    ask = asks.put(1, "customer", 0.0)
    late = Missed(2.0, ask.id, "late")
    assert asks.answer(late) == [(ask, late)]
    assert asks.answer(answer(ask.id)) == []


def test_an_answer_nobody_asked_for_is_ignored():
    assert Asks().answer(answer(7)) == []
