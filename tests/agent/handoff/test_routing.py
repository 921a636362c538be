"""Who asks for a person gets one, or learns why not; and somebody may come at the last moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.core.effects import UpdateHandoff
from agent.handoff.online_agents import OnlineAgents
from agent.handoff.routing import HandoffRouter, PersonUnavailable
from agent.store import Store
from dialogs.pack.opening_hours import OpeningHours as Hours
from dialogs.state import PeopleAvailability
from dialogs.values import Claim, Escalation
from tests.support.packs import bank_pack

OPEN = datetime(2026, 11, 24, 15, tzinfo=UTC)  # a Tuesday, ten in New York
SHUT = OPEN + timedelta(hours=12)
WHY = Escalation("explicit_request", 0.95, 2.9, (), "normal", (Claim("Wants", "a person."),))
PACK = bank_pack()


@pytest.fixture
def store():
    store = Store(":memory:")
    yield store
    store.close()


def asked(people, now=OPEN, number=1):
    return people.route("a", "ann", UpdateHandoff(number, "requested", WHY), now)


def test_who_asks_while_somebody_is_there_gets_a_place(store):
    assert asked(HandoffRouter(PACK, store, OnlineAgents(), has_consoles=True)) == 1
    assert store.is_queued("a", 1)


@pytest.mark.parametrize(
    ("now", "consoles", "why"), [(SHUT, True, "closed"), (OPEN, False, "nobody")]
)
def test_who_asks_when_nobody_comes_is_called_back(store, now, consoles, why):
    told = asked(HandoffRouter(PACK, store, OnlineAgents(), has_consoles=consoles), now)
    assert (told.reason, told.ticket, bool(told.next_opening)) == (why, "", why == "closed")
    assert asked(HandoffRouter(PACK, store, OnlineAgents(), has_consoles=consoles), now) == told, (
        "the same, however often"
    )


@pytest.mark.parametrize(("at_work", "why"), [(0, "nobody"), (2, "too_long")])
def test_nobody_comes_in_time(store, at_work, why):
    online = OnlineAgents()
    for name in ("Ann", "Bob")[:at_work]:
        online.add(name)
    people = HandoffRouter(PACK, store, online, has_consoles=True)
    asked(people)
    assert people.queue_timeout("a", 1, OPEN) == PersonUnavailable(why)


def test_who_is_taken_at_the_last_moment_is_not_called_back(store):
    people = HandoffRouter(PACK, store, OnlineAgents(), has_consoles=True)
    asked(people)
    assert store.accept_handoff("a", 1, "Dana", OPEN.isoformat())
    assert people.queue_timeout("a", 1, OPEN) is None


def test_a_promise_that_somebody_comes_is_believed_once(store):
    people = HandoffRouter(PACK, store, OnlineAgents(), has_consoles=True)
    asked(people)
    store.record_promise("a", 1, "Dana")
    assert people.consume_promise("a", 1)
    assert not people.consume_promise("a", 1)
    assert people.queue_timeout("a", 1, OPEN) is not None


def test_who_was_promised_and_came_is_promised_no_more(store):
    people = HandoffRouter(PACK, store, OnlineAgents(), has_consoles=True)
    asked(people)
    store.record_promise("a", 1, "Dana")
    assert store.accept_handoff("a", 1, "Dana", OPEN.isoformat())
    assert not people.consume_promise("a", 1)


def test_who_does_not_wait_is_not_told_that_nobody_comes(store):
    people = HandoffRouter(PACK, store, OnlineAgents(), has_consoles=True)
    assert people.queue_timeout("b", 1, OPEN) is None


def test_people_are_there_within_the_hours_when_somebody_is_logged_in(store):
    online = OnlineAgents()
    people = HandoffRouter(PACK, store, online, has_consoles=True)
    assert not people.availability(OPEN).is_available
    online.add("Dana")
    assert people.availability(OPEN) == PeopleAvailability()
    shut = people.availability(SHUT)
    assert not shut.is_available
    assert shut.next_opening


def test_a_pack_without_hours_is_always_open(store):
    always = replace(PACK, opening_hours=Hours())
    assert asked(HandoffRouter(always, store, OnlineAgents(), has_consoles=True), SHUT) == 1
