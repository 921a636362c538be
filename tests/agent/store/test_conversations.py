"""The journal is append-only, whole, and gone when it should be; against SQLite and PostgreSQL."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from agent.core.event_json import JournalRow
from agent.core.records import SessionRecord
from agent.core.turn_notes import TurnNote
from agent.store import Store
from dialogs.values import Escalation

NOW = "2026-11-24T10:00:00+00:00"
SOON = "2026-11-24T10:02:00+00:00"
LATER = "2026-11-25T10:00:00+00:00"
CARD = "4111 1111 1111 1111"


def record(id="a", **more):
    plain = SessionRecord(
        id, NOW, "voice", "", "2026-11-24", ("customer",), True, "p", {"turns": "x"}, {"m": "1"},
        "t", "live", False, "", NOW, "", {"rate": 8000},
    )  # fmt: skip
    return replace(plain, **more)


def row(n, text="hello"):
    return JournalRow(n, n / 2, f'{{"type":"Typed","at":{n},"text":"{text}"}}', n, ('{"seq":1}',), "[1]",
               "d" * 64, "[]")  # fmt: skip


def why(urgency="normal"):
    return Escalation("explicit_request", 0.9, 2.2, (), urgency, "Wants a person.")


def test_a_conversation_is_found_as_it_was_written(opened):
    store = opened()
    store.begin(record())
    store.append([("a", row(1)), ("a", row(2))], LATER)
    store.append([("a", row(3))], LATER)
    again = opened()
    assert again.rows("a") == [row(1), row(2), row(3)]
    assert again.rows("a", after=2) == [row(3)]
    assert again.session("a") == record(last_at=LATER)
    assert again.find("a") == again.live() == [record(last_at=LATER)]
    assert again.session("b") is None


def test_a_row_is_written_once_and_never_changed(store):
    store.begin(record())
    store.append([("a", row(1))], NOW)
    store.append([("a", row(1)), ("a", row(2))], NOW)
    assert store.rows("a") == [row(1), row(2)]
    with pytest.raises(ValueError, match="row 2 of a"):
        store.append([("a", row(2, "something else")), ("a", row(3))], NOW)
    assert store.rows("a") == [row(1), row(2)]


def test_sound_is_kept_only_of_who_agreed(store):
    store.begin(record())
    store.keep_audio("a", "customer", 0, 512, b"before")
    store.consented("a", True)
    store.keep_audio("a", "customer", 512, 512, b"after")
    store.keep_audio("a", "customer", 512, 512, b"again")
    assert [(one.start, one.flac) for one in store.audio("a")] == [(512, b"after")]
    store.consented("a", False)
    assert store.audio("a") == []


@pytest.mark.parametrize("agreed", [True, False])
def test_what_was_said_outlives_the_conversation_only_with_consent(store, agreed):
    store.begin(record(sealed="private"))
    store.append([("a", row(1))], NOW)
    store.consented("a", agreed)
    store.keep_audio("a", "customer", 0, 512, b"flac")
    store.end("a", LATER)
    assert bool(store.rows("a")) == bool(store.audio("a")) == agreed
    ended = store.session("a")
    assert (ended.state, ended.ended_at, ended.sealed) == ("ended", LATER, "")
    assert [one.id for one in store.recordings()] == (["a"] if agreed else [])
    assert store.live() == []


def test_of_many_who_reach_for_a_hand_over_one_gets_it(opened):
    stores = [opened(), opened()]
    stores[0].queue("a", 1, why(), NOW)
    start = threading.Barrier(8)

    def reach(number):
        start.wait()
        return stores[number % 2].accept("a", 1, f"p{number}", NOW)

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(reach, range(8)))
    assert got.count(True) == 1
    assert stores[0].waiting() == []
    stores[0].requeue("a", 1, LATER)
    assert stores[1].accept("a", 1, "another", LATER)


def test_a_ticket_is_the_same_however_often_it_is_asked_for(store):
    store.queue("a", 1, why(), NOW, "ann")
    ticket = store.ticket("a", 1, "closed", NOW)
    assert ticket == store.ticket("a", 1, "nobody", LATER)
    assert [(one.id, one.why, one.customer) for one in store.tickets()] == [
        (ticket, "closed", "ann")
    ]
    assert not store.accept("a", 1, "Dana", NOW)
    assert store.ticket("b", 1, "closed", NOW) == ""


def test_who_was_taken_gets_no_ticket(store):
    store.queue("a", 1, why(), NOW, "ann")
    assert store.waits("a", 1)
    store.accept("a", 1, "Dana", NOW)
    assert not store.waits("a", 1)
    assert store.ticket("a", 1, "too_long", NOW) == ""
    store.finish("a", 1, "resolved", NOW)
    assert store.ticket("a", 1, "too_long", NOW) == ""
    assert store.tickets() == []


def test_a_message_is_due_until_it_has_arrived(store):
    store.post("m1", "a", 1, "{}", NOW)
    store.post("m1", "a", 1, "{}", NOW)
    assert [one.id for one in store.claim(NOW, SOON, 8)] == ["m1"]
    store.posted("m1", False, LATER)
    assert store.claim(NOW, SOON, 8) == []
    assert [one.tries for one in store.claim(LATER, LATER, 8)] == [1]
    store.posted("m1", True, "")
    assert store.claim(LATER, LATER, 8) == []


def test_what_one_process_has_in_hand_no_other_gets_for_a_while(opened):
    stores = [opened() for _ in range(4)]
    posts = {f"m{n}": f"s{n // 3}" for n in range(60)}
    for id, session in posts.items():
        stores[0].post(id, session, 1, "{}", NOW)
    start, got = threading.Barrier(4), []

    def claims(store):
        start.wait()
        while (mine := store.claim(NOW, LATER, 3)) or len(got) < len(posts):
            got.extend(mine)
            assert all(
                [one.session for one in mine].count(session) == 3
                for session in {one.session for one in mine}
            )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(claims, stores))
    assert sorted(one.id for one in got) == sorted(posts)
    assert stores[0].claim(NOW, LATER, 60) == []
    assert len(stores[1].claim(LATER, LATER, 60)) == len(posts), "whoever had them may have died"


def test_what_happens_to_a_hand_over_waits_for_what_happened_before(store):
    store.post("m1", "a", 1, "{}", NOW)
    store.claim(NOW, LATER, 8)
    store.post("m2", "a", 1, "{}", NOW)
    store.post("m3", "b", 1, "{}", NOW)
    assert [one.id for one in store.claim(SOON, LATER, 8)] == ["m3"]
    store.posted("m1", True, "")
    assert [one.id for one in store.claim(SOON, LATER, 8)] == ["m2"]


def everything(store, id, customer):
    store.begin(record(id, customer=customer, sealed=CARD))
    store.append([(id, row(1, CARD))], NOW)
    store.consented(id, True)
    store.keep_audio(id, "customer", 0, 512, CARD.encode())
    store.queue(id, 1, replace(why(), summary=CARD), NOW, customer)
    store.post(f"m-{id}", id, 1, CARD, NOW)


def test_what_is_erased_is_in_no_file_any_more(opened, place):
    store = opened()
    for id in ("a", "b", "c"):
        everything(store, id, "ann" if id != "c" else "bob")
    receipt = store.erase("ann", LATER)
    assert len(receipt.sessions) == 2
    assert receipt.rows["inputs"] == receipt.rows["audio"] == receipt.rows["sessions"] == 2
    assert "ann" not in str(receipt)
    assert store.rows("a") == store.rows("b") == []
    assert store.rows("c")
    assert store.erase("ann", LATER) is None
    store.erase("c", LATER)
    assert [one.id for one in store.receipts()][0] == receipt.id
    if not isinstance(place, str):
        for file in place.parent.iterdir():
            assert CARD.encode() not in file.read_bytes(), file


def test_who_is_erased_while_they_talk_leaves_nothing_behind(opened):
    store, other = opened(), opened()
    for id in ("a", "b"):
        everything(store, id, "ann")
    other.erase("a", LATER)
    assert store.append([("a", row(2, CARD)), ("b", row(2))], LATER) == {"a"}
    assert store.append([("a", row(2, CARD)), ("b", row(2))], LATER) == {"a"}, "again"
    store.remember("a", [TurnNote(3, 1.0, "chat", (), CARD)], LATER)
    store.keep_audio("a", "customer", 512, 512, CARD.encode())
    assert store.queue("a", 2, why(), LATER) == 0
    assert (store.rows("a"), store.audio("a"), store.notes("a")) == ([], [], [])
    assert [one.session for one in store.waiting()] == ["b"]
    assert store.rows("b") == [row(1, CARD), row(2)]


def leftovers(place):
    return [file for file in place.parent.iterdir() if CARD.encode() in file.read_bytes()]


def test_a_receipt_says_when_somebody_was_reading_all_the_time(tmp_path, monkeypatch):
    monkeypatch.setattr("agent.store.database.BUSY_TIMEOUT_S", 0.3)
    place = tmp_path / "hearken.sqlite3"
    store, server = Store(place), Store(place)
    everything(store, "a", "ann")
    with closing(sqlite3.connect(place)) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from inputs").fetchone()
        assert not store.erase("ann", LATER).overwritten
        assert leftovers(place)
        assert not store.overwrite_deleted(0.0)
    assert [one.overwritten for one in store.read_receipts()] == [False]
    assert server.overwrite_deleted(0.0)
    assert [one.overwritten for one in store.read_receipts()] == [True]
    assert leftovers(place) == []
    server.close()
    store.close()


def test_only_a_database_of_files_is_ours_to_overwrite(store, place):
    everything(store, "a", "ann")
    receipt = store.erase("ann", LATER)
    assert receipt.overwritten == store.overwrites == (not isinstance(place, str))
    assert store.receipts() == [receipt]


def test_what_is_old_is_forgotten_by_kind(store):
    for id in ("a", "b"):
        everything(store, id, "ann")
    store.end("a", NOW)
    store.end("b", LATER)
    store.ticket("a", 1, "closed", NOW)
    store.accept("b", 1, "Dana", NOW)
    kinds = ("recordings", "judgements", "offers", "handovers", "tickets")
    gone = store.forget(dict.fromkeys(kinds, "2026-11-24T12:00:00+00:00"))
    assert gone == {"recordings": 1, "judgements": 0, "offers": 0, "handovers": 1, "tickets": 1}
    assert store.rows("a") == []
    assert store.rows("b")


OLD = """
create table handoffs (id integer primary key, session text not null, number integer not null,
 asked_at text not null, rule text not null, urgency text not null, probability real not null,
 summary text not null, evidence text not null, state text not null default 'queued'
 check (state in ('queued', 'accepted', 'ended')), present integer not null default 1,
 unique (session, number));
create table receipts (id text primary key, at text not null, sessions json not null,
 rows json not null);
insert into receipts values ('r', '2026-01-01', '[]', '{}');
insert into handoffs values (7, 'old', 1, '2026-01-01', 'r', 'high', 0.5, 's', '[]', 'queued', 1);
"""


def test_a_queue_of_an_earlier_version_is_taken_over(tmp_path):
    file = tmp_path / "hearken.sqlite3"
    with sqlite3.connect(file) as books:
        books.executescript(OLD)
    books.close()
    for _ in range(2):
        store = Store(file)
        assert [(one.session, one.urgency) for one in store.queued_customers()] == [("old", "high")]
        store.close()
    store = Store(file)
    assert store.create_ticket("old", 1, "closed", NOW) == "C00007"
    assert [(one.id, one.overwritten) for one in store.read_receipts()] == [("r", False)]
    store.close()


CHILD = """
import sys
from pathlib import Path
from agent.core.records import SessionRecord
from agent.store import Store
from agent.core.event_json import Row
store = Store(Path(sys.argv[1]))
store.begin(SessionRecord(
    "a", "", "", "", "", (), False, "", {}, {}, "", "live", False, "", "", "", None
))
for n in range(1, 100000):
    store.append([("a", Row(n, 0.0, "x" * 500))], "2026-11-24T10:00:00+00:00")
    print(n, flush=True)
"""


@pytest.mark.parametrize("killed_at", [1, 7, 40])
def test_what_was_acknowledged_survives_the_end_of_the_process(tmp_path, killed_at):
    file = tmp_path / "hearken.sqlite3"
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(file)], stdout=subprocess.PIPE, text=True
    )
    with child, child.stdout as said:
        acknowledged = 0
        for line in said:
            acknowledged = int(line)
            if acknowledged == killed_at:
                os.kill(child.pid, signal.SIGKILL)
    store = Store(file)
    kept = [one.n for one in store.read_rows("a")]
    store.close()
    assert kept == list(range(1, len(kept) + 1))
    assert len(kept) >= acknowledged >= killed_at
