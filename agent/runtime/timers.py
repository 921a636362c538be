"""Timers of one conversation: session deadline, resume window, queue timeouts.

One task waits for the earliest of them and applies the input that follows when it fires.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress

from agent.core.inputs import CustomerLeft, DeadlineReached, HandoffUnanswered, Input
from agent.core.session import Session
from agent.runtime.event_bus import ConversationChange
from agent.runtime.services import Services


class ConversationTimers:
    """The timers of one conversation, in session seconds. `run` is its task; for one event loop."""

    def __init__(
        self,
        services: Services,
        id: str,
        session: Session,
        now: Callable[[], float],
        apply: Callable[[Input], None],
    ) -> None:
        """`apply` takes the inputs of timers that fire; `now` is the time in session seconds."""
        self._services = services
        self._id = id
        self._session = session
        self._now = now
        self._apply = apply
        self._changed = asyncio.Event()  # some timer may be due before `_wakes_at`
        self._wakes_at = 0.0  # when the earliest timer is due, as `run` computed it last
        self._resume_deadline = math.inf  # when the resume window ends
        self._queue_deadlines: dict[int, float] = {}  # handoff -> when it is unanswered
        self._queued_since: dict[int, float] = {}  # handoff -> when it was queued

    # -- starting and cancelling ---------------------------------------------------------------

    def start_resume_window(self) -> None:
        """Start the resume window: the customer's connection is lost."""
        self._resume_deadline = self._now() + self._services.settings.resume_s
        self._changed.set()

    def end_resume_window(self) -> None:
        """End the resume window: a connection is attached again."""
        self._resume_deadline = math.inf

    def start_queue_timeout(self, number: int, since: float) -> None:
        """Start the queue timeout of a handoff that was queued at `since`."""
        self._queued_since[number] = since
        self._queue_deadlines[number] = since + self._services.handoff_router.max_queue_wait_s
        self._changed.set()

    def cancel_queue_timeout(self, number: int) -> None:
        """Cancel the queue timeout of this handoff: it was taken, is over, or requested again."""
        self._queue_deadlines.pop(number, None)

    def extend_queue_timeouts(self) -> None:
        """Extend queue timeouts to the pack's longest wait, counted from when each handoff was
        queued: a first person has logged in."""
        for number in self._queue_deadlines:
            self._queue_deadlines[number] = (
                self._queued_since[number] + self._services.handoff_router.max_queue_wait_s
            )
        self._changed.set()

    def rearm(self) -> None:
        """Re-arm the timer: the session's deadline may have moved forward."""
        if self._session.deadline < self._wakes_at:
            self._changed.set()

    # -- firing --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Apply the inputs of timers that fire, until cancelled."""
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
            self._apply(DeadlineReached(self._now()))
        if self._resume_deadline <= self._now():
            self._resume_deadline = math.inf
            self._apply(CustomerLeft(self._now()))
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
                HandoffUnanswered(
                    self._now(),
                    number,
                    unanswered.reason,
                    unanswered.ticket,
                    unanswered.next_opening,
                )
            )
        self._services.event_bus.publish(ConversationChange(self._id, "queue"))
