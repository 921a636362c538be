"""Who waits for a person is served by urgency, then by patience, and is asked for once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from agent.core.turn_notes import TurnNote
from dialogs.values import Claim, Escalation


def why(urgency: str = "normal") -> Escalation:
    return Escalation("explicit_request", 0.9, 2.2, (), urgency, (Claim("Wants", "a person."),))


def test_the_urgent_are_served_first(store):
    assert store.queue("a", 1, why(), "2026-01-01T10:00:00") == 1
    assert store.queue("b", 1, why("high"), "2026-01-01T10:00:01") == 1
    assert store.queue("c", 1, why(), "2026-01-01T10:00:02") == 3
    assert [one.session for one in store.waiting()] == ["b", "a", "c"]


def test_one_cause_waits_once(store):
    store.queue("a", 1, why(), "2026-01-01T10:00:00")
    assert store.queue("a", 1, why(), "2026-01-01T10:00:05") == 1
    assert len(store.waiting()) == 1


def test_who_has_left_is_kept_for_a_call_back_but_not_counted(store):
    store.queue("a", 1, why(), "2026-01-01T10:00:00")
    store.left("a")
    assert [one.present for one in store.waiting()] == [0]
    assert store.queue("b", 1, why(), "2026-01-01T10:00:05") == 1


def test_the_queue_survives_a_restart(opened):
    store = opened()
    store.queue("a", 1, why(), "2026-01-01T10:00:00")
    store.close()
    assert [one.session for one in opened().waiting()] == ["a"]


def test_many_threads_may_queue_at_once(store):
    with ThreadPoolExecutor(8) as pool:
        places = pool.map(lambda n: store.queue(f"s{n}", 1, why(), "2026-01-01"), range(32))
        assert max(places) <= 32
    assert len(store.waiting()) == 32


def note(turn: int) -> TurnNote:
    return TurnNote(turn, float(turn), "chat", (), "hello", "greeting", 0.9, 0.1, 0.2)


def test_what_turns_came_to_is_kept_in_their_order(store):
    store.remember("a", [note(3)], "2026-01-01T10:00:05+00:00")
    store.remember("a", [note(2), note(3)], "2026-01-01T10:00:06+00:00")
    assert [one.turn for one in store.notes("a")] == [2, 3]
    assert store.notes("b") == []
    (kept,) = store.kept()
    assert (kept.began_at, kept.turns) == ("2026-01-01T10:00:05+00:00", 2)


def test_old_judgements_are_forgotten(store):
    store.remember("a", [note(2)], "2026-01-01T10:00:00+00:00")
    store.remember("b", [note(2)], "2026-02-01T10:00:00+00:00")
    store.forget({"judgements": "2026-01-15T00:00:00+00:00"})
    assert [one.session for one in store.kept()] == ["b"]


def test_an_id_is_no_pattern(store):
    store.remember("a", [note(2)], "2026-01-01T10:00:00+00:00")
    assert store.kept("%") == store.kept("_") == []
