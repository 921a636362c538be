"""What does a conversation have others do, and how does the answer come back?

Questions to the models, actions at the bank, hand-overs to people. Each is a task of the
conversation; what comes of it is an input again. What must not be lost begins once its row is on
disk, and is finished even when the customer goes meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from agent.core import events as e
from agent.core.session import Session
from agent.handoff.routing import Unreachable
from agent.inference.engine import NoAnswer
from agent.privacy.vault import Vault
from agent.runtime.event_bus import Happened
from agent.runtime.services import House, utc
from agent.runtime.timers import Waiting
from agent.store import SessionRecord
from audio.types import Expectation
from dialogs.values import ActionCall


class Errands:
    """What one conversation has others do. For one event loop."""

    def __init__(
        self,
        house: House,
        record: SessionRecord,
        session: Session,
        vault: Vault,
        waiting: Waiting,
        now: Callable[[], float],
        feed: Callable[[e.Input], None],
    ) -> None:
        """`feed` is given what comes of an errand."""
        self._house = house
        self._record = record
        self._session = session
        self._vault = vault
        self._waiting = waiting
        self._now = now
        self._feed = feed
        self._asked: dict[int, Expectation] = {}  # what the customer was asked, by question
        self._owed: set[asyncio.Task[None]] = set()  # to be finished even if the customer goes

    def expectation(self, event: e.Input) -> Expectation:
        """What had been asked for when this was said."""
        if isinstance(event, e.Understood | e.Missed):
            return self._asked.pop(event.ask, self._session.expect)
        return self._session.expect

    def run(
        self, effect: e.Effect, kept: asyncio.Future[None] | None, tasks: asyncio.TaskGroup
    ) -> None:
        """Do what this effect asks for, if it is an errand; `kept` is its row's."""
        house, id = self._house, self._record.id
        match effect:
            case e.Listen():
                house.engine.listen(id, effect, partial(self._partial, effect.stream))
            case e.Forget(stream):
                house.engine.forget(id, stream)
            case e.Understand():
                self._asked[effect.ask] = effect.expect
                tasks.create_task(self._understand(effect))
            case e.Act(call):
                self._owe(tasks.create_task(self._act(call, kept)))
            case e.HandOver():
                self._owe(tasks.create_task(self._hand_over(effect, kept)))
            case e.Remember(note):
                now = utc(house.today())
                house.journal.do(lambda: house.store.remember(id, [note], now))

    async def finished(self) -> None:
        """Wait for what has to be finished."""
        if self._owed:
            await asyncio.wait(self._owed)

    def _owe(self, task: asyncio.Task[None]) -> None:
        self._owed.add(task)
        task.add_done_callback(self._owed.discard)

    def _partial(self, stream: int, text: str) -> None:
        if not self._session.closed:
            self._feed(e.Partial(self._now(), stream, text))

    async def _understand(self, effect: e.Understand) -> None:
        house, id, asked = self._house, self._record.id, self._now()
        channel = self._session.talk.channel
        try:
            answer = await house.engine.understand(id, effect, self._session.dialogue.today, asked)
        except NoAnswer as missing:
            house.metrics.missed.labels(missing.why).inc()
            self._feed(e.Missed(self._now(), effect.ask, missing.why))
            return
        house.metrics.turns.labels(channel).inc()
        house.metrics.answer.labels(channel).observe(self._now() - asked)
        self._feed(e.Understood(self._now(), effect.ask, answer.understanding, answer.transcript))

    async def _act(self, call: ActionCall, kept: asyncio.Future[None] | None) -> None:
        if kept is not None:
            await asyncio.shield(kept)  # else its key could mean something else after a crash
        outcome = await asyncio.to_thread(self._house.actions.perform, self._vault.call(call))
        self._feed(e.Acted(self._now(), outcome))

    async def _hand_over(self, effect: e.HandOver, kept: asyncio.Future[None] | None) -> None:
        house, record, number = self._house, self._record, effect.id
        if kept is not None:
            await asyncio.shield(kept)
        if effect.state != "queued":
            self._waiting.expects(number)
        if effect.state == "requested":
            house.metrics.handoffs.labels(effect.escalation.rule).inc()
        found = await asyncio.to_thread(
            house.people.told, record.id, record.customer, effect, house.today()
        )
        house.floor.tell(Happened(record.id, "queue"))
        match found:
            case Unreachable(why, ticket, when):
                self._feed(e.Unreached(self._now(), number, why, ticket, when))
            case int():
                self._waiting.queued(number, self._now())
                wait_s = found * house.settings.wait_s
                self._feed(e.Queued(self._now(), number, found, wait_s))
