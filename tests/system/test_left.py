"""A customer who goes away and does not come back: the conversation ends, whatever it is doing.

Real servers; the time to come back is over at once (`resume_s` is 0).
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import select
from websockets.sync.client import connect

from agent.actions.bank import BankActions
from agent.client import Client
from agent.store.tables import inputs
from tests.support.consoles import Console, accepted, desk, outcome, settle, waiting
from tests.support.packs import bank_pack
from tests.support.serving import Serving

pytestmark = [pytest.mark.socket, pytest.mark.model]

PCM = {"encoding": "pcm_s16le", "rate": 16000, "channels": 1}


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[Serving]:
    with desk(tmp_path_factory.mktemp("state"), resume_s=0) as running:
        yield running


def wait_until_over(house: Serving, session: str, timeout_s: float = 20) -> None:
    """Wait for the end of a conversation's task; it must not last until the server stops."""

    async def over() -> None:
        registry = house.server.registry
        if (conversation := registry.get(session)) is not None:
            await asyncio.wait_for(asyncio.shield(registry.task_of(conversation)), timeout_s)

    asyncio.run_coroutine_threadsafe(over(), house.loop).result(timeout_s + 5)
    settle(house)


def require_ended(house: Serving, session: str, rows: bool = False) -> None:
    """The conversation is over in the process and in the store, and without consent its words are
    gone."""
    wait_until_over(house, session)
    store = house.server.services.store
    assert session not in house.server.registry
    record = store.find_session(session)
    assert (record.state, record.sealed, record.ended_at != "") == ("ended", "", True)
    with store.engine.connect() as books:
        found = books.execute(select(inputs.c.n).where(inputs.c.session == session)).all()
    assert bool(found) == rows


@pytest.mark.parametrize("words", [(), ("what is my balance", "100421")])
def test_a_dropped_conversation_is_over_and_without_consent_its_words_are_gone(house, words):
    with Client(house.url) as client:
        client.wait_for("reply")
        for text in words:
            client.say(text)
            client.wait_for("understanding")
        client.drop_connection()
        require_ended(house, client.resumption.session)


def test_a_recording_with_consent_is_finished(house):
    with Client(house.url, "voice", PCM) as client:
        client.wait_for("reply")
        client.consent(recording=True, emotion=False)
        client._socket.send(bytes(32_000))
        client.say("what are your opening hours")
        client.wait_for("understanding")
        client.drop_connection()
        session = client.resumption.session
        require_ended(house, session, rows=True)
    store = house.server.services.store
    assert session in [one.id for one in store.recorded_sessions()]
    assert sum(one.length for one in store.read_audio(session)) > 0
    assert json.loads(store.read_rows(session)[-1].input)["type"] == "Left"


def test_who_goes_before_hello_is_read_leaves_nothing(house):
    before = set(house.server.registry)
    with connect(house.url) as line:
        line.socket.close()
    with Client(house.url) as client:
        client.wait_for("reply")
        session = client.resumption.session
        assert set(house.server.registry) <= before | {session}
        client.drop_connection()
    require_ended(house, session)


def test_who_goes_right_after_hello_is_let_go(house):
    with connect(house.url) as line:
        line.send('{"type": "hello", "protocol": 1, "channel": "chat"}')
        session = json.loads(line.recv(timeout=10))["session"]
        line.socket.close()
    require_ended(house, session)


def test_a_person_is_told_and_free_for_others(house):
    with Console(house.page, "Ada") as ada, waiting(house) as client:
        accepted(ada, client.resumption.session)
        client.wait_for("owner")
        client.drop_connection()
        assert "did not come back" in ada.wait_for("closed")["reason"]
        require_ended(house, client.resumption.session)
        assert outcome(house, client.resumption.session) == ("ended", "left")


def test_who_waited_for_a_person_can_be_taken_out_of_the_queue(house):
    with Console(house.page, "Ada") as ada, waiting(house) as client:
        session = client.resumption.session
        client.drop_connection()
        require_ended(house, session)

        def has_left(message: dict) -> list[dict]:
            entries = [one for one in message["waiting"] if one["session"] == session]
            return [one for one in entries if not (one["here"] or one["present"])]

        (entry,) = has_left(ada.wait_for("queue", has_left))
        ada.send("accept", session=session, id=entry["id"])
        ada.wait_for(
            "queue", lambda said: session not in [one["session"] for one in said["waiting"]]
        )
        assert outcome(house, session) == ("ended", "gone")


class SlowBank:
    """The built-in bank, which answers when it is let go."""

    def __init__(self, bank: BankActions) -> None:
        self._bank = bank
        self.asked, self.go = threading.Event(), threading.Event()

    def perform(self, call):
        self.asked.set()
        self.go.wait(30)
        return self._bank.perform(call)


def test_what_the_bank_is_doing_is_finished_and_then_it_is_over(tmp_path):
    bank = SlowBank(BankActions(tmp_path / "bank.sqlite3", bank_pack()))
    with desk(tmp_path / "state", resume_s=0, actions=bank) as house, Client(house.url) as client:
        client.wait_for("reply")
        for text in ("check my balance", "100421", "4471"):
            client.say(text)
            client.wait_for("understanding")
        assert bank.asked.wait(20)
        client.drop_connection()
        bank.go.set()
        require_ended(house, client.resumption.session)


def test_a_conversation_that_was_restored_for_nobody_is_over(tmp_path):
    """The client has its token, but comes by another channel: it gets a new conversation."""
    with desk(tmp_path, resume_s=600) as house, Client(house.url) as client:
        client.wait_for("reply")
        client.drop_connection()
        at = client.resumption
    session = at.session
    with (
        desk(tmp_path, resume_s=0) as house,
        Client(house.url, "voice", PCM, resume=at) as client,
    ):
        assert client.wait_for("error")["code"] == "cannot_resume"
        require_ended(house, session)
