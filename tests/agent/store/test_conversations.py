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
from sqlalchemy import select

from agent.core.event_json import JournalRow
from agent.core.records import SessionRecord
from agent.core.turn_notes import TurnNote
from agent.store import CallbackRequest, Store
from agent.store.tables import handoffs
from dialogs.values import Claim, Escalation

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
    event = f'{{"type":"Typed","at":{n},"text":"{text}"}}'
    return JournalRow(n, n / 2, event, n, ('{"seq":1}',), "[1]", "d" * 64, "[]")


def why(urgency="normal"):
    return Escalation("explicit_request", 0.9, 2.2, (), urgency, (Claim("Wants", "a person."),))


def test_a_conversation_is_found_as_it_was_written(opened):
    store = opened()
    store.create_session(record())
    store.append_rows([("a", row(1)), ("a", row(2))], LATER)
    store.append_rows([("a", row(3))], LATER)
    again = opened()
    assert again.read_rows("a") == [row(1), row(2), row(3)]
    assert again.read_rows("a", after=2) == [row(3)]
    assert again.find_session("a") == record(last_at=LATER)
    assert again.find_sessions("a") == again.live_sessions() == [record(last_at=LATER)]
    assert again.find_session("b") is None


def test_a_row_is_written_once_and_never_changed(store):
    store.create_session(record())
    store.append_rows([("a", row(1))], NOW)
    store.append_rows([("a", row(1)), ("a", row(2))], NOW)
    assert store.read_rows("a") == [row(1), row(2)]
    with pytest.raises(ValueError, match="row 2 of a"):
        store.append_rows([("a", row(2, "something else")), ("a", row(3))], NOW)
    assert store.read_rows("a") == [row(1), row(2)]


def test_sound_is_kept_only_of_who_agreed(store):
    store.create_session(record())
    store.add_audio("a", "customer", 0, 512, b"before")
    store.set_recording_consent("a", True)
    store.add_audio("a", "customer", 512, 512, b"after")
    store.add_audio("a", "customer", 512, 512, b"again")
    assert [(one.start, one.flac) for one in store.read_audio("a")] == [(512, b"after")]
    store.set_recording_consent("a", False)
    assert store.read_audio("a") == []


@pytest.mark.parametrize("agreed", [True, False])
def test_what_was_said_outlives_the_conversation_only_with_consent(store, agreed):
    store.create_session(record(sealed="private"))
    store.append_rows([("a", row(1))], NOW)
    store.set_recording_consent("a", agreed)
    store.add_audio("a", "customer", 0, 512, b"flac")
    store.end_session("a", LATER)
    assert bool(store.read_rows("a")) == bool(store.read_audio("a")) == agreed
    ended = store.find_session("a")
    assert (ended.state, ended.ended_at, ended.sealed) == ("ended", LATER, "")
    assert [one.id for one in store.recorded_sessions()] == (["a"] if agreed else [])
    assert store.live_sessions() == []


def test_of_many_who_reach_for_a_hand_over_one_gets_it(opened):
    stores = [opened(), opened()]
    stores[0].enqueue("a", 1, why(), NOW)
    start = threading.Barrier(8)

    def reach(number):
        start.wait()
        return stores[number % 2].accept_handoff("a", 1, f"p{number}", NOW)

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(reach, range(8)))
    assert got.count(True) == 1
    assert stores[0].queued_customers() == []
    stores[0].requeue_handoff("a", 1, LATER)
    assert stores[1].accept_handoff("a", 1, "another", LATER)


def call_back(key="a:1", session="a", contact="+1 415-555-0123", about="Wants: a card"):
    return CallbackRequest(session, key, contact, "Ann Lee", about, LATER)


def test_nobody_is_promised_a_call_before_a_contact_is_known(store):
    store.enqueue("a", 1, why(), NOW, "ann")
    assert store.record_unanswered("a", 1, "closed", NOW)
    assert store.record_unanswered("a", 1, "nobody", LATER)
    assert store.callback_tickets() == []
    assert not store.accept_handoff("a", 1, "Dana", NOW)
    assert not store.record_unanswered("b", 1, "closed", NOW)


def test_a_ticket_is_the_same_however_often_it_is_asked_for(store):
    store.enqueue("a", 1, why(), NOW, "ann")
    store.record_unanswered("a", 1, "closed", NOW)
    ticket = store.arrange_callback(call_back(), "ann", NOW)
    assert (ticket.id, ticket.contact, ticket.reason) == ("C00001", "+1 415-555-0123", "closed")
    assert (ticket.summary, ticket.due_at, ticket.customer) == (why().summary, LATER, "ann")
    assert store.arrange_callback(call_back(contact="other"), "ann", LATER) == ticket
    assert store.callback_tickets() == [ticket]


def test_a_call_back_without_a_handoff_has_the_summary_it_was_given(store):
    first = store.arrange_callback(call_back(), "ann", NOW)
    assert (first.summary, first.customer, first.number) == ("Wants: a card", "ann", 0)
    assert store.finish_callback(first.id, "Dana", "reached", LATER) == first
    second = store.arrange_callback(call_back("a:2"), "ann", LATER)
    assert second.number < 0
    assert store.callback_tickets() == [second]


def test_a_call_back_is_done_once_and_its_contact_forgotten(store):
    ticket = store.arrange_callback(call_back(), "ann", NOW)
    start = threading.Barrier(4)

    def finish(name):
        start.wait()
        return store.finish_callback(ticket.id, name, "reached", LATER)

    with ThreadPoolExecutor(4) as pool:
        done = [one for one in pool.map(finish, "ABCD") if one]
    assert done == [ticket]
    assert store.callback_tickets() == []
    with store._read_connection() as connection:
        row = connection.execute(select(handoffs)).one()
    assert (row.state, row.outcome, row.contact, row.contact_name) == ("ended", "reached", "", "")
    assert store.finish_callback("", "Dana", "reached", LATER) is None


def test_a_contact_is_erased_with_its_session_and_after_its_time(store):
    store.arrange_callback(call_back(), "ann", NOW)
    store.arrange_callback(call_back("b:1", "b"), "bob", LATER)
    gone = store.delete_older_than({"tickets": "2026-11-24T12:00:00+00:00"})
    assert gone == {"tickets": 1}
    assert [one.session for one in store.callback_tickets()] == ["b"]
    assert store.erase("b", LATER) is not None
    assert store.callback_tickets() == []


def test_who_was_taken_is_not_called_back(store):
    store.enqueue("a", 1, why(), NOW, "ann")
    assert store.is_queued("a", 1)
    store.accept_handoff("a", 1, "Dana", NOW)
    assert not store.is_queued("a", 1)
    assert not store.record_unanswered("a", 1, "too_long", NOW)
    store.finish_handoff("a", 1, "resolved", NOW)
    assert not store.record_unanswered("a", 1, "too_long", NOW)
    assert store.callback_tickets() == []


def test_a_message_is_due_until_it_has_arrived(store):
    store.add_message("m1", "a", 1, "{}", NOW)
    store.add_message("m1", "a", 1, "{}", NOW)
    assert [one.id for one in store.claim_due(NOW, SOON, 8)] == ["m1"]
    store.record_delivery("m1", False, LATER)
    assert store.claim_due(NOW, SOON, 8) == []
    assert [one.attempts for one in store.claim_due(LATER, LATER, 8)] == [1]
    store.record_delivery("m1", True, "")
    assert store.claim_due(LATER, LATER, 8) == []


def test_what_one_process_has_in_hand_no_other_gets_for_a_while(opened):
    stores = [opened() for _ in range(4)]
    posts = {f"m{n}": f"s{n // 3}" for n in range(60)}
    for id, session in posts.items():
        stores[0].add_message(id, session, 1, "{}", NOW)
    start, got = threading.Barrier(4), []

    def claims(store):
        start.wait()
        while (mine := store.claim_due(NOW, LATER, 3)) or len(got) < len(posts):
            got.extend(mine)
            assert all(
                [one.session for one in mine].count(session) == 3
                for session in {one.session for one in mine}
            )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(claims, stores))
    assert sorted(one.id for one in got) == sorted(posts)
    assert stores[0].claim_due(NOW, LATER, 60) == []
    assert len(stores[1].claim_due(LATER, LATER, 60)) == len(posts), (
        "whoever had them may have died"
    )


def test_what_happens_to_a_hand_over_waits_for_what_happened_before(store):
    store.add_message("m1", "a", 1, "{}", NOW)
    store.claim_due(NOW, LATER, 8)
    store.add_message("m2", "a", 1, "{}", NOW)
    store.add_message("m3", "b", 1, "{}", NOW)
    assert [one.id for one in store.claim_due(SOON, LATER, 8)] == ["m3"]
    store.record_delivery("m1", True, "")
    assert [one.id for one in store.claim_due(SOON, LATER, 8)] == ["m2"]


def everything(store, id, customer):
    store.create_session(record(id, customer=customer, sealed=CARD))
    store.append_rows([(id, row(1, CARD))], NOW)
    store.set_recording_consent(id, True)
    store.add_audio(id, "customer", 0, 512, CARD.encode())
    store.enqueue(id, 1, replace(why(), claims=(Claim("Wants", CARD),)), NOW, customer)
    store.add_message(f"m-{id}", id, 1, CARD, NOW)


def test_what_is_erased_is_in_no_file_any_more(opened, place):
    store = opened()
    for id in ("a", "b", "c"):
        everything(store, id, "ann" if id != "c" else "bob")
    receipt = store.erase("ann", LATER)
    assert len(receipt.sessions) == 2
    assert receipt.rows["inputs"] == receipt.rows["audio"] == receipt.rows["sessions"] == 2
    assert "ann" not in str(receipt)
    assert store.read_rows("a") == store.read_rows("b") == []
    assert store.read_rows("c")
    assert store.erase("ann", LATER) is None
    store.erase("c", LATER)
    assert [one.id for one in store.read_receipts()][0] == receipt.id
    if not isinstance(place, str):
        for file in place.parent.iterdir():
            assert CARD.encode() not in file.read_bytes(), file


def test_who_is_erased_while_they_talk_leaves_nothing_behind(opened):
    store, other = opened(), opened()
    for id in ("a", "b"):
        everything(store, id, "ann")
    other.erase("a", LATER)
    assert store.append_rows([("a", row(2, CARD)), ("b", row(2))], LATER) == {"a"}
    assert store.append_rows([("a", row(2, CARD)), ("b", row(2))], LATER) == {"a"}, "again"
    store.add_notes("a", [TurnNote(3, 1.0, "chat", (), CARD)], LATER)
    store.add_audio("a", "customer", 512, 512, CARD.encode())
    assert store.enqueue("a", 2, why(), LATER) == 0
    assert (store.read_rows("a"), store.read_audio("a"), store.read_turn_notes("a")) == ([], [], [])
    assert [one.session for one in store.queued_customers()] == ["b"]
    assert store.read_rows("b") == [row(1, CARD), row(2)]


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
    assert receipt.overwritten == store.can_overwrite == (not isinstance(place, str))
    assert store.read_receipts() == [receipt]


def test_what_is_old_is_forgotten_by_kind(store):
    for id in ("a", "b"):
        everything(store, id, "ann")
    store.end_session("a", NOW)
    store.end_session("b", LATER)
    store.record_unanswered("a", 1, "closed", NOW)
    store.accept_handoff("b", 1, "Dana", NOW)
    kinds = ("recordings", "judgements", "offers", "handovers", "tickets")
    gone = store.delete_older_than(dict.fromkeys(kinds, "2026-11-24T12:00:00+00:00"))
    assert gone == {"recordings": 1, "judgements": 0, "offers": 0, "handovers": 1, "tickets": 1}
    assert store.read_rows("a") == []
    assert store.read_rows("b")


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
    store.record_unanswered("old", 1, "closed", NOW)
    assert store.arrange_callback(call_back("old:1", "old"), "", NOW).id == "C00007"
    assert [(one.id, one.overwritten) for one in store.read_receipts()] == [("r", False)]
    store.close()


def test_tickets_without_a_contact_of_an_earlier_version_are_still_listed(tmp_path):
    file = tmp_path / "hearken.sqlite3"
    Store(file).close()
    with sqlite3.connect(file) as books:
        for column in ("contact", "contact_name", "due_at", "call_key"):
            books.execute(f"alter table handoffs drop column {column}")
        books.execute(
            "insert into handoffs (session, number, probability, state, ticket, why)"
            " values ('old', 1, 0.5, 'callback', 'C00001', 'closed')"
        )
    books.close()
    store = Store(file)
    (ticket,) = store.callback_tickets()
    assert (ticket.id, ticket.contact, ticket.due_at) == ("C00001", "", "")
    assert store.finish_callback("C00001", "Dana", "not_reached", NOW) == ticket
    store.close()


CHILD = """
import sys
from pathlib import Path
from agent.core.event_json import JournalRow
from agent.core.records import SessionRecord
from agent.store import Store
store = Store(Path(sys.argv[1]))
store.create_session(SessionRecord(
    "a", "", "", "", "", (), False, "", {}, {}, "", "live", False, "", "", "", None
))
for n in range(1, 100000):
    store.append_rows([("a", JournalRow(n, 0.0, "x" * 500))], "2026-11-24T10:00:00+00:00")
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
