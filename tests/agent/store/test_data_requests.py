"""Requests about data: noted once, carried out when the conversation is over, and then nameless."""

from __future__ import annotations

import pytest

from agent.core.records import SessionRecord
from agent.store import Store

NOW, LATER = "2026-11-24T10:00:00+00:00", "2026-11-24T11:00:00+00:00"


def session_record(id: str, customer: str) -> SessionRecord:
    return SessionRecord(
        id=id, began_at=NOW, channel="chat", customer=customer, today="2026-11-24", legs=(),
        speak=False, pack="", settings={}, models={}, token="", state="live", recording=False,
        ended_at="", last_at=NOW, sealed="", audio=None,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "store.sqlite3")
    yield opened
    opened.close()


def test_a_request_is_noted_once(store):
    first = store.note_data_request("s1:3", "copy", "s1", "100421", NOW)
    again = store.note_data_request("s1:3", "copy", "s1", "100421", LATER)
    assert first == again
    assert first.reference == "R00001"
    assert [one.reference for one in store.data_requests()] == ["R00001"]


def test_a_request_that_is_done_names_nobody(store):
    reference = store.note_data_request("s1:3", "objection", "s1", "100421", NOW).reference
    assert store.finish_data_request(reference, LATER)
    assert not store.finish_data_request(reference, LATER)
    assert store.data_requests() == []
    (done,) = store.data_requests(include_done=True)
    assert (done.session, done.customer, done.done_at) == ("", "", LATER)


@pytest.mark.parametrize("reference", ["", "R", "R00009", "x", "R1; drop"])
def test_an_unknown_number_is_none(store, reference):
    assert not store.finish_data_request(reference, NOW)


def test_an_erasure_waits_for_the_end_of_its_conversation(store):
    store.create_session(session_record("s1", customer="100421"))
    store.create_session(session_record("s2", customer="100421"))
    store.end_session("s2", NOW)
    store.note_data_request("s1:3", "erasure", "s1", "100421", NOW)
    assert store.erase_requested(NOW) == []
    assert store.find_session("s1") is not None
    store.end_session("s1", LATER)
    assert [one.reference for one in store.erase_requested(LATER)] == ["R00001"]
    assert store.find_session("s1") is None
    assert store.find_session("s2") is None
    assert store.erase_requested(LATER) == []
    (done,) = store.data_requests(include_done=True)
    assert done.customer == ""
    assert {receipt.id for receipt in store.read_receipts()} == set(done.receipt.split())
