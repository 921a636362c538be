"""One running conversation, whether or not a connection is attached.

A `LiveConversation` is a session with its event recorder, its vault and its effect runner. It goes
on while the customer's connection is lost, and another connection may be attached later; after a
restart it is rebuilt from its rows (agent/runtime/recovery.py). Private values of an input are
replaced first, then its row is written; its messages and actions wait until the row is on disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial

from agent.core import events as e
from agent.core.session import Session
from agent.privacy.vault import Vault
from agent.runtime.audio_recorder import AudioRecorder
from agent.runtime.effects import EffectRunner
from agent.runtime.event_bus import ConversationChange
from agent.runtime.event_recorder import EventRecorder, JournalPosition
from agent.runtime.outbound import OutboundQueue
from agent.runtime.services import Services, utc_text
from agent.runtime.timers import ConversationTimers
from agent.store import SessionRecord
from agent.wire.native import NativeWire
from audio.types import RATE, VOICE_HOP

CLOSE_REPLACED = 4001  # close code: the same conversation was resumed on another connection


class ConversationOver(Exception):
    """Raised inside a conversation's task group to end its tasks: the conversation is over."""


class LiveConversation:
    """One conversation of this process. It lasts as long as `run`; everything else is called from
    its event loop."""

    def __init__(
        self,
        services: Services,
        record: SessionRecord,
        session: Session,
        vault: Vault,
        token: str,
        position: JournalPosition | None = None,
        last_input_at: float = 0.0,
        positions: Mapping[str, int] | None = None,
    ) -> None:
        """After a restart, `last_input_at` is the time of its last input in session seconds, and
        `positions` the next sample of each leg."""
        self.services = services
        self.record = record
        self.session = session
        self.vault = vault
        self.began_at = datetime.fromisoformat(record.began_at)
        self.customer_connected = False
        self.shut_down = False
        self.started = asyncio.Event()  # set when the first input or the recovery has been applied
        self.audio_listeners: set[asyncio.Queue[bytes]] = set()
        self._clock_zero = services.clock() - max(
            last_input_at, _seconds_between(self.began_at, services.wall_now())
        )
        self._outbound: OutboundQueue | None = None
        self._last_audio_at = last_input_at  # when the last audio came, in session seconds
        self._speech_started_at = 0.0
        self._tasks: asyncio.TaskGroup | None = None
        self._audio_recorder = AudioRecorder(
            services.store, services.journal, record, services.pack.privacy, positions
        )
        position = position or JournalPosition()
        self._wire = NativeWire(position.server_seq)
        self.recorder = EventRecorder(services, self.id, vault, token, position, self._wire)
        self.timers = ConversationTimers(services, self.id, session, lambda: self.now, self.apply)
        self._effect_runner = EffectRunner(
            services, record, session, vault, self.timers, lambda: self.now, self.apply
        )

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def now(self) -> float:
        """Seconds since this session began."""
        return self.services.clock() - self._clock_zero

    async def run(self, begin: Callable[[], None]) -> None:
        """Run until the conversation is over. `begin` applies the first input, or re-issues what a
        stopped process left open."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(self.timers.run())
                begin()
                self.started.set()
        except* ConversationOver:
            pass
        finally:
            self.shut_down = True
            self.started.set()
            self.services.engine.end_session(self.id)
            self.recorder.flush_audio()
            self._audio_recorder.stop()
            if self.session.closed:
                self._record_end()

    def _record_end(self) -> None:
        store, now = self.services.store, utc_text(self.services.wall_now())
        self.services.journal.submit(lambda: store.end_session(self.id, now))
        self.services.journal.submit(lambda: store.mark_disconnected(self.id))
        if self.session.ownership.is_with_person:  # the customer left while a person was there
            for number in self.session.ownership.open_handoffs:
                self.services.journal.submit(
                    partial(store.finish_handoff, self.id, number, "left", now)
                )
        self.services.event_bus.publish(ConversationChange(self.id, "closed"))

    # -- connections ---------------------------------------------------------------------------

    def attach(self, outbound: OutboundQueue) -> None:
        """Attach the customer's connection; an earlier one is closed with CLOSE_REPLACED."""
        if self._outbound is not None:
            self._outbound.end(
                e.CloseSession(CLOSE_REPLACED, "this conversation goes on in another connection")
            )
        self._outbound, self.customer_connected = outbound, True
        self.timers.end_resume_window()
        self._publish_presence()

    def detach(self, outbound: OutboundQueue) -> None:
        """Detach a connection that is gone; the conversation waits `resume_s` for another."""
        if self._outbound is not outbound:
            return
        self._outbound, self.customer_connected = None, False
        if self.session.closed:
            return
        self.timers.start_resume_window()
        self.apply(e.ConnectionLost(self.now))
        self._publish_presence()

    def _publish_presence(self) -> None:
        store, connected = self.services.store, self.customer_connected
        self.services.journal.submit(lambda: store.set_connected(self.id, connected))
        self.services.event_bus.publish(
            ConversationChange(self.id, "back" if connected else "away")
        )

    def resume(self) -> None:
        """Go on after another connection has been attached; audio lost meanwhile is skipped."""
        missed_samples = 0
        if self.record.legs:
            missed_samples = (
                max(0, int((self.now - self._last_audio_at) * RATE)) // VOICE_HOP * VOICE_HOP
            )
        self.apply(e.ConnectionResumed(self.now, missed_samples))

    def person_speech_message(self, name: str, state: str) -> str:
        """The message that a person's voice starts or ends."""
        return self._wire.notice("speech", self.now, turn=0, state=state, by=name)

    def on_speech_sent(self, turn: int, sent_ms: int) -> None:
        """Apply that so much of a turn's spoken replies has been sent to the client."""
        self.apply(e.SpeechSent(self._speech_started_at, turn, sent_ms))

    def speech_message(self, turn: int, state: str) -> str:
        """The message that a turn's spoken replies start or end; notes the time of the start."""
        self._speech_started_at = self.now if state == "start" else self._speech_started_at
        return self._wire.notice("speech", self.now, turn=turn, state=state)

    def send_person_audio(self, pcm: bytes, name: str) -> None:
        """Send 16 kHz PCM16 of a person to the customer, if that person owns the conversation;
        empty `pcm` when the person pauses or has to stop."""
        if self._outbound is not None and (not pcm or self.session.ownership.is_owned_by(name)):
            self._outbound.send_person_audio(pcm, name)

    # -- inputs --------------------------------------------------------------------------------

    def apply(self, event: e.Input, client_seq: int = 0) -> None:
        """Apply one input, at `self.now`: replace private values, write its row, run its effects.
        `client_seq` is the client's number of its message, 0 for none. Inputs are ignored once the
        conversation is over or its process stops."""
        if self.session.closed or self.shut_down:
            return
        hidden = self.vault.pseudonymise(event, self.session.expectation_for(event))
        event = hidden.event
        effects = self.session.receive(event)
        self._audio_recorder.push(event, effects, hidden.redactions)
        if isinstance(event, e.AudioReceived):
            self._forward_audio(event)
            self._last_audio_at = event.at
            # Audio that opens a stream is written at once: turns are numbered in the order of
            # rows.
            if not self._audio_recorder.stream_started and all(
                isinstance(effect, e.FeedEncoder) for effect in effects
            ):
                self.recorder.coalesce_audio(event)
                self._run_effects(effects, None, [])
                return
        durable, messages = self.recorder.record(event, effects, client_seq, hidden.redactions)
        self._run_effects(effects, durable, messages)
        self.timers.rearm()

    def _forward_audio(self, event: e.AudioReceived) -> None:
        if event.leg != "customer" or not self.audio_listeners:
            return
        pcm = (event.samples * 32767).astype("<i2").tobytes()
        for listener in self.audio_listeners:
            with suppress(asyncio.QueueFull):
                listener.put_nowait(pcm)

    # -- effects -------------------------------------------------------------------------------

    def _run_effects(
        self,
        effects: list[e.Effect],
        durable: asyncio.Future[None] | None,
        messages: list[list[str]],
    ) -> None:
        for number, effect in enumerate(effects):
            of_effect = messages[number] if messages else []
            if isinstance(effect, e.CloseSession):
                self._close(effect, of_effect, durable)
                continue
            if self._outbound is not None:
                for message in of_effect:
                    self._outbound.send_message(self.vault.reveal_in_message(message), durable)
            self._run_effect(effect, durable)

    def _run_effect(self, effect: e.Effect, durable: asyncio.Future[None] | None) -> None:
        assert self._tasks is not None
        match effect:
            case e.StopSpeech(turn) if self._outbound is not None:
                self._outbound.cancel_speech(turn)
            case e.SayReplies(speak=True) if self._outbound is not None:
                self._outbound.queue_speech(effect)
            case _:
                self._effect_runner.run(effect, durable, self._tasks)

    def reissue_effect(self, effect: e.Effect) -> None:
        """Run again an effect that a stopped process did not finish; its row is on disk."""
        self._run_effect(effect, None)

    def _close(
        self, effect: e.CloseSession, last_messages: list[str], durable: asyncio.Future[None] | None
    ) -> None:
        assert self._tasks is not None
        if self._outbound is not None:
            self._outbound.end(
                effect, [self.vault.reveal_in_message(one) for one in last_messages], durable
            )
        self._tasks.create_task(self._end_tasks())

    def end_because_erased(self) -> None:
        """End the conversation, because its stored data was erased and no more may be stored."""
        if self.shut_down or self.session.closed:
            return
        assert self._tasks is not None
        self.session.closed = True
        if self._outbound is not None:
            close = e.CloseSession(1000, "the data of this conversation has been erased")
            self._outbound.end(close, self._wire.encode(close, self.now))
        self._tasks.create_task(self._end_tasks())

    async def _end_tasks(self) -> None:
        await self._effect_runner.wait_unfinished()
        raise ConversationOver


def _seconds_between(since: datetime, now: datetime) -> float:
    return (now - since).total_seconds()
