"""One customer's websocket connection, attached to a conversation.

Reads and checks hello, begins or resumes a conversation (agent/runtime/registry.py), and then turns
messages into inputs. Queues are bounded; a client that does not read is disconnected and may
resume; a failure here ends this connection alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from websockets.asyncio.server import ServerConnection

from agent.core.effects import CloseSession
from agent.core.inputs import AudioReceived, Input, TextReceived
from agent.privacy.detection import PrivateSpan
from agent.runtime.conversation import LiveConversation
from agent.runtime.outbound import OutboundQueue
from agent.runtime.registry import CannotResume, ConversationRegistry
from agent.runtime.services import Services
from agent.runtime.socket_peer import MISTAKES_TEXT, SocketPeer, role_of_token
from agent.runtime.typed_text import TypingBudget
from agent.wire.messages import AudioFormat, Hello
from agent.wire.native import NativeDecoder
from agent.wire.native_encoder import NativeEncoder
from agent.wire.parsing import (
    CLOSE_NOT_ALLOWED,
    CLOSE_OVERLOADED,
    AudioFrames,
    WireError,
)
from audio.codecs import quantise
from audio.types import RATE, VOICE_HOP
from audio.voice_input import VoiceHops, VoiceInput

FLUSH_TIMEOUT_S = 1.0  # to send the messages that were queued before a conversation failed


class ClientConnection:
    """One websocket, and the conversation it is attached to."""

    def __init__(
        self, services: Services, registry: ConversationRegistry, socket: ServerConnection
    ) -> None:
        self.services = services
        self.registry = registry
        self.socket = socket
        self._peer = SocketPeer(socket, services.metrics)
        self.decoder = NativeDecoder()
        self.encoder = NativeEncoder()
        self.conversation: LiveConversation | None = None
        self.streams = 0  # legs of live audio
        self._typing_budget = TypingBudget()
        self._outbound = OutboundQueue(
            socket, self.encoder, services.settings.max_outbox, services.settings.write_s
        )

    @property
    def id(self) -> str:
        """The session's id; empty before there is one."""
        return self.conversation.id if self.conversation else ""

    @property
    def now(self) -> float:
        """Session seconds; 0 before there is a session."""
        return self.conversation.now if self.conversation else 0.0

    async def run(self) -> None:
        """Serve the connection until either side ends it."""
        try:
            await self._peer.run(self._read_messages, "you read more slowly than we answer")
        finally:
            if self.conversation is not None:
                self.conversation.detach(self._outbound)

    # -- inbound messages ----------------------------------------------------------------------

    async def _read_messages(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        try:
            hello = await self._read_hello()
        except WireError as error:
            await self._peer.refuse(error, self.encoder.error(self.now, error))
            return
        intake = await self._open_conversation(hello)
        try:
            async for message in self.socket:
                await self._on_message(message, intake)
        finally:
            if intake is not None:
                self.services.engine.close_voice_input(intake)

    async def _on_message(self, message: str | bytes, intake: VoiceInput | None) -> None:
        try:
            decoded = self.decoder.decode(message, self.now)
            if isinstance(decoded, AudioFrames):
                await self._on_audio(intake, decoded)
            elif not isinstance(decoded, Hello):
                await self._apply_once(decoded, self.decoder.client_seq)
        except WireError as error:
            self._send_error(error)

    async def _apply_once(self, event: Input, client_seq: int) -> None:
        """Apply a client message once: after a resume, a client sends all unacknowledged messages
        again."""
        assert self.conversation is not None
        spans: Sequence[PrivateSpan] | None = None
        if isinstance(event, TextReceived):
            spans = await self._prepare_text(event)
            event = replace(event, at=self.now)
        # Only now: the same message may have come by another connection meanwhile.
        if client_seq and client_seq <= (last := self.conversation.client_seq):
            self._outbound.send_text(self.encoder.error(self.now, _old_number_error(last)))
            return
        self.conversation.apply(event, client_seq, spans)
        if client_seq:
            received = self.encoder.received(self.now, client_seq)
            self._outbound.send_text(received, self.conversation.last_durable)

    async def _prepare_text(self, event: TextReceived) -> Sequence[PrivateSpan] | None:
        """Wait until the connection may type this much, and search a long text elsewhere: its
        private spans, or None."""
        assert self.conversation is not None
        wait_s = self._typing_budget.spend(len(event.text), self.services.clock())
        if wait_s:
            await asyncio.sleep(wait_s)
        expectation = self.conversation.expectation_for(event)
        return await self.services.long_texts.spans(event.text, expectation, self.services.pack)

    async def _read_hello(self) -> Hello:
        """The client's hello; WireError when it is none or must be refused."""
        settings = self.services.settings
        hello = await self._peer.receive_hello(
            lambda message: self.decoder.decode(message, 0.0), settings.hello_s
        )
        assert isinstance(hello, Hello)  # `decode` accepts nothing else before it
        is_open = not settings.token.get_secret_value()
        if not is_open and not role_of_token(hello.token, [(True, settings.token)]):
            raise WireError("bad_token", "hello's token is not valid.", CLOSE_NOT_ALLOWED)
        legs = len(hello.audio.legs) if hello.audio else 0
        if legs and self.services.admission.voice_full(legs, self.services.engine.load):
            raise WireError("overloaded", self._busy_text(), CLOSE_OVERLOADED)
        self.streams = legs
        self.services.admission.add_streams(legs)
        return hello

    def _busy_text(self) -> str:
        return f"all lines are busy; try again in {self.services.admission.retry_s} seconds"

    # -- the conversation ----------------------------------------------------------------------

    async def _open_conversation(self, hello: Hello) -> VoiceInput | None:
        if refusal := await self._cannot_resume(hello):
            self._begin_conversation(hello)
            if hello.resume is not None:
                self._send_error(WireError("cannot_resume", f"{refusal} This is a new one."))
        assert self.conversation is not None
        await self.conversation.started.wait()
        audio = hello.audio
        legs = audio.legs if audio else ()
        return (
            self.services.engine.open_voice_input(audio.encoding, audio.rate, legs)
            if audio
            else None
        )

    def _begin_conversation(self, hello: Hello) -> None:
        conversation, token = self.registry.begin(hello)
        self._attach(conversation, hello)
        self._outbound.send_text(self._ready_message(conversation, hello, token))
        self.services.metrics.sessions_opened.labels(hello.channel).inc()

    async def _cannot_resume(self, hello: Hello) -> str:
        """Resume the conversation that hello names; the reason why not, empty when resumed."""
        if hello.resume is None:
            return "No session was named."
        try:
            live = await self.registry.resume(hello.resume)
            _require_same_channel(live, hello)
        except CannotResume as why:
            return str(why)
        missed = await live.messages_after(hello.resume.last_seq)
        self._attach(live, hello)
        ready = self._ready_message(
            live, hello, hello.resume.token, received=live.client_seq, resumed=True
        )
        self._outbound.set_opening_messages(ready, missed, live.last_durable)
        live.resume()
        return ""

    def _attach(self, conversation: LiveConversation, hello: Hello) -> None:
        self.conversation = conversation
        audio = hello.audio if hello.speak else None
        self._outbound.set_audio_format(audio)
        conversation.attach(self._outbound)
        self._tasks.create_task(self._outbound.run_writer(self._count_closed))
        self._tasks.create_task(self._outbound.deliver_end())
        self._tasks.create_task(self._watch_conversation(conversation))
        if audio is not None:
            speech = self._outbound.run_speech(self.services.engine, audio, conversation)
            self._tasks.create_task(speech)

    def _ready_message(
        self, conversation: LiveConversation, hello: Hello, token: str, **more: object
    ) -> str:
        fields = {
            "session": conversation.id,
            "resume_token": token,
            "models": self.services.engine.model_names,
            "audio": _audio_formats(hello.audio, hello.speak),
        }
        return self.encoder.ready(conversation.now, **fields, **more)

    async def _watch_conversation(self, conversation: LiveConversation) -> None:
        """Fail with the conversation, after its last messages have been sent."""
        task = self.registry.task_of(conversation)
        await asyncio.wait([task])
        if not task.cancelled() and (failure := task.exception()) is not None:
            await self._outbound.flush(FLUSH_TIMEOUT_S)
            raise failure

    async def _on_audio(self, intake: VoiceInput | None, frames: AudioFrames) -> None:
        assert intake is not None
        assert self.conversation is not None
        for hops in await self.services.engine.detect_voice(intake, frames.data):
            self.services.metrics.audio_seconds.inc(len(hops.samples) / RATE)
            self.conversation.apply(_audio_received(hops, self.now))
        if (odd_bytes := self.decoder.take_odd_bytes_error()) is not None:
            self._send_error(odd_bytes)

    def _send_error(self, error: WireError) -> None:
        self._outbound.send_text(self.encoder.error(self.now, error))
        if self._peer.count_mistake(error):
            self._outbound.end(CloseSession(CLOSE_NOT_ALLOWED, MISTAKES_TEXT))

    def _count_closed(self, code: int) -> None:
        self.services.metrics.sessions_closed.labels(str(code)).inc()


def _audio_received(hops: VoiceHops, at: float) -> AudioReceived:
    """The input of these hops, with samples rounded to PCM16: models hear exactly what a recording
    can hold."""
    samples = quantise(hops.samples)
    assert len(samples) % VOICE_HOP == 0
    return AudioReceived(at, hops.leg, samples, tuple(round(p, 4) for p in hops.speech))


def _old_number_error(last: int) -> WireError:
    return WireError(
        "old_number",
        f"A message whose n is not above {last}, the last one applied, was not applied; count n up "
        "by one with each message.",
    )


def _require_same_channel(conversation: LiveConversation, hello: Hello) -> None:
    """Raise CannotResume unless hello has the channel and legs the conversation began with."""
    legs = hello.audio.legs if hello.audio else ()
    if (hello.channel, legs) != (conversation.record.channel, tuple(conversation.record.legs)):
        raise CannotResume("A session goes on over the channel it began on.")


def _audio_formats(audio: AudioFormat | None, speak: bool) -> dict[str, object] | None:
    if audio is None:
        return None
    inbound = {"encoding": audio.encoding, "rate": audio.rate, "channels": audio.channels}
    outbound = {"encoding": audio.encoding, "rate": audio.rate, "channels": 1}
    return {"in": {**inbound, "legs": audio.legs}, "out": outbound if speak else None}
