"""One running conversation, whether or not a connection is attached.

A `LiveConversation` is a session with its event recorder, its vault and its effect runner. It goes
on while the customer's connection is lost, and another connection may be attached later; after a
restart it is rebuilt from its rows (agent/runtime/recovery.py). Private values of an input are
replaced first, then its row is written; its messages and actions wait until the row is on disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

from agent.core import events as e
from agent.core.customer_messages import Goodbye, SequencedMessage
from agent.core.records import SessionRecord, utc_text
from agent.core.session import Session
from agent.privacy.vault import Vault
from agent.runtime.audio_recorder import AudioRecorder
from agent.runtime.conversation_status import ConversationStatus
from agent.runtime.effects import EffectRunner
from agent.runtime.event_bus import ConversationChange
from agent.runtime.event_recorder import EventRecorder, JournalPosition
from agent.runtime.outbound import OutboundQueue
from agent.runtime.services import Services
from agent.runtime.timers import ConversationTimers
from agent.wire.parsing import CLOSE_REPLACED
from audio.codecs import encode
from audio.types import RATE, VOICE_HOP
from dialogs.agent_assist import SuggestedReply, suggest_replies
from dialogs.values import ConsoleRole


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
        self.record = record
        self._services = services
        self._session = session
        self._vault = vault
        began_at = datetime.fromisoformat(record.began_at)
        self.customer_connected = False
        self.shut_down = False
        self.started = asyncio.Event()  # set when the first input or the recovery has been applied
        self._audio_listeners: set[asyncio.Queue[bytes]] = set()
        self._clock_zero = services.clock() - max(
            last_input_at, _seconds_between(began_at, services.wall_now())
        )
        self._outbound: OutboundQueue | None = None
        self._last_audio_at = last_input_at  # when the last audio came, in session seconds
        self._speech_started_at = 0.0
        self._tasks: asyncio.TaskGroup | None = None
        self._audio_recorder = AudioRecorder(
            services.store, services.journal, record, services.pack.privacy, positions
        )
        self._recorder = EventRecorder(
            services, self.id, vault, token, position or JournalPosition()
        )
        self._timers = ConversationTimers(services, self.id, session, lambda: self.now, self.apply)
        self._effect_runner = EffectRunner(
            services, record, session, vault, self._timers, lambda: self.now, self.apply
        )

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def now(self) -> float:
        """Seconds since this session began."""
        return self._services.clock() - self._clock_zero

    async def run(self, begin: Callable[[], None]) -> None:
        """Run until the conversation is over. `begin` applies the first input, or re-issues what a
        stopped process left open."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(self._timers.run())
                begin()
                self.started.set()
        except* ConversationOver:
            pass
        finally:
            self.shut_down = True
            self.started.set()
            self._services.engine.end_session(self.id)
            self._recorder.flush_audio()
            self._audio_recorder.stop()
            if self._session.closed:
                self._record_end()

    def _record_end(self) -> None:
        store, now = self._services.store, utc_text(self._services.wall_now())
        self._services.journal.submit(lambda: store.end_session(self.id, now))
        self._services.journal.submit(lambda: store.mark_disconnected(self.id))
        if self._session.ownership.is_with_person:  # the customer left while a person was there
            for number in self._session.ownership.open_handoffs:
                self._services.journal.submit(
                    partial(store.finish_handoff, self.id, number, "left", now)
                )
        self._services.event_bus.publish(ConversationChange(self.id, "closed"))

    # -- status --------------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether the conversation has ended."""
        return self._session.closed

    def status(self) -> ConversationStatus:
        """The conversation as it stands now."""
        record, session = self.record, self._session
        ownership = session.ownership
        return ConversationStatus(
            id=record.id,
            channel=record.channel,
            customer=record.customer,
            began_at=record.began_at,
            lasts_s=self.now,
            is_over=session.closed,
            customer_connected=self.customer_connected,
            is_customer_away=session.is_customer_away,
            has_voice=record.speak and "customer" in record.legs,
            owner=ownership.owner,
            person_name=ownership.person_name,
            open_handoffs=ownership.open_handoffs,
            customer_turns=tuple(
                (turn.at, turn.understanding)
                for turn in session.history.turns
                if turn.leg == "customer"
            ),
            misses=session.state.misses,
        )

    async def suggested_replies(self) -> tuple[SuggestedReply, ...]:
        """Replies that the person who owns the conversation may want to send."""
        session = self._session
        return await asyncio.to_thread(
            suggest_replies,
            self._services.pack,
            session.state,
            session.history,
            session.dialogue.today,
        )

    # -- what people do ------------------------------------------------------------------------

    def take_over(self, name: str, role: ConsoleRole) -> None:
        """Give the conversation to this person, where the rules of ownership allow it."""
        self.apply(e.PersonTookOver(self.now, name, role))

    def say_as(self, name: str, text: str) -> None:
        """Send the customer a text of this person, who owns the conversation."""
        self.apply(e.PersonTextReceived(self.now, name, text))

    def hand_back(self, name: str) -> None:
        """Give the conversation back to the bot, from this person, who owns it."""
        self.apply(e.PersonHandedBack(self.now, name))

    def end_as(self, name: str, outcome: str) -> None:
        """End the conversation for this person, who owns it."""
        self.apply(e.PersonEndedSession(self.now, name, outcome))

    def lose_person(self, name: str) -> None:
        """Go on without this person, whose console was lost: another one is asked for."""
        self.apply(e.PersonLost(self.now, name))

    def start_queue_timeout(self, number: int, since: float) -> None:
        """Let the customer wait for this handoff, which was queued at session second `since`."""
        self._timers.start_queue_timeout(number, since)

    def extend_queue_timeouts(self) -> None:
        """Let the customer wait in the queue as long as the pack allows: a person has come."""
        self._timers.extend_queue_timeouts()

    def add_audio_listener(self, queue: asyncio.Queue[bytes]) -> None:
        """Put the customer's audio into this queue, as 16 kHz PCM16; a full one loses audio."""
        self._audio_listeners.add(queue)

    def remove_audio_listener(self, queue: asyncio.Queue[bytes]) -> None:
        self._audio_listeners.discard(queue)

    # -- connections ---------------------------------------------------------------------------

    def attach(self, outbound: OutboundQueue) -> None:
        """Attach the customer's connection; an earlier one is closed with CLOSE_REPLACED."""
        if self._outbound is not None:
            self._outbound.end(
                e.CloseSession(CLOSE_REPLACED, "this conversation goes on in another connection")
            )
        self._outbound, self.customer_connected = outbound, True
        self._timers.end_resume_window()
        self._publish_presence()

    def detach(self, outbound: OutboundQueue) -> None:
        """Detach a connection that is gone; the conversation waits `resume_s` for another."""
        if self._outbound is not outbound:
            return
        self._outbound, self.customer_connected = None, False
        if self._session.closed:
            return
        self._timers.start_resume_window()
        self.apply(e.ConnectionLost(self.now))
        self._publish_presence()

    def _publish_presence(self) -> None:
        store, connected = self._services.store, self.customer_connected
        self._services.journal.submit(lambda: store.set_connected(self.id, connected))
        self._services.event_bus.publish(
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

    def on_speech_sent(self, turn: int, sent_ms: int) -> None:
        """Apply that so much of a turn's spoken replies has been sent to the client."""
        self.apply(e.SpeechSent(self._speech_started_at, turn, sent_ms))

    def on_speech_started(self) -> None:
        """Note the time at which audio of a turn's replies starts."""
        self._speech_started_at = self.now

    def restore_recent_messages(self, lines: Iterable[str]) -> None:
        """After a restart: the written form of the messages sent before, up to the last."""
        self._recorder.restore_recent(lines)

    async def messages_after(self, seq: int) -> list[SequencedMessage]:
        """All messages after number `seq`, with the customer's private values in them."""
        return [self._reveal(one) for one in await self._recorder.messages_after(seq)]

    @property
    def client_seq(self) -> int:
        """The number of the last message of the client's that is recorded."""
        return self._recorder.position.client_seq

    @property
    def last_durable(self) -> asyncio.Future[None] | None:
        """Done when the last row is on disk; None when all were before this process began."""
        return self._recorder.last_durable

    def send_person_audio(self, pcm: bytes, name: str) -> None:
        """Send 16 kHz PCM16 of a person to the customer, if that person owns the conversation;
        empty `pcm` when the person pauses or has to stop."""
        if self._outbound is not None and (not pcm or self._session.ownership.is_owned_by(name)):
            self._outbound.send_person_audio(pcm, name, self.now)

    # -- inputs --------------------------------------------------------------------------------

    def apply(self, event: e.Input, client_seq: int = 0) -> None:
        """Apply one input, at `self.now`: replace private values, write its row, run its effects.
        `client_seq` is the client's number of its message, 0 for none. Inputs are ignored once the
        conversation is over or its process stops."""
        if self._session.closed or self.shut_down:
            return
        hidden = self._vault.pseudonymise(event, self._session.expectation_for(event))
        event = hidden.event
        effects = self._session.receive(event)
        self._audio_recorder.push(event, effects, hidden.redactions)
        if isinstance(event, e.AudioReceived):
            self._forward_audio(event)
            self._last_audio_at = event.at
            # Audio that opens a stream is written at once: turns are numbered in the order of
            # rows.
            if not self._audio_recorder.stream_started and all(
                isinstance(effect, e.FeedEncoder) for effect in effects
            ):
                self._recorder.coalesce_audio(event)
                self._run_effects(effects, None, [])
                return
        durable, messages = self._recorder.record(event, effects, client_seq, hidden.redactions)
        self._run_effects(effects, durable, messages)
        self._timers.rearm()

    def _forward_audio(self, event: e.AudioReceived) -> None:
        if event.leg != "customer" or not self._audio_listeners:
            return
        pcm = encode(event.samples, "pcm_s16le")
        for listener in self._audio_listeners:
            with suppress(asyncio.QueueFull):
                listener.put_nowait(pcm)

    # -- effects -------------------------------------------------------------------------------

    def _run_effects(
        self,
        effects: list[e.Effect],
        durable: asyncio.Future[None] | None,
        messages: list[list[SequencedMessage]],
    ) -> None:
        for number, effect in enumerate(effects):
            of_effect = messages[number] if messages else []
            if isinstance(effect, e.CloseSession):
                self._close(effect, of_effect, durable)
                continue
            if self._outbound is not None:
                for message in of_effect:
                    self._outbound.send_message(self._reveal(message), durable)
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
        self,
        effect: e.CloseSession,
        last_messages: list[SequencedMessage],
        durable: asyncio.Future[None] | None,
    ) -> None:
        assert self._tasks is not None
        if self._outbound is not None:
            self._outbound.end(effect, [self._reveal(one) for one in last_messages], durable)
        self._tasks.create_task(self._end_tasks())

    def end_because_erased(self) -> None:
        """End the conversation, because its stored data was erased and no more may be stored."""
        if self.shut_down or self._session.closed:
            return
        assert self._tasks is not None
        self._session.close()
        if self._outbound is not None:
            reason = "the data of this conversation has been erased"
            next_seq = self._recorder.position.server_seq + 1
            goodbye = SequencedMessage(next_seq, self.now, Goodbye(reason))
            self._outbound.end(e.CloseSession(1000, reason), [goodbye])
        self._tasks.create_task(self._end_tasks())

    def _reveal(self, numbered: SequencedMessage) -> SequencedMessage:
        return replace(numbered, message=self._vault.reveal_in_message(numbered.message))

    async def _end_tasks(self) -> None:
        await self._effect_runner.wait_unfinished()
        raise ConversationOver


def _seconds_between(since: datetime, now: datetime) -> float:
    return (now - since).total_seconds()
