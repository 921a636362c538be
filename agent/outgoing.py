"""In which order does a client hear from us, and what if it does not listen?

One bounded queue for messages and audio, written by one task. Spoken replies follow one another; a
hushed one stops at the next 100 ms. A client that takes too long to read raises TimeoutError (from
`write`) or QueueFull (from `message`), which ends its line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from websockets.asyncio.server import ServerConnection

from agent import events as e
from agent.engine import Engine
from agent.wire.messages import Audio
from audio.codecs import WIDTH


class Outgoing:
    """Everything on its way to one client. `write` and `speak` are tasks of its line."""

    def __init__(self, socket: ServerConnection, limit: int, write_s: float) -> None:
        self._socket = socket
        self._write_s = write_s
        self._outbox: asyncio.Queue[str | bytes | e.Close] = asyncio.Queue(limit)
        self._to_speak: asyncio.Queue[e.Say] = asyncio.Queue(16)
        self._hushed = 0  # the last turn that the customer did not want to hear out

    def message(self, message: str) -> None:
        self._outbox.put_nowait(message)

    def say(self, say: e.Say) -> None:
        """Speak these replies after those before them."""
        self._to_speak.put_nowait(say)

    def hush(self, turn: int) -> None:
        """Nothing of this turn or an earlier one is spoken any more."""
        self._hushed = max(self._hushed, turn)

    async def close(self, effect: e.Close, last: Callable[[], list[str]]) -> None:
        """Say what is still to be said, then what `last` makes, then close the socket."""
        await self._to_speak.join()
        for message in last():
            await self._outbox.put(message)
        await self._outbox.put(effect)

    async def write(self, closed: Callable[[int], None]) -> None:
        """Send what is queued until a `Close` comes by; `closed` is told its code."""
        while True:
            item = await self._outbox.get()
            if isinstance(item, e.Close):
                closed(item.code)
                await self._socket.close(item.code, item.reason[:120])
                return
            async with asyncio.timeout(self._write_s):
                await self._socket.send(item)

    async def speak(
        self,
        engine: Engine,
        audio: Audio,
        mark: Callable[[int, str], str],
        sounding: Callable[[int, int], None],
    ) -> None:
        """Turn replies into audio, one after the other.

        `mark` makes the message that a turn's speech starts or ends; `sounding` is told after each
        piece how many milliseconds of a turn have been sent.
        """
        while True:
            say = await self._to_speak.get()
            if say.turn > self._hushed:
                await self._outbox.put(mark(say.turn, "start"))
                await self._utter(say, engine, audio, sounding)
                await self._outbox.put(mark(say.turn, "end"))
            self._to_speak.task_done()

    async def _utter(
        self, say: e.Say, engine: Engine, audio: Audio, sounding: Callable[[int, int], None]
    ) -> None:
        text, sent = " ".join(reply.text for reply in say.replies), 0
        async for piece in engine.speak(text, audio.encoding, audio.rate):
            if say.turn <= self._hushed:
                return
            await self._outbox.put(piece)
            sent += len(piece)
            sounding(say.turn, round(1000 * sent / (WIDTH[audio.encoding] * audio.rate)))
