"""Effect interpreter of one conversation: its customer, models, actions, handoffs and notes.

What takes time runs as a task of the conversation; its result is an input again. Actions and
handoffs begin only once their row is on disk, and are finished even when the customer leaves
meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial

from agent.core.customer_messages import SequencedMessage
from agent.core.effects import (
    CloseSession,
    DiscardTurn,
    Effect,
    FeedEncoder,
    PerformAction,
    SayReplies,
    StopSpeech,
    StoreNote,
    UnderstandTurn,
    UpdateHandoff,
)
from agent.core.inputs import (
    ActionCompleted,
    HandoffQueued,
    HandoffUnanswered,
    Input,
    PartialTextReceived,
    TurnUnderstood,
    UnderstandingFailed,
)
from agent.core.records import SessionRecord, utc_text
from agent.core.session import Session
from agent.handoff.routing import PersonUnavailable
from agent.inference.engine import UnderstandingError
from agent.privacy.vault import Vault
from agent.runtime.customer_delivery import CustomerDelivery
from agent.runtime.event_bus import ConversationChange
from agent.runtime.services import Services
from agent.runtime.timers import ConversationTimers
from dialogs.values import ActionCall


class ConversationOver(Exception):
    """Raised inside a conversation's task group to end its tasks: the conversation is over."""


class EffectRunner:
    """Runs the effects of one conversation. For one event loop."""

    def __init__(
        self,
        services: Services,
        record: SessionRecord,
        session: Session,
        vault: Vault,
        delivery: CustomerDelivery,
        timers: ConversationTimers,
        now: Callable[[], float],
        apply: Callable[[Input], None],
    ) -> None:
        """`apply` takes the inputs that result; `now` is the time in session seconds."""
        self._services = services
        self._record = record
        self._session = session
        self._vault = vault
        self._delivery = delivery
        self._timers = timers
        self._now = now
        self._apply = apply
        self._tasks: asyncio.TaskGroup | None = None
        # to be finished even if the customer leaves
        self._unfinished: set[asyncio.Task[None]] = set()

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Run effects in these tasks from now on: those of the conversation."""
        self._tasks = tasks

    def run_all(
        self,
        effects: Sequence[Effect],
        durable: asyncio.Future[None] | None,
        messages: Sequence[Sequence[SequencedMessage]],
    ) -> None:
        """Run the effects of one input, each after its messages to the customer, of which there
        may be none. `durable` is done when their row is on disk; None: it is already."""
        for number, effect in enumerate(effects):
            of_effect = messages[number] if messages else []
            if isinstance(effect, CloseSession):
                self._delivery.end(effect, of_effect, durable)
            else:
                self._delivery.send(of_effect, durable)
                self.run(effect, durable)
        if self._session.closed:  # with or without a client that could be told
            self.end_tasks()

    def run(self, effect: Effect, durable: asyncio.Future[None] | None) -> None:
        """Run this effect, if it is more than its messages. `durable` is done when its row is on
        disk; None: it is already."""
        services, id = self._services, self._record.id
        match effect:
            case StopSpeech(turn):
                self._delivery.stop_speech(turn)
            case SayReplies(speak=True):
                self._delivery.speak(effect)
            case FeedEncoder():
                services.engine.feed_encoder(id, effect, partial(self._on_partial, effect.stream))
            case DiscardTurn(stream):
                services.engine.discard_turn(id, stream)
            case UnderstandTurn():
                self._create_task(self._understand(effect))
            case PerformAction(call):
                self._must_finish(self._perform_action(call, durable))
            case UpdateHandoff():
                self._must_finish(self._update_handoff(effect, durable))
            case StoreNote(note):
                now = utc_text(services.wall_now())
                services.journal.submit(lambda: services.store.add_notes(id, [note], now))

    def end_tasks(self) -> None:
        """End all tasks of the conversation, once actions and handoffs under way are finished."""
        self._create_task(self._raise_when_finished())

    async def _raise_when_finished(self) -> None:
        if self._unfinished:
            await asyncio.wait(self._unfinished)
        raise ConversationOver

    def _create_task(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        assert self._tasks is not None
        return self._tasks.create_task(work)

    def _must_finish(self, work: Coroutine[None, None, None]) -> None:
        task = self._create_task(work)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)

    def _on_partial(self, stream: int, text: str) -> None:
        if not self._session.closed:
            self._apply(PartialTextReceived(self._now(), stream, text))

    async def _understand(self, effect: UnderstandTurn) -> None:
        services, id, asked_at = self._services, self._record.id, self._now()
        channel = self._session.history.channel
        try:
            result = await services.engine.understand(
                id, effect, self._session.dialogue.today, asked_at
            )
        except UnderstandingError as failure:
            services.metrics.understanding_failures.labels(failure.reason).inc()
            self._apply(UnderstandingFailed(self._now(), effect.request_id, failure.reason))
            return
        services.metrics.turns_understood.labels(channel).inc()
        services.metrics.answer_latency.labels(channel).observe(self._now() - asked_at)
        self._apply(
            TurnUnderstood(self._now(), effect.request_id, result.understanding, result.transcript)
        )

    async def _perform_action(self, call: ActionCall, durable: asyncio.Future[None] | None) -> None:
        if durable is not None:
            await asyncio.shield(durable)  # else a crash could give its key to another action
        outcome = await asyncio.to_thread(
            self._services.actions.perform, self._vault.reveal_in_call(call)
        )
        self._apply(ActionCompleted(self._now(), outcome))

    async def _update_handoff(
        self, effect: UpdateHandoff, durable: asyncio.Future[None] | None
    ) -> None:
        services, record, number = self._services, self._record, effect.id
        if durable is not None:
            await asyncio.shield(durable)
        if effect.state != "queued":
            self._timers.cancel_queue_timeout(number)
        if effect.state == "ended":  # where nobody had accepted it, the customer needs nobody
            now = utc_text(services.wall_now())
            await asyncio.to_thread(services.store.withdraw_handoff, record.id, number, now)
        if effect.state == "requested":
            services.metrics.handoffs.labels(effect.escalation.rule).inc()
        routed = await asyncio.to_thread(
            services.handoff_router.route, record.id, record.customer, effect, services.wall_now()
        )
        services.event_bus.publish(ConversationChange(record.id, "queue"))
        match routed:
            case PersonUnavailable(reason, ticket, next_opening):
                self._apply(HandoffUnanswered(self._now(), number, reason, ticket, next_opening))
            case int():
                self._timers.start_queue_timeout(number, self._now())
                wait_s = routed * services.settings.wait_s
                self._apply(HandoffQueued(self._now(), number, routed, wait_s))
