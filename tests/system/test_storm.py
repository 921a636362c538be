"""A server dies while many talk to it, and all of them come back at once: nobody loses anything.

Real sockets, a real bank and a real store; the server is a process that is killed.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from agent.client import Message, Resumption
from tests.support.mortal import child
from tests.system.test_survival import told

pytestmark = pytest.mark.socket

MANY = 200
SOME = MANY // 4  # have their answer when the server dies; the others have not, or just now
SCRIPT = ("what is my balance", "100421", "4471")


class Customer:
    """Somebody who says one thing after the other, each when the last was answered."""

    def __init__(self) -> None:
        self.at = Resumption("", "", 0)
        self.got: list[Message] = []  # what is numbered, in the order it came
        self.resumed = False
        self._line: ClientConnection | None = None

    async def comes(self, url: str) -> None:
        """For the first time, or again with what they have read so far."""
        self._line = await connect(url, compression=None, open_timeout=None, proxy=None)
        hello: Message = {"type": "hello", "protocol": 1, "channel": "chat"}
        if self.at.session:
            asked = {"session": self.at.session, "token": self.at.token}
            hello["resume"] = asked | {"last_seq": self.at.last_seq}
        await self._line.send(json.dumps(hello))

    async def says(self, text: str) -> None:
        self.at.sent_count += 1
        message = {"type": "text", "text": text, "n": self.at.sent_count}
        self.at.unacknowledged.append(message)
        await self._send(message)

    async def answered(self) -> None:
        """Until what was said has its answer."""
        while not self.has_answer:
            await self._hears()

    async def goes_through(self, until: int = len(SCRIPT)) -> None:
        """The script, from where they are."""
        await self.answered()
        for text in SCRIPT[self.at.sent_count : until]:
            await self.says(text)
            await self.answered()

    async def ends(self) -> None:
        """Say goodbye, and hear everything that is still to be said."""
        await self._send({"type": "end"})
        while self.got[-1]["type"] != "bye":
            await self._hears()
        await self.is_gone()

    async def is_gone(self) -> None:
        assert self._line is not None
        await self._line.close()

    @property
    def has_answer(self) -> bool:
        """The greeting, then one answer each; what is done at the bank takes one more."""
        understood = sum(one["type"] == "understanding" for one in self.got)
        last = self.got[-1] if self.got else {"type": ""}
        if understood < self.at.sent_count or last["type"] != "reply":
            return False
        return not last["step"].endswith("one_moment")

    async def _hears(self) -> None:
        assert self._line is not None
        said: Message = json.loads(await self._line.recv())
        if "received" in said:
            self.at.unacknowledged = [
                one for one in self.at.unacknowledged if one["n"] > said["received"]
            ]
        if said["type"] == "ready":
            self.at.session, self.at.token = said["session"], said["resume_token"]
            self.resumed = said.get("resumed", False)
            for message in self.at.unacknowledged:
                await self._send(message)
        if "seq" in said:
            self.at.last_seq = said["seq"]
            self.got.append(said)

    async def _send(self, message: Message) -> None:
        assert self._line is not None
        await self._line.send(json.dumps(message))


async def storm(state: Path) -> tuple[Customer, list[Customer], int]:
    """One who is left in peace, and those who are not; how many of them had no answer yet."""
    undisturbed, customers = Customer(), [Customer() for _ in range(MANY)]
    with child(state) as (url, process):
        await undisturbed.comes(url)
        await undisturbed.goes_through()
        await undisturbed.ends()
        await asyncio.gather(*(one.comes(url) for one in customers))
        places = [n % len(SCRIPT) for n in range(MANY)]
        begun = zip(customers, places, strict=True)
        await asyncio.gather(*(one.goes_through(until=place) for one, place in begun))
        await asyncio.gather(
            *(one.says(SCRIPT[n]) for one, n in zip(customers, places, strict=True))
        )
        waiting = [asyncio.create_task(one.answered()) for one in customers]
        pending = set(waiting)
        while len(pending) > MANY - SOME:
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        process.kill()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(one is None or isinstance(one, ConnectionClosed) for one in ended)
        cut_off = sum(not one.has_answer for one in customers)
        await asyncio.gather(*(one.is_gone() for one in customers))
    with child(state) as (url, _):
        await asyncio.gather(*(one.comes(url) for one in customers))
        await asyncio.gather(*(one.goes_through() for one in customers))
        await asyncio.gather(*(one.ends() for one in customers))
    return undisturbed, customers, cut_off


def test_two_hundred_come_back_at_once_and_nobody_loses_anything(tmp_path):
    undisturbed, customers, cut_off = asyncio.run(storm(tmp_path))
    assert cut_off, "the server died while it still had to answer"
    wanted = told(undisturbed.got)
    for customer in customers:
        assert customer.resumed
        assert [one["seq"] for one in customer.got] == list(range(1, len(customer.got) + 1))
        assert told(customer.got) == wanted
