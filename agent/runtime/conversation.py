"""One running conversation, whether or not a connection is attached.

A `LiveConversation` is a session with its event recorder, its vault and its effect runner. It goes
on while the customer's connection is lost, and another connection may be attached later; after a
restart it is rebuilt from its rows (agent/runtime/recovery.py). Private values of an input are
replaced first, then its row is written; its messages and actions wait until the row is on disk.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from agent.core.customer_messages import Goodbye, SequencedMessage
from agent.core.effects import CloseSession, Effect, FeedEncoder
from agent.core.inputs import (
    AudioReceived,
    AvailabilityChanged,
    ConnectionLost,
    ConnectionResumed,
    DigitsReceived,
    Input,
    SpeechSent,
    TextReceived,
)
from agent.core.json_reading import MAX_INTEGER
from agent.core.records import SessionRecord
from agent.core.session import Session
from agent.privacy.detection import PrivateSpan
from agent.privacy.vault import Vault
from agent.runtime.audio_listeners import AudioListeners
from agent.runtime.audio_recorder import AudioRecorder
from agent.runtime.conversation_status import ConversationStatus, conversation_status
from agent.runtime.customer_delivery import CustomerDelivery
from agent.runtime.effect_runner import ConversationOver, EffectRunner
from agent.runtime.event_recorder import EventRecorder, JournalPosition
from agent.runtime.outbound import OutboundQueue
from agent.runtime.services import Services
from agent.runtime.timers import ConversationTimers
from audio.types import RATE, VOICE_HOP, Expectation
from dialogs.agent_assist import SuggestedReply, suggest_replies

AVAILABILITY_INTERVAL_S = 5.0  # between two looks, with audio, whether a person could take over


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
        self.shut_down = False
        self._failure: BaseException | None = None  # why something of it could not be stored
        self._failed = asyncio.Event()
        self.started = asyncio.Event()  # set when the first input or the recovery has been applied
        self.audio_listeners = AudioListeners()
        self._clock_zero = services.clock() - max(
            last_input_at, _seconds_between(began_at, services.wall_now())
        )
        self._last_audio_at = last_input_at  # when the last audio came, in session seconds
        self._speech_started_at = 0.0
        self._availability_known_until = -math.inf  # in session seconds
        self._audio_recorder = AudioRecorder(
            services.store, services.journal, record, services.pack.privacy, positions
        )
        self._recorder = EventRecorder(
            services, self.id, vault, token, position or JournalPosition(), self.fail
        )
        self._delivery = CustomerDelivery(services, self.id, vault)
        self._timers = ConversationTimers(services, self.id, session, lambda: self.now, self.apply)
        self._effect_runner = EffectRunner(
            services,
            record,
            session,
            vault,
            self._delivery,
            self._timers,
            lambda: self.now,
            self.apply,
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
            async with asyncio.TaskGroup() as tasks:
                self._effect_runner.start(tasks)
                tasks.create_task(self._timers.run())
                tasks.create_task(self._raise_failure())
                if not self._delivery.is_connected:  # recovered: its client may be gone again
                    self._timers.start_resume_window()
                begin()
                self.started.set()
        except* ConversationOver:
            pass
        finally:
            self.shut_down = True
            self.started.set()
            self._services.engine.end_session(self.id)
            if self._failure is None:
                self._recorder.flush_audio()
            self._audio_recorder.stop()
            if self._session.closed:
                self._recorder.record_end(self._session.ownership, self.record.customer)

    # -- status --------------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether the conversation has ended."""
        return self._session.closed

    def status(self) -> ConversationStatus:
        """The conversation as it stands now."""
        return conversation_status(
            self.record, self._session, self.now, self._delivery.is_connected
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

    # -- queue --------------------------------------------------------------------------------

    def start_queue_timeout(self, number: int, since: float) -> None:
        """Let the customer wait for this handoff, which was queued at session second `since`."""
        self._timers.start_queue_timeout(number, since)

    def extend_queue_timeouts(self) -> None:
        """Let the customer wait in the queue as long as the pack allows: a person has come."""
        self._timers.extend_queue_timeouts()

    # -- connections ---------------------------------------------------------------------------

    def attach(self, outbound: OutboundQueue) -> None:
        """Attach the customer's connection; an earlier one is closed with CLOSE_REPLACED."""
        self._delivery.attach(outbound)
        self._timers.end_resume_window()
        self._delivery.publish_presence()

    def detach(self, outbound: OutboundQueue) -> None:
        """Detach a connection that is gone; the conversation waits `resume_s` for another."""
        if not self._delivery.detach(outbound) or self._session.closed:
            return
        self._timers.start_resume_window()
        self.apply(ConnectionLost(self.now))
        self._delivery.publish_presence()

    def resume(self) -> None:
        """Go on after another connection has been attached; audio lost meanwhile is skipped."""
        missed_samples = 0
        if self.record.legs:
            missed = int((self.now - self._last_audio_at) * RATE)
            missed_samples = min(max(0, missed), MAX_INTEGER) // VOICE_HOP * VOICE_HOP
        self.apply(ConnectionResumed(self.now, missed_samples))

    def on_speech_sent(self, turn: int, sent_ms: int) -> None:
        """Apply that so much of a turn's spoken replies has been sent to the client."""
        self.apply(SpeechSent(self._speech_started_at, turn, sent_ms))

    def on_speech_started(self) -> None:
        """Note the time at which audio of a turn's replies starts."""
        self._speech_started_at = self.now

    def restore_recent_messages(self, lines: Iterable[str]) -> None:
        """After a restart: the written form of the messages sent before, up to the last."""
        self._recorder.restore_recent(lines)

    async def messages_after(self, seq: int) -> list[SequencedMessage]:
        """All messages after number `seq`, with the customer's private values in them."""
        return [self._delivery.reveal(one) for one in await self._recorder.messages_after(seq)]

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
        if not pcm or self._session.ownership.is_owned_by(name):
            self._delivery.send_person_audio(pcm, name, self.now)

    # -- inputs --------------------------------------------------------------------------------

    def expectation_for(self, event: Input) -> Expectation:
        """What the customer had been asked when the words of this input were said."""
        return self._session.expectation_for(event)

    def apply(
        self, event: Input, client_seq: int = 0, spans: Sequence[PrivateSpan] | None = None
    ) -> None:
        """Apply one input, at `self.now`: replace private values, write its row, run its effects.
        `client_seq` is the client's number of its message, 0 for none; `spans` the private ones of
        a typed text, where they are known. Inputs are ignored once the conversation is over or its
        process stops."""
        if self._session.closed or self.shut_down:
            return
        if isinstance(event, TextReceived | DigitsReceived | AudioReceived):
            self._update_availability(event)
        hidden = self._vault.pseudonymise(event, self._session.expectation_for(event), spans)
        event = hidden.event
        effects = self._session.receive(event)
        self._audio_recorder.push(event, effects, hidden.redactions)
        if isinstance(event, AudioReceived):
            self.audio_listeners.forward(event)
            self._last_audio_at = event.at
            # audio that opens a stream is written at once: turns are numbered in the order of rows
            if not self._audio_recorder.stream_started and all(
                isinstance(effect, FeedEncoder) for effect in effects
            ):
                self._recorder.coalesce_audio(event)
                self._effect_runner.run_all(effects, None, [])
                return
        durable, messages = self._recorder.record(event, effects, client_seq, hidden.redactions)
        self._effect_runner.run_all(effects, durable, messages)
        self._timers.rearm()

    def _update_availability(self, event: TextReceived | DigitsReceived | AudioReceived) -> None:
        """Before words of the customer: tell the session whether a person could take over, if that
        has changed. With audio not for every packet."""
        if isinstance(event, AudioReceived) and event.at < self._availability_known_until:
            return
        self._availability_known_until = event.at + AVAILABILITY_INTERVAL_S
        people = self._services.handoff_router.availability(self._services.wall_now())
        if people != self._session.state.people:
            self.apply(AvailabilityChanged(event.at, people.is_available, people.next_opening))

    # -- effects -------------------------------------------------------------------------------

    def reissue_effect(self, effect: Effect) -> None:
        """Run again an effect that a stopped process did not finish; its row is on disk."""
        self._effect_runner.run(effect, None)

    def end_because_erased(self) -> None:
        """End the conversation, because its stored data was erased and no more may be stored."""
        if self.shut_down or self._session.closed:
            return
        self._session.close()
        reason = "the data of this conversation has been erased"
        next_seq = self._recorder.position.server_seq + 1
        goodbye = SequencedMessage(next_seq, self.now, Goodbye(reason))
        self._delivery.end(CloseSession(1000, reason), [goodbye])
        self._effect_runner.end_tasks()

    def fail(self, failure: BaseException) -> None:
        """End this run of the conversation, because something of it could not be stored. What is
        stored is whole: a client that comes back finds the conversation as it was before."""
        if self._failure is None:
            self._failure = failure
            self.shut_down = self.shut_down or not self._session.closed
            self._failed.set()

    async def _raise_failure(self) -> None:
        await self._failed.wait()
        assert self._failure is not None
        raise self._failure


def _seconds_between(since: datetime, now: datetime) -> float:
    return (now - since).total_seconds()
