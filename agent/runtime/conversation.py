"""What happens in one conversation, whoever is connected to it just now?

A `Live` is a session with its diary, its private values and its errands. It goes on while its
customer's connection is away, and another connection may be attached later; after a restart it is
made anew from its rows (agent/runtime/registry.py). Every input is hidden of what is private,
written down, and only then are its messages sent and its actions carried out.
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
from agent.runtime.audio_recorder import Soundtrack
from agent.runtime.effects import Errands
from agent.runtime.event_bus import Happened
from agent.runtime.event_recorder import Diary, Progress
from agent.runtime.outbound import Outgoing
from agent.runtime.services import House, utc
from agent.runtime.timers import Waiting
from agent.store import SessionRecord
from agent.wire.native import NativeWire
from audio.types import RATE, VOICE_HOP

REPLACED = 4001  # close code: the same customer came in by another connection


class Over(Exception):
    """The conversation has ended; ends its tasks."""


class Live:
    """One conversation of this process. `run` is its life; everything else is called from its
    event loop."""

    def __init__(
        self,
        house: House,
        record: SessionRecord,
        session: Session,
        vault: Vault,
        token: str,
        progress: Progress | None = None,
        at: float = 0.0,
        positions: Mapping[str, int] | None = None,
    ) -> None:
        """`at` is the time of its last input and `positions` are those of its legs, when it goes on
        after a stop."""
        self.house = house
        self.record = record
        self.session = session
        self.vault = vault
        self.began_at = datetime.fromisoformat(record.began_at)
        self.present = False
        self.stopped = False
        self.begun = asyncio.Event()  # what `run` begins with has been done
        self.hearers: set[asyncio.Queue[bytes]] = set()
        self._began = house.clock() - max(at, _seconds(self.began_at, house.today()))
        self._out: Outgoing | None = None
        self._heard_at = at  # when the last sound came
        self._speech_began = 0.0
        self._tasks: asyncio.TaskGroup | None = None
        self._sound = Soundtrack(house.store, house.journal, record, house.pack.privacy, positions)
        progress = progress or Progress()
        self._wire = NativeWire(progress.seq)
        self.diary = Diary(house, self.id, vault, token, progress, self._wire)
        self.waiting = Waiting(house, self.id, session, lambda: self.now, self.feed)
        self._errands = Errands(
            house, record, session, vault, self.waiting, lambda: self.now, self.feed
        )

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def now(self) -> float:
        """Seconds since this session began."""
        return self.house.clock() - self._began

    async def run(self, begin: Callable[[], None]) -> None:
        """Live until the conversation is over. `begin` gives the first input, or takes up what a
        stopped process left open."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(self.waiting.run())
                begin()
                self.begun.set()
        except* Over:
            pass
        finally:
            self.stopped = True
            self.begun.set()
            self.house.engine.leave(self.id)
            self.diary.write_joined()
            self._sound.stop()
            if self.session.closed:
                self._end()

    def _end(self) -> None:
        store, now = self.house.store, utc(self.house.today())
        self.house.journal.do(lambda: store.end(self.id, now))
        self.house.journal.do(lambda: store.left(self.id))
        if self.session.ownership.person:  # the customer has left them
            for number in self.session.ownership.asked_for:
                self.house.journal.do(partial(store.finish, self.id, number, "left", now))
        self.house.floor.tell(Happened(self.id, "closed"))

    # -- connections ---------------------------------------------------------------------------

    def attach(self, out: Outgoing) -> None:
        """The customer is connected through `out` now; an earlier connection is let go."""
        if self._out is not None:
            self._out.end(e.Close(REPLACED, "this conversation goes on in another connection"))
        self._out, self.present = out, True
        self.waiting.back()
        self._present()

    def detach(self, out: Outgoing) -> None:
        """That connection is gone; the conversation waits for another for a while."""
        if self._out is not out:
            return
        self._out, self.present = None, False
        if self.session.closed:
            return
        self.waiting.away()
        self.feed(e.Dropped(self.now))
        self._present()

    def _present(self) -> None:
        store, present = self.house.store, self.present
        self.house.journal.do(lambda: store.present(self.id, present))
        self.house.floor.tell(Happened(self.id, "back" if present else "away"))

    def resumed(self) -> None:
        """A connection has been attached again: go on."""
        missed = 0
        if self.record.legs:
            missed = max(0, int((self.now - self._heard_at) * RATE)) // VOICE_HOP * VOICE_HOP
        self.feed(e.Resumed(self.now, missed))

    def person_speaks(self, name: str, state: str) -> str:
        """The message that the voice of a person starts or ends."""
        return self._wire.notice("speech", self.now, turn=0, state=state, by=name)

    def spoken(self, turn: int, ms: int) -> None:
        """So much of a reply has been sent as sound."""
        self.feed(e.Speaking(self._speech_began, turn, ms))

    def speech(self, turn: int, state: str) -> str:
        """The message that spoken replies of a turn begin or end."""
        self._speech_began = self.now if state == "start" else self._speech_began
        return self._wire.notice("speech", self.now, turn=turn, state=state)

    def person_sound(self, pcm: bytes, name: str) -> None:
        """16 kHz PCM16 of a person, for the customer, if it is they who may speak now; empty when
        they pause or have to stop."""
        if self._out is not None and (not pcm or self.session.ownership.owned_by(name)):
            self._out.person(pcm, name)

    # -- what comes in -------------------------------------------------------------------------

    def feed(self, event: e.Input, client: int = 0) -> None:
        """Take one input, at `self.now`. `client` is the client's own number of it. Nothing is
        taken once the conversation is over, or its process stops."""
        if self.session.closed or self.stopped:
            return
        hidden = self.vault.hide(event, self._errands.expectation(event))
        event = hidden.event
        effects = self.session.receive(event)
        self._sound.push(event, effects, hidden.redactions)
        if isinstance(event, e.Heard):
            self._overhear(event)
            self._heard_at = event.at
            # A stream that has just begun is written at once: turns are numbered in the order of
            # rows.
            if not self._sound.began and all(isinstance(effect, e.Listen) for effect in effects):
                self.diary.join(event)
                self._carry_out(effects, None, [])
                return
        kept, messages = self.diary.write(event, effects, client, hidden.redactions)
        self._carry_out(effects, kept, messages)
        self.waiting.look()

    def _overhear(self, event: e.Heard) -> None:
        if event.leg != "customer" or not self.hearers:
            return
        pcm = (event.samples * 32767).astype("<i2").tobytes()
        for hearer in self.hearers:
            with suppress(asyncio.QueueFull):
                hearer.put_nowait(pcm)

    # -- what follows --------------------------------------------------------------------------

    def _carry_out(
        self,
        effects: list[e.Effect],
        kept: asyncio.Future[None] | None,
        messages: list[list[str]],
    ) -> None:
        for number, effect in enumerate(effects):
            told = messages[number] if messages else []
            if isinstance(effect, e.Close):
                self._close(effect, told, kept)
                continue
            if self._out is not None:
                for message in told:
                    self._out.message(self.vault.message(message), kept)
            self._do(effect, kept)

    def _do(self, effect: e.Effect, kept: asyncio.Future[None] | None) -> None:
        assert self._tasks is not None
        match effect:
            case e.Hush(turn) if self._out is not None:
                self._out.hush(turn)
            case e.Say(aloud=True) if self._out is not None:
                self._out.say(effect)
            case _:
                self._errands.run(effect, kept, self._tasks)

    def redo(self, effect: e.Effect) -> None:
        """Carry out what a stopped process did not get to the end of."""
        self._do(effect, None)

    def _close(self, effect: e.Close, told: list[str], kept: asyncio.Future[None] | None) -> None:
        assert self._tasks is not None
        if self._out is not None:
            self._out.end(effect, [self.vault.message(one) for one in told], kept)
        self._tasks.create_task(self._finish())

    def erased(self) -> None:
        """Everything that was kept of it was erased: it ends, for nothing may be kept again."""
        if self.stopped or self.session.closed:
            return
        assert self._tasks is not None
        self.session.closed = True
        if self._out is not None:
            close = e.Close(1000, "nothing of this conversation is kept any more")
            self._out.end(close, self._wire.encode(close, self.now))
        self._tasks.create_task(self._finish())

    async def _finish(self) -> None:
        await self._errands.finished()
        raise Over


def _seconds(since: datetime, now: datetime) -> float:
    return (now - since).total_seconds()
