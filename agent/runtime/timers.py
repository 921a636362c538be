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
from agent.runtime.event_bus import Happened
from agent.runtime.services import House


class Waiting:
    """One conversation's patience, in its seconds. `run` is a task of it; for one event loop."""

    def __init__(
        self,
        house: House,
        id: str,
        session: Session,
        now: Callable[[], float],
        feed: Callable[[e.Input], None],
    ) -> None:
        """`feed` is given what comes of it when nobody does."""
        self._house = house
        self._id = id
        self._session = session
        self._now = now
        self._feed = feed
        self._changed = asyncio.Event()  # something may be due earlier now than it was,
        self._wakes_at = 0.0  # when the clock last looked
        self._gives_up_at = math.inf  # waiting for the customer's connection
        self._late_at: dict[int, float] = {}  # hand-over -> when nobody will come any more
        self._since: dict[int, float] = {}  # hand-over -> when it came into the queue

    # -- for whom ------------------------------------------------------------------------------

    def away(self) -> None:
        """The customer's connection is gone: wait for another."""
        self._gives_up_at = self._now() + self._house.settings.resume_s
        self._changed.set()

    def back(self) -> None:
        self._gives_up_at = math.inf

    def queued(self, number: int, since: float) -> None:
        """Somebody was asked for, and may come."""
        self._since[number] = since
        self._late_at[number] = since + self._house.people.patience_s
        self._changed.set()

    def expects(self, number: int) -> None:
        """Somebody surely comes for this hand-over, or it is over: no hurry."""
        self._late_at.pop(number, None)

    def patient(self) -> None:
        """Somebody has come to work: wait for them as long as the pack says, from when a person was
        asked for."""
        for number in self._late_at:
            self._late_at[number] = self._since[number] + self._house.people.patience_s
        self._changed.set()

    def look(self) -> None:
        """The session may want to be woken earlier than it did."""
        if self._session.deadline < self._wakes_at:
            self._changed.set()

    # -- until when ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Give the session what is due, for as long as it lives."""
        while True:
            self._wakes_at = min(
                self._session.deadline, self._gives_up_at, *self._late_at.values(), math.inf
            )
            wait = self._wakes_at - self._now()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if math.isinf(wait) else wait):
                    await self._changed.wait()
            self._changed.clear()
            await self._due()

    async def _due(self) -> None:
        if self._session.deadline <= self._now():
            self._feed(e.Tick(self._now()))
        if self._gives_up_at <= self._now():
            self._gives_up_at = math.inf
            self._feed(e.Left(self._now()))
        for number, at in list(self._late_at.items()):
            if at <= self._now():
                del self._late_at[number]
                await self._too_long(number)

    async def _too_long(self, number: int) -> None:
        people, today = self._house.people, self._house.today()
        if await asyncio.to_thread(people.promised, self._id, number):
            self.queued(number, self._now())
            return
        none = await asyncio.to_thread(people.too_long, self._id, number, today)
        if none is not None:
            self._feed(e.Unreached(self._now(), number, none.why, none.ticket, none.when))
        self._house.floor.tell(Happened(self._id, "queue"))
