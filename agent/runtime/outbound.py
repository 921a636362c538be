"""In which order does a client hear from us, and what if it does not listen?

One bounded queue for messages and audio, written by one task. Spoken replies follow one another; a
hushed one stops at the next 100 ms. A client that takes too long to read raises TimeoutError (from
`write` or `farewell`), which ends its line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from websockets.asyncio.server import ServerConnection

from agent.core import events as e
from agent.inference.engine import Engine
from agent.wire.messages import Audio
from audio.codecs import WIDTH, decode, encode
from audio.resample import Resampler
from audio.types import RATE

# A message, sound or the end; not before the future is done.
_Item = tuple[str | bytes | e.Close, asyncio.Future[None] | None]


class Outgoing:
    """Everything on its way to one client. `write` and `speak` are tasks of its line."""

    def __init__(self, socket: ServerConnection, limit: int, write_s: float) -> None:
        self._socket = socket
        self._write_s = write_s
        self._outbox: asyncio.Queue[_Item] = asyncio.Queue(limit)
        self._first: list[tuple[str, asyncio.Future[None] | None]] = []
        self._to_speak: asyncio.Queue[e.Say] = asyncio.Queue(16)
        self._ending: asyncio.Future[list[_Item]] = asyncio.get_running_loop().create_future()
        self._format: Audio | None = None
        self._marked: Callable[[str, str], str] = lambda name, state: ""
        self._persons: Resampler | None = None  # of the person who is speaking
        self._hushed = 0  # the last turn that the customer did not want to hear out

    def opens(self, format: Audio | None, marked: Callable[[str, str], str]) -> None:
        """`format` is how the client hears, None when it does not; `marked` makes the message that
        the voice of a person, by name, starts or ends."""
        self._format, self._marked = format, marked

    def begins(self, ready: str, missed: Sequence[str], kept: asyncio.Future[None] | None) -> None:
        """Before `write`: `ready` and what this client has missed, however much, come before all
        else; what was missed not before `kept` is done."""
        self._first = [(ready, None), *((message, kept) for message in missed)]

    def message(self, message: str, kept: asyncio.Future[None] | None = None) -> None:
        """Send this after what came before it, and not before `kept` is done. A client that has
        left too much unread is given up."""
        try:
            self._outbox.put_nowait((message, kept))
        except asyncio.QueueFull:
            self._give_up()

    def sound(self, piece: bytes) -> None:
        """Sound of a person: what a slow reader has no room for is dropped."""
        with suppress(asyncio.QueueFull):
            self._outbox.put_nowait((piece, None))

    def say(self, say: e.Say) -> None:
        """Speak these replies after those before them. A client that has left too many unheard is
        given up."""
        try:
            self._to_speak.put_nowait(say)
        except asyncio.QueueFull:
            self._give_up()

    def _give_up(self) -> None:
        if not self._ending.done():
            self._ending.set_exception(TimeoutError("too much is unread"))

    def hush(self, turn: int) -> None:
        """Nothing of this turn or an earlier one is spoken any more."""
        self._hushed = max(self._hushed, turn)

    def end(
        self, effect: e.Close, last: Sequence[str] = (), kept: asyncio.Future[None] | None = None
    ) -> None:
        """Once what is still to be said has been said: `last`, then the end of this connection."""
        if not self._ending.done():
            self._ending.set_result([*((message, kept) for message in last), (effect, kept)])

    async def farewell(self) -> None:
        """A task of the line: waits until there is an end, and lets what comes before it go out."""
        last = await asyncio.shield(self._ending)
        await self._to_speak.join()
        for item in last:
            await self._outbox.put(item)

    def person(self, pcm: bytes, name: str) -> None:
        """16 kHz PCM16 of a person, in the client's format; empty when they pause."""
        if self._format is None:
            return
        if self._persons is None:
            if not pcm:
                return
            self._persons = Resampler(RATE, self._format.rate)
            self.message(self._marked(name, "start"))
        if pcm:
            samples = self._persons.push(decode(pcm, "pcm_s16le", 1)[:, 0])
            self.sound(encode(samples, self._format.encoding))
        else:
            self._persons = None
            self.message(self._marked(name, "end"))

    async def flush(self, patience_s: float) -> None:
        """Wait until everything is on its way, but not for ever."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._outbox.join()

    async def write(self, closed: Callable[[int], None]) -> None:
        """Send what is queued until a `Close` comes by; `closed` is told its code."""
        for message, kept in self._first:
            await self._send(message, kept)
        self._first = []
        while True:
            item, kept = await self._outbox.get()
            if isinstance(item, e.Close):
                await self._settled(kept)
                closed(item.code)
                await self._socket.close(item.code, item.reason[:120])
                return
            await self._send(item, kept)
            self._outbox.task_done()

    async def _send(self, item: str | bytes, kept: asyncio.Future[None] | None) -> None:
        await self._settled(kept)
        async with asyncio.timeout(self._write_s):
            await self._socket.send(item)

    async def _settled(self, kept: asyncio.Future[None] | None) -> None:
        if kept is not None:
            await asyncio.shield(kept)  # what a client has read is on disk

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
                await self._outbox.put((mark(say.turn, "start"), None))
                await self._utter(say, engine, audio, sounding)
                await self._outbox.put((mark(say.turn, "end"), None))
            self._to_speak.task_done()

    async def _utter(
        self, say: e.Say, engine: Engine, audio: Audio, sounding: Callable[[int, int], None]
    ) -> None:
        text, sent = " ".join(reply.text for reply in say.replies), 0
        async for piece in engine.speak(text, audio.encoding, audio.rate):
            if say.turn <= self._hushed:
                return
            await self._outbox.put((piece, None))
            sent += len(piece)
            sounding(say.turn, round(1000 * sent / (WIDTH[audio.encoding] * audio.rate)))
