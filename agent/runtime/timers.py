"""How long does a conversation wait, and for whom?

For its customer to say something (the session says until when), for a connection that is away, and
for a person who was asked for. One clock for all three.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress

from agent.core import events as e
from agent.core.session import Session
from agent.runtime.event_bus import ConversationChange
from agent.runtime.services import Services


class ConversationTimers:
    """One conversation's patience, in its seconds. `run` is a task of it; for one event loop."""

    def __init__(
        self,
        services: Services,
        id: str,
        session: Session,
        now: Callable[[], float],
        apply: Callable[[e.Input], None],
    ) -> None:
        """`feed` is given what comes of it when nobody does."""
        self._services = services
        self._id = id
        self._session = session
        self._now = now
        self._apply = apply
        self._changed = asyncio.Event()  # something may be due earlier now than it was,
        self._wakes_at = 0.0  # when the clock last looked
        self._resume_deadline = math.inf  # waiting for the customer's connection
        self._queue_deadlines: dict[int, float] = {}  # hand-over -> when nobody will come any more
        self._queued_since: dict[int, float] = {}  # hand-over -> when it came into the queue

    # -- for whom ------------------------------------------------------------------------------

    def start_resume_window(self) -> None:
        """The customer's connection is gone: wait for another."""
        self._resume_deadline = self._now() + self._services.settings.resume_s
        self._changed.set()

    def end_resume_window(self) -> None:
        self._resume_deadline = math.inf

    def start_queue_timeout(self, number: int, since: float) -> None:
        """Somebody was asked for, and may come."""
        self._queued_since[number] = since
        self._queue_deadlines[number] = since + self._services.handoff_router.max_queue_wait_s
        self._changed.set()

    def cancel_queue_timeout(self, number: int) -> None:
        """Somebody surely comes for this hand-over, or it is over: no hurry."""
        self._queue_deadlines.pop(number, None)

    def extend_queue_timeouts(self) -> None:
        """Somebody has come to work: wait for them as long as the pack says, from when a person was
        asked for."""
        for number in self._queue_deadlines:
            self._queue_deadlines[number] = (
                self._queued_since[number] + self._services.handoff_router.max_queue_wait_s
            )
        self._changed.set()

    def rearm(self) -> None:
        """The session may want to be woken earlier than it did."""
        if self._session.deadline < self._wakes_at:
            self._changed.set()

    # -- until when ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Give the session what is due, for as long as it lives."""
        while True:
            self._wakes_at = min(
                self._session.deadline,
                self._resume_deadline,
                *self._queue_deadlines.values(),
                math.inf,
            )
            wait = self._wakes_at - self._now()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if math.isinf(wait) else wait):
                    await self._changed.wait()
            self._changed.clear()
            await self._apply_due()

    async def _apply_due(self) -> None:
        if self._session.deadline <= self._now():
            self._apply(e.DeadlineReached(self._now()))
        if self._resume_deadline <= self._now():
            self._resume_deadline = math.inf
            self._apply(e.CustomerLeft(self._now()))
        for number, at in list(self._queue_deadlines.items()):
            if at <= self._now():
                del self._queue_deadlines[number]
                await self._on_queue_timeout(number)

    async def _on_queue_timeout(self, number: int) -> None:
        router, now = self._services.handoff_router, self._services.wall_now()
        if await asyncio.to_thread(router.consume_promise, self._id, number):
            self.start_queue_timeout(number, self._now())
            return
        unanswered = await asyncio.to_thread(router.queue_timeout, self._id, number, now)
        if unanswered is not None:
            self._apply(
                e.HandoffUnanswered(
                    self._now(),
                    number,
                    unanswered.reason,
                    unanswered.ticket,
                    unanswered.next_opening,
                )
            )
        self._services.event_bus.publish(ConversationChange(self._id, "queue"))
