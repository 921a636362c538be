"""Somebody at a console, for tests: a blocking client of the console's protocol."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from agent.client import Client
from agent.store.journal import Journal
from agent.store.tables import handoffs
from tests.support.packs import bank_pack
from tests.support.scripted_models import DeafAnalyser, ScriptedMind
from tests.support.serving import Serving, serving

Message = dict[str, Any]
PATIENCE_S = 20
TRANSFER = "transfer 50 dollars from checking to savings"


class Console:
    """One console. A context manager; `got` is everything that has come in and was looked at."""

    def __init__(self, page: str, name: str, token: str = "a", receive: int | None = None) -> None:
        """`page` is the server's address, `receive` how many bytes its receiver holds."""
        host, _, port = page.removeprefix("http://").partition(":")
        wire = socket.socket()
        if receive is not None:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        wire.connect((host, int(port)))
        address = f"ws://{host}:{port}/v1/console"
        self._open = ExitStack()
        line = connect(address, sock=wire, compression=None, max_size=None)
        self._socket = self._open.enter_context(line)
        self.name = name
        self.got: list[Message] = []
        self.send("hello", protocol=1, name=name, token=token)

    def __enter__(self) -> Console:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def send(self, type: str, **fields: object) -> None:
        self._socket.send(json.dumps({"type": type, **fields}))

    def raw(self, data: str | bytes) -> None:
        self._socket.send(data)

    def drop(self) -> None:
        """Lose the connection without a word."""
        self._socket.socket.shutdown(socket.SHUT_RDWR)

    def next(self) -> Message:
        data = self._socket.recv(timeout=PATIENCE_S)
        said = {"type": "sound", "data": data} if isinstance(data, bytes) else json.loads(data)
        self.got.append(said)
        return said

    def wait_for(self, type: str, such: Callable[[Message], object] = lambda _: True) -> Message:
        """The next message of this type that is `such`; what comes before it is in `got`."""
        while True:
            said = self.next()
            if said["type"] == type and such(said):
                return said

    def item(self, kind: str, words: str = "") -> Message:
        """The next line of this kind in which these words are."""
        said = self.wait_for(
            "item", lambda one: one["item"]["kind"] == kind and words in one["item"]["text"]
        )
        return said["item"]

    def closed(self) -> tuple[int, str]:
        """The close code and reason, once the server has ended it."""
        with suppress(ConnectionClosed):
            while True:
                self.next()
        return self._socket.close_code or 0, self._socket.close_reason or ""

    def sync(self) -> list[Message]:
        """Everything that came before the answer to a message sent now."""
        before = len(self.got)
        self.send("watch", session="nowhere")
        self.wait_for("error", lambda one: one["code"] in ("no_session", "not_yours"))
        return self.got[before:]


def noon() -> datetime:
    """A moment at which people are there: a Tuesday, 10 AM in New York."""
    return datetime(2026, 11, 24, 15, 0, tzinfo=UTC)


@contextmanager
def desk(
    state: Path,
    mind: object | None = None,
    today: Callable[[], datetime] = noon,
    **settings: object,
) -> Iterator[Serving]:
    """A server with consoles, deaf; intents are found by words, unless `mind` says otherwise."""
    given = {"agent_token": "a", "supervisor_token": "s", **settings}
    mind = mind or ScriptedMind(bank_pack())
    with serving(state, mind, today=today, analyser=DeafAnalyser(), **given) as running:
        yield running


@contextmanager
def customer(house: Serving, *said: str, **hello: Any) -> Iterator[Client]:
    """A customer who has said something and been answered, each time."""
    with Client(house.url, customer={"id": "100421"}, **hello) as client:
        client.wait_for("reply")
        for text in said:
            client.say(text)
            client.wait_for("reply")
        yield client
        client.end()


@contextmanager
def waiting(house: Serving, *before: str, **hello: Any) -> Iterator[Client]:
    """A customer who has asked for a person."""
    with customer(house, *before, **hello) as client:
        client.say("I want to talk to a person")
        while client.wait_for("handoff")["state"] != "queued":
            pass
        yield client


def queued(console: Console, session: str) -> Message:
    """The entry of this session in the queue, once it is there."""

    def there(said: Message) -> list[Message]:
        return [one for one in said["waiting"] if one["session"] == session]

    (entry,) = there(console.wait_for("queue", there))
    return entry


def accepted(console: Console, session: str) -> Message:
    """Take this one from the queue, and see it opened."""
    entry = queued(console, session)
    console.send("accept", session=session, id=entry["id"])
    return console.wait_for("opened")


def outcome(house: Serving, session: str) -> tuple[str, str]:
    """State and outcome of a session's only hand-over, once what was asked for is written."""
    settle(house)
    with house.server.services.store.engine.connect() as books:
        wanted = select(handoffs.c.state, handoffs.c.outcome).where(handoffs.c.session == session)
        state, said = books.execute(wanted).one()
    return state, said


def settle(house: Serving) -> None:
    """Wait until everything that was to be written is."""
    done = asyncio.run_coroutine_threadsafe(written(house.server.services.journal), house.loop)
    done.result(20)


async def written(journal: Journal) -> None:
    await journal.submit(lambda: None)
