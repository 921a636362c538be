"""Inputs come in the order of their time, deadlines between them, and open work is what nobody has
answered."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from agent.core.effects import Effect, UnderstandTurn, UpdateHandoff
from agent.core.inputs import (
    ActionCompleted,
    ConnectionResumed,
    CustomerLeft,
    DeadlineReached,
    HandoffQueued,
    Input,
    SessionOpened,
    TextReceived,
    TurnUnderstood,
)
from agent.core.session import Session, SessionRules
from agent.core.virtual_session import DEADLINE_GRACE_S, DueInput, VirtualSession
from dialogs.manager import Dialogue
from dialogs.values import ActionResult
from tests.support.packs import bank_pack
from tests.support.scripted_mind import understood

PACK = bank_pack()
OPENED = SessionOpened(0.0, "chat")


class Answers:
    """Models that answer after these latencies, in turn, and a queue that takes two seconds."""

    def __init__(self, *latencies: float) -> None:
        self._latencies = iter(latencies)

    def responses_to(self, effect: Effect, at: float) -> list[DueInput]:
        match effect:
            case UnderstandTurn():
                answer = understanding_of(effect, at)
                return [DueInput(answer).delayed_by(next(self._latencies, 0.0))]
            case UpdateHandoff(id, "requested"):
                return [DueInput(HandoffQueued(at + 2.0, id, 1, 0))]
        return []


def understanding_of(request: UnderstandTurn, at: float) -> TurnUnderstood:
    return TurnUnderstood(
        at, request.request_id, understood(PACK, request.text, request.expectation)
    )


def virtual_session(responder=None, **rules) -> VirtualSession:
    session = Session(Dialogue(PACK, "s1", date(2026, 11, 24), "chat"), SessionRules(**rules))
    return VirtualSession(session, responder)


def received(virtual: VirtualSession, outside: list[Input]) -> list[Input]:
    """All inputs in the order in which they are received."""
    inputs: list[Input] = []
    for event in outside:
        for due in virtual.due_before(event.at):
            inputs.append(due.event)
            virtual.receive(due.event)
        inputs.append(event)
        virtual.receive(event)
    for due in virtual.due_before():
        inputs.append(due.event)
        virtual.receive(due.event)
    return inputs


def typed(*times: float) -> list[Input]:
    return [OPENED, *(TextReceived(at, "what are your opening hours") for at in times)]


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=8),
    st.lists(st.integers(1, 40), min_size=8, max_size=8),
)
def test_inputs_come_in_the_order_of_their_time_and_answers_first(gaps, latencies):
    times = [float(sum(gaps[: n + 1])) for n in range(len(gaps))]
    virtual = virtual_session(Answers(*map(float, latencies)), max_requests_in_flight=9)
    inputs = received(virtual, typed(*times))
    answers = {one.request_id: one.at for one in inputs if isinstance(one, TurnUnderstood)}
    assert answers == {n + 1: at + latencies[n] for n, at in enumerate(times)}
    order = [(one.at, isinstance(one, TextReceived)) for one in inputs]
    assert order == sorted(order)


def test_what_is_due_at_the_same_time_comes_in_the_order_it_was_asked_for():
    virtual = virtual_session(Answers(2.0, 1.0, 0.0), max_requests_in_flight=9)
    inputs = received(virtual, typed(1.0, 2.0, 3.0))
    answers = [one.request_id for one in inputs if isinstance(one, TurnUnderstood)]
    assert answers == [1, 2, 3]


def test_a_deadline_is_reached_before_an_input_that_is_clearly_later():
    soon, late = (10.0 + factor * DEADLINE_GRACE_S for factor in (0.9, 1.1))
    for at, ticks in ((soon, []), (late, [DeadlineReached(10.0)])):
        virtual = virtual_session(idle_s=10.0)
        inputs = received(virtual, [OPENED, ConnectionResumed(at)])
        assert [one for one in inputs if isinstance(one, DeadlineReached)] == ticks


def test_after_the_last_input_no_deadline_is_reached():
    virtual = virtual_session(idle_s=10.0)
    assert received(virtual, [OPENED]) == [OPENED]
    assert not virtual.session.closed


def test_an_answer_that_is_due_after_a_deadline_comes_after_it():
    virtual = virtual_session(Answers(), idle_s=1.0)
    asks = TextReceived(0.5, "I want to talk to a person")
    inputs = received(virtual, [OPENED, asks, ConnectionResumed(3.0)])
    (queued_at,) = [n for n, one in enumerate(inputs) if isinstance(one, HandoffQueued)]
    assert any(isinstance(one, DeadlineReached) for one in inputs[:queued_at])
    assert [one.at for one in inputs] == sorted(one.at for one in inputs)


def test_nothing_comes_after_the_end():
    virtual = virtual_session(Answers(5.0))
    inputs = received(virtual, [*typed(1.0), CustomerLeft(2.0, sent_end=True)])
    assert not [one for one in inputs if isinstance(one, TurnUnderstood)]


@given(st.permutations(range(1, 5)))
def test_open_requests_are_those_without_an_answer_in_whatever_order(order):
    virtual, requests = virtual_session(max_requests_in_flight=9), {}
    for event in typed(1.0, 2.0, 3.0, 4.0):
        effects = virtual.receive(event)
        requests |= {one.request_id: one for one in effects if isinstance(one, UnderstandTurn)}
    for id in order:
        assert virtual.open_work.turn_requests == requests
        virtual.receive(understanding_of(requests.pop(id), 5.0))
    assert virtual.open_work.turn_requests == {}


def test_actions_and_handoffs_are_open_until_they_are_answered():
    virtual = virtual_session()
    answers = iter(range(1, 99))
    virtual.receive(OPENED)
    for text in ("transfer 50 dollars from checking to savings", "100421", "4471"):
        virtual.receive(TextReceived(1.0, text))
        (request,) = virtual.open_work.turn_requests.values()
        virtual.receive(understanding_of(request, float(next(answers))))
    (key,) = virtual.open_work.actions
    virtual.receive(ActionCompleted(5.0, ActionResult(key, "ok", {"name": "Ada"})))
    assert key not in virtual.open_work.actions
    virtual.receive(TextReceived(6.0, "I want to talk to a person"))
    (request,) = virtual.open_work.turn_requests.values()
    virtual.receive(understanding_of(request, 6.5))
    assert list(virtual.open_work.handoffs) == [1]
    virtual.receive(HandoffQueued(7.0, 1, 1, 60))
    assert virtual.open_work.handoffs == {}
    assert virtual.open_work.queued_since == {1: 7.0}


def test_an_answer_belongs_to_what_was_asked_when_its_turn_ended():
    virtual = virtual_session()
    virtual.receive(OPENED)
    effects = [
        *virtual.receive(TextReceived(1.0, "check my balance")),
        *virtual.receive(TextReceived(1.1, "100421")),
    ]
    first, second = (one for one in effects if isinstance(one, UnderstandTurn))
    virtual.receive(understanding_of(first, 2.0))
    session, answer = virtual.session, understanding_of(second, 3.0)
    assert session.expectation.kind == "digits"
    assert session.expectation_for(answer) == second.expectation
    assert session.expectation_for(TextReceived(3.0, "100421")) == session.expectation
    virtual.receive(answer)
    assert session.expectation_for(answer) == session.expectation  # it is answered
