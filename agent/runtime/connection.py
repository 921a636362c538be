"""One customer's websocket connection, attached to a conversation.

Reads and checks hello, begins or resumes a conversation (agent/runtime/registry.py), and then turns
messages into inputs. Queues are bounded; a client that does not read is disconnected and may
resume; a failure here ends this connection alone.
"""

from __future__ import annotations

import asyncio
import secrets

import numpy as np
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from agent.core import events as e
from agent.runtime.conversation import ConversationOver, LiveConversation
from agent.runtime.outbound import OutboundQueue
from agent.runtime.registry import CannotResume, ConversationRegistry
from agent.runtime.services import Services
from agent.wire.messages import AudioFormat, Hello
from agent.wire.native import (
    CLOSE_NOT_ALLOWED,
    CLOSE_OVERLOADED,
    AudioFrames,
    NativeWire,
    WireError,
)
from audio.types import RATE, VOICE_HOP
from audio.voice_input import VoiceHops, VoiceInput

FLUSH_TIMEOUT_S = 1.0  # to send the messages that were queued before a conversation failed
MAX_MISTAKES = 20  # of one client; with the last of them it is disconnected
PCM16_FULL_SCALE = np.float32(
    32768
)  # samples are whole multiples of 1 / PCM16_FULL_SCALE, as a recording can hold them


class ClientConnection:
    """One websocket, and the conversation it is attached to."""

    def __init__(
        self, services: Services, registry: ConversationRegistry, socket: ServerConnection
    ) -> None:
        self.services = services
        self.registry = registry
        self.socket = socket
        self.wire = NativeWire()
        self.conversation: LiveConversation | None = None
        self.streams = 0  # legs of live audio
        self._outbound = OutboundQueue(
            socket, services.settings.max_outbox, services.settings.write_s
        )
        self._mistakes = 0

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
            async with asyncio.TaskGroup() as self._tasks:
                await self._read_messages()
                raise ConversationOver
        except* (ConversationOver, ConnectionClosed):
            pass
        except* TimeoutError:
            self.services.metrics.refusals.labels("slow_reader").inc()
            await self.socket.close(CLOSE_NOT_ALLOWED, "you read more slowly than we answer")
        finally:
            if self.conversation is not None:
                self.conversation.detach(self._outbound)

    # -- inbound messages ----------------------------------------------------------------------

    async def _read_messages(self) -> None:
        hello = await self._read_hello()
        if hello is None:
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
            decoded = self.wire.decode(message, self.now)
            if isinstance(decoded, AudioFrames):
                await self._on_audio(intake, decoded)
            elif not isinstance(decoded, Hello):
                self._apply_once(decoded, self.wire.client_seq)
        except WireError as error:
            self._send_error(error)

    def _apply_once(self, event: e.Input, client_seq: int) -> None:
        """Apply a client message once: after a resume, a client sends all unacknowledged messages
        again."""
        assert self.conversation is not None
        if client_seq and client_seq <= self.conversation.recorder.position.client_seq:
            return
        self.conversation.apply(event, client_seq)
        if client_seq:
            received = self.wire.notice("received", self.now, received=client_seq)
            self._outbound.send_message(received, self.conversation.recorder.last_durable)

    async def _read_hello(self) -> Hello | None:
        try:
            async with asyncio.timeout(self.services.settings.hello_s):
                hello = self.wire.decode(await self.socket.recv(), 0.0)
        except TimeoutError:
            await self._refuse(WireError("no_hello", "No hello came in time.", CLOSE_NOT_ALLOWED))
            return None
        except WireError as error:
            await self._refuse(error)
            return None
        assert isinstance(hello, Hello)  # decode lets nothing else through before it
        expected = self.services.settings.token.get_secret_value()
        if expected and not secrets.compare_digest(expected.encode(), hello.token.encode()):
            await self._refuse(
                WireError("bad_token", "hello's token is not valid.", CLOSE_NOT_ALLOWED)
            )
            return None
        legs = len(hello.audio.legs) if hello.audio else 0
        if legs and self.services.admission.voice_full(legs, self.services.engine.load):
            await self._refuse(WireError("overloaded", self._busy_text(), CLOSE_OVERLOADED))
            return None
        self.streams = legs
        self.services.admission.add_streams(legs)
        return hello

    def _busy_text(self) -> str:
        return f"all lines are busy; try again in {self.services.admission.retry_s} seconds"

    async def _refuse(self, error: WireError) -> None:
        self.services.metrics.refusals.labels(error.code).inc()
        await self.socket.send(self.wire.error(error, self.now))
        await self.socket.close(error.close_code or CLOSE_NOT_ALLOWED, error.message[:120])

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
        self._outbound.send_message(self._ready_message(conversation, hello, token))
        self.services.metrics.sessions_opened.labels(hello.channel).inc()

    async def _cannot_resume(self, hello: Hello) -> str:
        """Resume the conversation that hello names; whether that was possible."""
        if hello.resume is None:
            return "No session was named."
        try:
            live = await self.registry.resume(hello.resume)
            _require_same_channel(live, hello)
        except CannotResume as why:
            return str(why)
        missed = await live.recorder.messages_after(hello.resume.last_seq)
        self._attach(live, hello)
        received = live.recorder.position.client_seq
        ready = self._ready_message(
            live, hello, hello.resume.token, received=received, resumed=True
        )
        shown = [live.vault.reveal_in_message(message) for message in missed]
        self._outbound.set_opening_messages(ready, shown, live.recorder.last_durable)
        live.resume()
        return ""

    def _attach(self, conversation: LiveConversation, hello: Hello) -> None:
        self.conversation = conversation
        audio = hello.audio if hello.speak else None
        self._outbound.set_audio_format(audio, conversation.person_speech_message)
        conversation.attach(self._outbound)
        self._tasks.create_task(self._outbound.run_writer(self._count_closed))
        self._tasks.create_task(self._outbound.deliver_end())
        self._tasks.create_task(self._watch_conversation(conversation))
        if audio is not None:
            speech = self._outbound.run_speech(
                self.services.engine,
                audio,
                conversation.speech_message,
                conversation.on_speech_sent,
            )
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
        return self.wire.notice("ready", conversation.now, **fields, **more)

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
        if (odd_bytes := self.wire.take_odd_bytes_error()) is not None:
            self._send_error(odd_bytes)

    def _send_error(self, error: WireError) -> None:
        self.services.metrics.client_errors.labels(error.code).inc()
        self._outbound.send_message(self.wire.error(error, self.now))
        self._mistakes += 1
        if self._mistakes >= MAX_MISTAKES:
            text = f"{MAX_MISTAKES} messages could not be accepted; read the errors and try again"
            self._outbound.end(e.CloseSession(CLOSE_NOT_ALLOWED, text))

    def _count_closed(self, code: int) -> None:
        self.services.metrics.sessions_closed.labels(str(code)).inc()


def _audio_received(hops: VoiceHops, at: float) -> e.AudioReceived:
    """The input of these hops, with samples rounded to PCM16: models hear exactly what a recording
    can hold."""
    samples = np.rint(hops.samples * PCM16_FULL_SCALE)
    np.maximum(
        samples, -PCM16_FULL_SCALE, out=samples
    )  # np.clip takes five times as long on so few
    np.minimum(samples, PCM16_FULL_SCALE - 1, out=samples)
    samples /= PCM16_FULL_SCALE
    assert len(samples) % VOICE_HOP == 0
    return e.AudioReceived(at, hops.leg, samples, tuple(round(p, 4) for p in hops.speech))


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
