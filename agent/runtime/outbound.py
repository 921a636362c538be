"""Bounded outbound queue of one client: messages, audio and the close.

One task writes messages and audio in order. Spoken replies follow one another; a cancelled one
stops within 100 ms. A client that takes too long to read raises TimeoutError (from `run_writer` or
`deliver_end`), which ends its connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from websockets.asyncio.server import ServerConnection

from agent.core.customer_messages import SequencedMessage
from agent.core.effects import CloseSession, SayReplies
from agent.inference.engine import Engine
from agent.wire.interface import CustomerEncoder
from agent.wire.messages import AudioFormat
from audio.codecs import WIDTH, decode, encode
from audio.resample import Resampler
from audio.types import RATE

# A message, audio or the close, and the future that must be done before it is sent.
_Item = tuple[str | bytes | CloseSession, asyncio.Future[None] | None]


class SpeechProgress(Protocol):
    """The conversation, as it is notified while its replies are spoken."""

    @property
    def now(self) -> float:
        """Session seconds."""
        ...

    def on_speech_started(self) -> None:
        """The first audio of a turn's replies is sent now."""
        ...

    def on_speech_sent(self, turn: int, sent_ms: int) -> None:
        """So many milliseconds of a turn's replies have been sent."""
        ...


class OutboundQueue:
    """All that is queued for one client. `run_writer`, `run_speech` and `deliver_end` are tasks of
    its connection."""

    def __init__(
        self, socket: ServerConnection, encoder: CustomerEncoder, limit: int, write_s: float
    ) -> None:
        """`encoder` is the connection's protocol; `limit` is in messages, `write_s` the time that
        a client may take to read one."""
        self._socket = socket
        self._encoder = encoder
        self._write_s = write_s
        self._outbox: asyncio.Queue[_Item] = asyncio.Queue(limit)
        self._opening_messages: list[tuple[str, asyncio.Future[None] | None]] = []
        self._speech_queue: asyncio.Queue[SayReplies] = asyncio.Queue(16)
        self._end_items: asyncio.Future[list[_Item]] = asyncio.get_running_loop().create_future()
        self._format: AudioFormat | None = None
        # for the voice of the person who speaks now
        self._person_resampler: Resampler | None = None
        self._cancelled_through = 0  # speech of turns up to this number is cancelled

    def set_audio_format(self, format: AudioFormat | None) -> None:
        """Set the client's audio format, None when it takes no audio."""
        self._format = format

    def set_opening_messages(
        self, ready: str, messages: Sequence[SequencedMessage], durable: asyncio.Future[None] | None
    ) -> None:
        """Before `run_writer`: send `ready` and then all messages this client missed, unbounded,
        before anything else; the missed ones once `durable` is done."""
        missed = [(self._encoder.message(one), durable) for one in messages]
        self._opening_messages = [(ready, None), *missed]

    def send_message(
        self, message: SequencedMessage, durable: asyncio.Future[None] | None = None
    ) -> None:
        """Queue a message of the conversation, to be sent once `durable` is done. A full queue ends
        the connection."""
        self.send_text(self._encoder.message(message), durable)

    def send_text(self, text: str, durable: asyncio.Future[None] | None = None) -> None:
        """Queue what is encoded already, as `send_message` does."""
        try:
            self._outbox.put_nowait((text, durable))
        except asyncio.QueueFull:
            self._abandon_reader()

    def send_audio(self, audio: bytes) -> None:
        """Queue audio of a person; dropped when the queue is full."""
        with suppress(asyncio.QueueFull):
            self._outbox.put_nowait((audio, None))

    def queue_speech(self, replies: SayReplies) -> None:
        """Queue replies to be spoken after earlier ones. A full queue ends the connection."""
        try:
            self._speech_queue.put_nowait(replies)
        except asyncio.QueueFull:
            self._abandon_reader()

    def _abandon_reader(self) -> None:
        if not self._end_items.done():
            self._end_items.set_exception(TimeoutError("too much is unread"))

    def cancel_speech(self, turn: int) -> None:
        """Cancel the speech of this turn and all earlier ones."""
        self._cancelled_through = max(self._cancelled_through, turn)

    def end(
        self,
        close: CloseSession,
        last_messages: Sequence[SequencedMessage] = (),
        durable: asyncio.Future[None] | None = None,
    ) -> None:
        """Once queued replies have been spoken, send `last_messages` and close the connection."""
        if not self._end_items.done():
            last: list[_Item] = [(self._encoder.message(one), durable) for one in last_messages]
            self._end_items.set_result([*last, (close, durable)])

    async def deliver_end(self) -> None:
        """A task of the connection: wait for `end` and for queued speech, then queue the close."""
        items = await asyncio.shield(self._end_items)
        await self._speech_queue.join()
        for item in items:
            await self._outbox.put(item)

    def send_person_audio(self, pcm: bytes, name: str, at: float) -> None:
        """Queue 16 kHz PCM16 of a person in the client's format; empty `pcm` when the person
        pauses. `at` is the session second."""
        if self._format is None:
            return
        if self._person_resampler is None:
            if not pcm:
                return
            self._person_resampler = Resampler(RATE, self._format.rate)
            self.send_text(self._encoder.speech(at, 0, "start", name))
        if pcm:
            samples = self._person_resampler.push(decode(pcm, "pcm_s16le", 1)[:, 0])
            self.send_audio(encode(samples, self._format.encoding))
        else:
            self._person_resampler = None
            self.send_text(self._encoder.speech(at, 0, "end", name))

    async def flush(self, timeout_s: float) -> None:
        """Wait until all that is queued has been sent, at most `timeout_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._outbox.join()

    async def run_writer(self, on_closed: Callable[[int], None]) -> None:
        """Send what is queued until a `CloseSession`; `on_closed` is called with its code."""
        for message, durable in self._opening_messages:
            await self._send(message, durable)
        self._opening_messages = []
        while True:
            item, durable = await self._outbox.get()
            if isinstance(item, CloseSession):
                await self._wait_durable(durable)
                on_closed(item.code)
                await self._socket.close(item.code, item.reason[:120])
                return
            await self._send(item, durable)
            self._outbox.task_done()

    async def _send(self, item: str | bytes, durable: asyncio.Future[None] | None) -> None:
        await self._wait_durable(durable)
        async with asyncio.timeout(self._write_s):
            await self._socket.send(item)

    async def _wait_durable(self, durable: asyncio.Future[None] | None) -> None:
        if durable is not None:
            await asyncio.shield(durable)  # a client reads nothing that is not on disk

    async def run_speech(
        self, engine: Engine, audio_format: AudioFormat, progress: SpeechProgress
    ) -> None:
        """Synthesise and queue the replies one after the other, and notify `progress`."""
        while True:
            replies = await self._speech_queue.get()
            if replies.turn > self._cancelled_through:
                progress.on_speech_started()
                start = self._encoder.speech(progress.now, replies.turn, "start")
                await self._outbox.put((start, None))
                await self._speak_replies(replies, engine, audio_format, progress)
                end = self._encoder.speech(progress.now, replies.turn, "end")
                await self._outbox.put((end, None))
            self._speech_queue.task_done()

    async def _speak_replies(
        self,
        replies: SayReplies,
        engine: Engine,
        audio_format: AudioFormat,
        progress: SpeechProgress,
    ) -> None:
        text, sent_bytes = " ".join(reply.text for reply in replies.replies), 0
        bytes_per_s = WIDTH[audio_format.encoding] * audio_format.rate
        async for piece in engine.speak(text, audio_format.encoding, audio_format.rate):
            if replies.turn <= self._cancelled_through:
                return
            await self._outbox.put((piece, None))
            sent_bytes += len(piece)
            progress.on_speech_sent(replies.turn, round(1000 * sent_bytes / bytes_per_s))
