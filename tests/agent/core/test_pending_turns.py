"""Answers count in the order of the questions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.core.inputs import TurnUnderstood, UnderstandingFailed
from agent.core.pending_turns import PendingTurns
from dialogs.values import Understanding


def answer(ask: int) -> TurnUnderstood:
    return TurnUnderstood(1.0, ask, Understanding("yes", "affirm", 0.9))


@given(st.permutations(range(1, 8)))
def test_any_order_of_answers_is_applied_in_question_order(order):
    asks, applied = PendingTurns(), []
    for turn in range(1, 8):
        asks.add(turn, "customer", 0.0)
    for ask in order:
        applied += [done.request_id for done, _ in asks.add_answer(answer(ask))]
    assert applied == list(range(1, 8))
    assert len(asks) == 0


def test_the_first_answer_counts():
    asks = PendingTurns()
    ask = asks.add(1, "customer", 0.0)
    late = UnderstandingFailed(2.0, ask.request_id, "late")
    assert asks.add_answer(late) == [(ask, late)]
    assert asks.add_answer(answer(ask.request_id)) == []


def test_an_answer_nobody_asked_for_is_ignored():
    assert PendingTurns().add_answer(answer(7)) == []
