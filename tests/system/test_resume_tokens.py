"""After a restart a session is its owner's, whoever else asks for it just then, and however often.

The store is the real one; it waits where a test wants to look at what happens meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy

import pytest

from agent.client import Client, Resumption
from agent.core.event_json import JournalRow
from agent.core.records import SessionRecord
from agent.store import Store
from tests.support.mortal import ScriptedMind
from tests.support.packs import bank_pack
from tests.support.serving import Serving, serving

pytestmark = [pytest.mark.socket, pytest.mark.model]


class GatedStore(Store):
    """The real store; look-ups of sessions and readings of rows wait for their gates."""

    find_gate, read_gate = threading.Event(), threading.Event()
    is_finding, is_reading = threading.Event(), threading.Event()
    restorations = 0

    def find_session(self, id: str) -> SessionRecord | None:
        GatedStore.is_finding.set()
        assert GatedStore.find_gate.wait(30)
        return super().find_session(id)

    def read_rows(self, session: str, after: int = 0) -> Sequence[JournalRow]:
        GatedStore.restorations += 1
        GatedStore.is_reading.set()
        assert GatedStore.read_gate.wait(30)
        return super().read_rows(session, after)


@contextmanager
def restarted(tmp_path, monkeypatch) -> Iterator[tuple[Serving, Resumption]]:
    """A server after a restart, and what the owner of its only session holds."""
    mind = ScriptedMind(bank_pack())
    with serving(tmp_path, mind, resume_s=600) as house, Client(house.url) as client:
        client.wait_for("reply")
        client.say("my name is Quentin, what are your opening hours")
        client.wait_for("understanding")
        client.wait_for("reply")
        client.drop_connection()
        at = client.resumption
    for event in (GatedStore.is_finding, GatedStore.is_reading):
        event.clear()
    for gate in (GatedStore.find_gate, GatedStore.read_gate):
        gate.set()
    GatedStore.restorations = 0
    monkeypatch.setattr("server.Store", GatedStore)
    with serving(tmp_path, mind, resume_s=600) as house:
        yield house, at


def with_token(at: Resumption, token: str) -> Resumption:
    other = deepcopy(at)
    other.token, other.last_seq = token, 0
    return other


def requires_new_session(client: Client, at: Resumption) -> None:
    ready = client.wait_for("ready")
    assert not ready.get("resumed")
    assert ready["session"] != at.session
    assert client.wait_for("error")["code"] == "cannot_resume"


WRONG = ("x" * 32, "", "é" * 400)


@pytest.mark.parametrize("token", WRONG, ids=["other", "empty", "long"])
def test_who_comes_while_it_is_restored_needs_the_token_too(tmp_path, monkeypatch, token):
    with restarted(tmp_path, monkeypatch) as (house, at):
        GatedStore.read_gate.clear()
        with Client(house.url, resume=deepcopy(at)) as owner:
            assert GatedStore.is_reading.wait(20)
            with Client(house.url, resume=with_token(at, token)) as intruder:
                requires_new_session(intruder, at)
                GatedStore.read_gate.set()
                assert owner.wait_for("ready")["resumed"]
                owner.say("what is the fee")
                assert owner.wait_for("reply")["text"]
        assert GatedStore.restorations == 1


def test_a_flood_of_wrong_tokens_takes_nothing_and_restores_nothing(tmp_path, monkeypatch):
    with restarted(tmp_path, monkeypatch) as (house, at):
        GatedStore.find_gate.clear()
        flood = [Client(house.url, resume=with_token(at, "x" * n)) for n in range(3)]
        assert GatedStore.is_finding.wait(20)
        with Client(house.url, resume=deepcopy(at)) as owner, Client(house.url) as other:
            other.wait_for("reply")
            GatedStore.find_gate.set()
            assert owner.wait_for("ready")["resumed"]
        for intruder in flood:
            with intruder:
                requires_new_session(intruder, at)
        assert GatedStore.restorations == 1


def test_two_connections_of_the_owner_share_what_is_restored(tmp_path, monkeypatch):
    with restarted(tmp_path, monkeypatch) as (house, at):
        GatedStore.read_gate.clear()
        with (
            Client(house.url, resume=deepcopy(at)) as first,
            Client(house.url, resume=deepcopy(at)) as second,
        ):
            assert GatedStore.is_reading.wait(20)
            GatedStore.read_gate.set()
            assert first.wait_for("ready")["resumed"]
            assert second.wait_for("ready")["resumed"]
        assert GatedStore.restorations == 1
