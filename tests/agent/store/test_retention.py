"""Who does not come back is let go, what is old goes, and deleted things leave the files."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from agent.core.event_json import JournalRow
from agent.core.records import SessionRecord
from agent.store import Store
from agent.store.retention import apply_retention
from agent.store.tables import handoffs
from dialogs.pack.privacy_rules import DEFAULT_KEEP_DAYS
from dialogs.values import Escalation

BEGAN = datetime(2026, 11, 24, 10, tzinfo=UTC)
CARD = "4111 1111 1111 1111"
RESUME_S = 120.0


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "hearken.sqlite3")
    yield store
    store.close()


def at(seconds):
    return BEGAN + timedelta(seconds=seconds)


def talking(store, id, last, recording=True):
    fields = dict.fromkeys(SessionRecord.__dataclass_fields__, "") | {
        "id": id, "legs": (), "speak": False, "settings": {}, "models": {}, "state": "live",
        "recording": recording, "audio": None, "began_at": at(0).isoformat(),
        "last_at": at(0).isoformat(), "sealed": "private",
    }  # fmt: skip
    store.create_session(SessionRecord(**fields))
    store.append_rows([(id, JournalRow(1, 0.0, CARD))], at(last).isoformat())
    store.enqueue(id, 1, Escalation("r", 0.9, 1.0, (), "normal", ()), at(last).isoformat())


def tidied(store, now, alive=(), since=None, days=DEFAULT_KEEP_DAYS):
    apply_retention(store, set(alive), since or at(0), now, RESUME_S, days)
    return {one.id: one.state for one in (store.find_session(id) for id in "abc") if one}


def test_who_has_not_come_back_in_time_is_let_go(store):
    talking(store, "a", 0)
    talking(store, "b", 60)
    talking(store, "c", 0)
    assert tidied(store, at(120), {"c"}) == {"a": "live", "b": "live", "c": "live"}
    assert tidied(store, at(121), {"c"}) == {"a": "ended", "b": "live", "c": "live"}
    ended = store.find_session("a")
    assert (ended.ended_at, ended.sealed) == (at(121).isoformat(), "")
    assert {one.session: one.connected for one in store.queued_customers()} == {
        "a": 0,
        "b": 1,
        "c": 1,
    }


def test_a_person_whose_customer_has_not_come_back_is_free_again(store):
    talking(store, "a", 0)
    talking(store, "b", 0)
    assert store.accept_handoff("a", 1, "Ada", at(1).isoformat())
    tidied(store, at(121))
    assert [one.session for one in store.queued_customers()] == ["b"]  # may be called back
    with store.engine.connect() as books:
        found = books.execute(select(handoffs.c.session, handoffs.c.state, handoffs.c.outcome))
        assert set(found.all()) == {("a", "ended", "left"), ("b", "queued", "")}


def test_who_says_nothing_is_not_let_go_by_another_process(store):
    talking(store, "a", 0)
    talking(store, "b", 0)
    for minute in range(10):
        tidied(store, at(60 * minute), {"a"})  # the process that takes care of "a"
        tidied(store, at(60 * minute + 30))  # another one on the same database
    assert tidied(store, at(600), {"a"}) == {"a": "live", "b": "ended"}


def test_after_a_restart_there_is_as_much_time_again(store):
    talking(store, "a", 0)
    since = at(5000)
    assert tidied(store, at(5119), since=since) == {"a": "live"}
    assert tidied(store, at(5121), since=since) == {"a": "ended"}


def test_of_who_did_not_agree_nothing_said_is_left_in_any_file(store, tmp_path):
    talking(store, "a", 0, recording=False)
    assert tidied(store, at(500)) == {"a": "ended"}
    assert store.read_rows("a") == []
    assert [f for f in tmp_path.iterdir() if CARD.encode() in f.read_bytes()] == []


def test_what_is_kept_has_an_end(store, tmp_path):
    talking(store, "a", 0)
    tidied(store, at(500))
    day = timedelta(days=1)
    assert tidied(store, at(500) + 30 * day) == {"a": "ended"}
    assert store.read_rows("a")
    assert tidied(store, at(501) + 30 * day) == {}
    assert store.read_rows("a") == []
    assert store.queued_customers(), "a hand-over is kept longer"
    assert [f for f in tmp_path.iterdir() if CARD.encode() in f.read_bytes()] == []
    tidied(store, at(501) + 90 * day)
    assert store.queued_customers() == []


def test_a_pack_says_how_long(store):
    talking(store, "a", 0)
    tidied(store, at(500))
    assert tidied(store, at(501) + timedelta(days=2), days={"recordings": 2}) == {}


def test_what_could_not_be_overwritten_is_overwritten_later(store, tmp_path, monkeypatch):
    monkeypatch.setattr("agent.store.retention.OVERWRITE_TIMEOUT_S", 0.0)
    talking(store, "a", 0)
    with closing(sqlite3.connect(tmp_path / "hearken.sqlite3")) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from inputs").fetchone()
        store.end_session("a", at(0).isoformat())
        tidied(store, at(500) + timedelta(days=40))
        assert [f for f in tmp_path.iterdir() if CARD.encode() in f.read_bytes()]
    tidied(store, at(501) + timedelta(days=40))
    assert [f for f in tmp_path.iterdir() if CARD.encode() in f.read_bytes()] == []
