"""Who waits for a person is served by urgency, then by patience, and is asked for once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from agent.core.turn_notes import TurnNote
from dialogs.values import Claim, Escalation


def why(urgency: str = "normal") -> Escalation:
    return Escalation("explicit_request", 0.9, 2.2, (), urgency, (Claim("Wants", "a person."),))


def test_the_urgent_are_served_first(store):
    assert store.enqueue("a", 1, why(), "2026-01-01T10:00:00") == 1
    assert store.enqueue("b", 1, why("high"), "2026-01-01T10:00:01") == 1
    assert store.enqueue("c", 1, why(), "2026-01-01T10:00:02") == 3
    assert [one.session for one in store.queued_customers()] == ["b", "a", "c"]


def test_people_in_danger_are_served_before_others_as_urgent(store):
    store.enqueue("a", 1, why("high"), "2026-01-01T10:00:00")
    store.enqueue("b", 1, replace(why("high"), rule="care.scam"), "2026-01-01T10:00:01")
    store.enqueue("c", 1, replace(why(), rule="care.bereavement"), "2026-01-01T10:00:02")
    assert [one.session for one in store.queued_customers()] == ["b", "a", "c"]


def test_who_needs_nobody_any_more_leaves_the_queue(store):
    store.enqueue("a", 1, why(), "2026-01-01T10:00:00")
    store.enqueue("b", 1, why(), "2026-01-01T10:00:01")
    store.accept_handoff("b", 1, "Dana", "2026-01-01T10:00:02")
    for session in ("a", "b"):
        store.withdraw_handoff(session, 1, "2026-01-01T10:00:03")
    assert store.queued_customers() == []
    assert not store.is_queued("a", 1)


def test_one_cause_waits_once(store):
    store.enqueue("a", 1, why(), "2026-01-01T10:00:00")
    assert store.enqueue("a", 1, why(), "2026-01-01T10:00:05") == 1
    assert len(store.queued_customers()) == 1


def test_who_has_left_is_kept_for_a_call_back_but_not_counted(store):
    store.enqueue("a", 1, why(), "2026-01-01T10:00:00")
    store.mark_disconnected("a")
    assert [one.connected for one in store.queued_customers()] == [0]
    assert store.enqueue("b", 1, why(), "2026-01-01T10:00:05") == 1


def test_the_queue_survives_a_restart(opened):
    store = opened()
    store.enqueue("a", 1, why(), "2026-01-01T10:00:00")
    store.close()
    assert [one.session for one in opened().queued_customers()] == ["a"]


def test_many_threads_may_queue_at_once(store):
    with ThreadPoolExecutor(8) as pool:
        places = pool.map(lambda n: store.enqueue(f"s{n}", 1, why(), "2026-01-01"), range(32))
        assert max(places) <= 32
    assert len(store.queued_customers()) == 32


def note(turn: int) -> TurnNote:
    return TurnNote(turn, float(turn), "chat", (), "hello", "greeting", 0.9, 0.1, 0.2)


def test_what_turns_came_to_is_kept_in_their_order(store):
    store.add_notes("a", [note(3)], "2026-01-01T10:00:05+00:00")
    store.add_notes("a", [note(2), note(3)], "2026-01-01T10:00:06+00:00")
    assert [one.turn for one in store.read_turn_notes("a")] == [2, 3]
    assert store.read_turn_notes("b") == []
    (kept,) = store.noted_conversations()
    assert (kept.began_at, kept.turn_count) == ("2026-01-01T10:00:05+00:00", 2)


def test_old_judgements_are_forgotten(store):
    store.add_notes("a", [note(2)], "2026-01-01T10:00:00+00:00")
    store.add_notes("b", [note(2)], "2026-02-01T10:00:00+00:00")
    store.delete_older_than({"judgements": "2026-01-15T00:00:00+00:00"})
    assert [one.session for one in store.noted_conversations()] == ["b"]


def test_an_id_is_no_pattern(store):
    store.add_notes("a", [note(2)], "2026-01-01T10:00:00+00:00")
    assert store.noted_conversations("%") == store.noted_conversations("_") == []
