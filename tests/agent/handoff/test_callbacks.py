"""The server's own actions: is there such a contact, and the promise to call it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.handoff.callbacks import CallbackActions, normal_contact
from agent.store import Store
from dialogs.values import ActionCall, ActionResult
from tests.support.packs import bank_pack

OPEN = datetime(2026, 11, 24, 15, tzinfo=UTC)  # 10 AM in New York
SHUT = datetime(2026, 11, 25, 3, tzinfo=UTC)


class BackEnd:
    """A business that sees what is not the server's."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def perform(self, call: ActionCall) -> ActionResult:
        self.calls.append(call.name)
        return ActionResult(call.key, True, {"balance": "1.00"})


class Listener:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def notify_callback(self, ticket, state, now, name="") -> None:
        self.seen.append((ticket.id, state))


@pytest.fixture
def store():
    store = Store(":memory:")
    yield store
    store.close()


def arrange(actions: CallbackActions, contact: str, key: str = "s1:4") -> ActionResult:
    arguments = {"contact": contact, "name": "Ada Lovelace", "about": "Wants: a card"}
    return actions.perform(ActionCall(key, "arrange_callback", arguments))


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("4155550123", "+1 415-555-0123"),
        ("+442079460000", "+44 20 7946 0000"),
        ("Jane.Doe@Example.com", "jane.doe@example.com"),
        ("1111111111", ""),
        ("5550123", ""),
        ("12", ""),
        ("jane@example", ""),
        ("@example.com", ""),
        (f"{'a' * 250}@example.com", ""),
        ("", ""),
    ],
)
def test_only_what_can_be_reached_is_a_contact(store, said, stored):
    assert normal_contact(said, "US") == stored
    actions = CallbackActions(BackEnd(), store, bank_pack(), lambda: OPEN)
    checked = actions.perform(ActionCall("s1:1", "check_contact", {"contact": said}))
    assert checked.ok == bool(stored)
    assert arrange(actions, said).ok == bool(stored)
    assert [one.contact for one in store.callback_tickets()] == ([stored] if stored else [])


@pytest.mark.parametrize(("now", "due"), [(OPEN, ""), (SHUT, "2026-11-25T13:00:00+00:00")])
def test_a_promise_says_from_when_on_and_is_one_for_a_key(store, now, due):
    listener = Listener()
    actions = CallbackActions(BackEnd(), store, bank_pack(), lambda: now, listener)
    result = arrange(actions, "4155550123")
    assert result == ActionResult("s1:4", True, {"ticket": "C00001"})
    assert arrange(actions, "4155550123") == result
    (ticket,) = store.callback_tickets()
    assert (ticket.session, ticket.contact_name, ticket.due_at) == ("s1", "Ada Lovelace", due)
    assert ticket.summary == "Wants: a card"
    assert set(listener.seen) == {("C00001", "arranged")}


def test_everything_else_is_the_business_of_the_business(store):
    back_end = BackEnd()
    actions = CallbackActions(back_end, store, bank_pack(), lambda: OPEN)
    assert actions.perform(ActionCall("s1:1", "balance", {})).ok
    arrange(actions, "4155550123")
    assert back_end.calls == ["balance"]


def test_an_erased_conversation_is_promised_nothing(store):
    store._erased_sessions.add("s1")
    actions = CallbackActions(BackEnd(), store, bank_pack(), lambda: OPEN)
    assert not arrange(actions, "4155550123").ok
    assert store.callback_tickets() == []
