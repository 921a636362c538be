"""Effect interpreter of one conversation: models, actions, handoffs and notes.

Each effect runs as a task of the conversation; its result is an input again. Actions and handoffs
begin only once their row is on disk, and are finished even when the customer leaves meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from agent.core import events as e
from agent.core.records import SessionRecord, utc_text
from agent.core.session import Session
from agent.handoff.routing import PersonUnavailable
from agent.inference.engine import UnderstandingError
from agent.privacy.vault import Vault
from agent.runtime.event_bus import ConversationChange
from agent.runtime.services import Services
from agent.runtime.timers import ConversationTimers
from dialogs.values import ActionCall


class EffectRunner:
    """Runs the effects of one conversation. For one event loop."""

    def __init__(
        self,
        services: Services,
        record: SessionRecord,
        session: Session,
        vault: Vault,
        timers: ConversationTimers,
        now: Callable[[], float],
        apply: Callable[[e.Input], None],
    ) -> None:
        """`apply` takes the inputs that result; `now` is the time in session seconds."""
        self._services = services
        self._record = record
        self._session = session
        self._vault = vault
        self._timers = timers
        self._now = now
        self._apply = apply
        # to be finished even if the customer leaves
        self._unfinished: set[asyncio.Task[None]] = set()

    def run(
        self, effect: e.Effect, durable: asyncio.Future[None] | None, tasks: asyncio.TaskGroup
    ) -> None:
        """Run this effect in `tasks`, if it is one for the models, the back end, people or the
        store. `durable` is done when its row is on disk; None: it is already."""
        services, id = self._services, self._record.id
        match effect:
            case e.FeedEncoder():
                services.engine.feed_encoder(id, effect, partial(self._on_partial, effect.stream))
            case e.DiscardTurn(stream):
                services.engine.discard_turn(id, stream)
            case e.UnderstandTurn():
                tasks.create_task(self._understand(effect))
            case e.PerformAction(call):
                self._must_finish(tasks.create_task(self._perform_action(call, durable)))
            case e.UpdateHandoff():
                self._must_finish(tasks.create_task(self._update_handoff(effect, durable)))
            case e.StoreNote(note):
                now = utc_text(services.wall_now())
                services.journal.submit(lambda: services.store.add_notes(id, [note], now))

    async def wait_unfinished(self) -> None:
        """Wait for the actions and handoffs that are under way."""
        if self._unfinished:
            await asyncio.wait(self._unfinished)

    def _must_finish(self, task: asyncio.Task[None]) -> None:
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)

    def _on_partial(self, stream: int, text: str) -> None:
        if not self._session.closed:
            self._apply(e.PartialTextReceived(self._now(), stream, text))

    async def _understand(self, effect: e.UnderstandTurn) -> None:
        services, id, asked_at = self._services, self._record.id, self._now()
        channel = self._session.history.channel
        try:
            result = await services.engine.understand(
                id, effect, self._session.dialogue.today, asked_at
            )
        except UnderstandingError as failure:
            services.metrics.understanding_failures.labels(failure.reason).inc()
            self._apply(e.UnderstandingFailed(self._now(), effect.request_id, failure.reason))
            return
        services.metrics.turns_understood.labels(channel).inc()
        services.metrics.answer_latency.labels(channel).observe(self._now() - asked_at)
        self._apply(
            e.TurnUnderstood(
                self._now(), effect.request_id, result.understanding, result.transcript
            )
        )

    async def _perform_action(self, call: ActionCall, durable: asyncio.Future[None] | None) -> None:
        if durable is not None:
            await asyncio.shield(durable)  # else a crash could give its key to another action
        outcome = await asyncio.to_thread(
            self._services.actions.perform, self._vault.reveal_in_call(call)
        )
        self._apply(e.ActionCompleted(self._now(), outcome))

    async def _update_handoff(
        self, effect: e.UpdateHandoff, durable: asyncio.Future[None] | None
    ) -> None:
        services, record, number = self._services, self._record, effect.id
        if durable is not None:
            await asyncio.shield(durable)
        if effect.state != "queued":
            self._timers.cancel_queue_timeout(number)
        if effect.state == "requested":
            services.metrics.handoffs.labels(effect.escalation.rule).inc()
        routed = await asyncio.to_thread(
            services.handoff_router.route, record.id, record.customer, effect, services.wall_now()
        )
        services.event_bus.publish(ConversationChange(record.id, "queue"))
        match routed:
            case PersonUnavailable(reason, ticket, next_opening):
                self._apply(e.HandoffUnanswered(self._now(), number, reason, ticket, next_opening))
            case int():
                self._timers.start_queue_timeout(number, self._now())
                wait_s = routed * services.settings.wait_s
                self._apply(e.HandoffQueued(self._now(), number, routed, wait_s))
