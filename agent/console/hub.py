"""Who is there to take over, and what do all of them see?

The consoles of one process: who is logged in, the lists that everybody is shown, and what happens
to a person's conversations when their console is cut off. One console is
agent/console/connection.py.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from agent.console import queue_lists as overview
from agent.console.connection import Room, Seat, greeted
from agent.console.queue_lists import Fields, Noted
from agent.core import events as e
from agent.runtime.registry import Lives
from agent.runtime.services import House
from agent.store.journal import JournalFull
from agent.wire.console import OUTCOMES, ConsoleWire, encode, error
from agent.wire.native import NOT_ALLOWED, WireError

log = logging.getLogger("hearken.desk")

APART_S = 0.2  # between two lists
MANY = 50  # conversations for which it is that long; for more, in proportion
AGAIN_S = 5.0  # lists change by time alone, too
PROMISES = 1024  # of a helpdesk's, that wait to be noted
NO_CONSOLE = "The console is closed: neither agent_token nor supervisor_token is set."


class Desk:
    """All consoles of a process. `run` has to go on while `serve` is called."""

    def __init__(self, house: House, lives: Lives) -> None:
        self._house = house
        self._lives = lives
        self._room = Room()
        self._tasks: asyncio.TaskGroup | None = None
        self._promises: asyncio.Queue[tuple[str, int, str]] = asyncio.Queue(PROMISES)
        self._cut_off: dict[str, asyncio.Task[None]] = {}  # by name: their conversations wait
        house.people.at_work = lambda: len(self._room.seats)

    @property
    def open(self) -> bool:
        """Whether anybody may log in."""
        settings = self._house.settings
        tokens = (settings.agent_token, settings.supervisor_token)
        return any(token.get_secret_value() for token in tokens)

    async def run(self) -> None:
        """Show everybody what changes, until it is cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            self._tasks.create_task(self._look_on())
            self._tasks.create_task(self._show())
            self._tasks.create_task(self._expect())

    async def serve(self, socket: ServerConnection) -> None:
        """One console from hello to goodbye."""
        wire = ConsoleWire()
        try:
            found = await greeted(self._house, socket, wire)
            if isinstance(found, WireError):
                await self._refuse(socket, found)
                return
        except ConnectionClosed:
            return
        seat = Seat(self._house, self._lives, self._room, socket, wire, found)
        self._arrive(seat)
        try:
            await seat.run()
        finally:
            self._leave(seat)

    async def _refuse(self, socket: ServerConnection, why: WireError) -> None:
        self._house.metrics.refused.labels(why.code).inc()
        await socket.send(error(why))
        await socket.close(why.close or NOT_ALLOWED, why.message[:120])

    # -- coming and going ----------------------------------------------------------------------

    def _arrive(self, seat: Seat) -> None:
        name, seats = seat.who.name, self._room.seats
        if (earlier := seats.get(name)) is not None:
            earlier.replace()
        seats[name] = seat
        if (waits := self._cut_off.pop(name, None)) is not None:
            waits.cancel()
        if len(seats) == 1 and earlier is None:
            for live in self._lives.values():
                live.waiting.patient()
        recovered, role = self._owned(name), seat.who.role
        seat.tell(encode("ready", role=role, name=name, outcomes=OUTCOMES, recovered=recovered))
        self._room.changed.set()

    def _leave(self, seat: Seat) -> None:
        """Their conversations wait for them for a while."""
        name = seat.who.name
        if self._room.seats.get(name) is not seat:
            return  # they have logged in elsewhere
        del self._room.seats[name]
        if self._owned(name) and self._tasks is not None:
            self._cut_off[name] = self._tasks.create_task(self._abandon(name))

    async def _abandon(self, name: str) -> None:
        """Who was cut off does not come back: somebody else is asked for."""
        await asyncio.sleep(self._house.settings.console_s)
        self._cut_off.pop(name, None)
        for session in self._owned(name):
            live = self._lives[session]
            live.feed(e.Abandoned(live.now, name))

    def promised(self, session: str, number: int, name: str) -> None:
        """A helpdesk says who comes. Who sits at a console takes over there at once; for anybody
        else the customer waits, and we help them meanwhile."""
        try:
            self._promises.put_nowait((session, number, name))
        except asyncio.QueueFull:
            log.error("who comes could not be noted", extra={"session": session})

    async def _expect(self) -> None:
        while True:
            session, number, name = await self._promises.get()
            await self._promised(session, number, name)

    async def _promised(self, session: str, number: int, name: str) -> None:
        try:
            await asyncio.to_thread(self._house.store.promise, session, number, name)
        except SQLAlchemyError:
            log.error("who comes could not be noted", extra={"session": session})
        live, seat = self._lives.get(session), self._room.seats.get(name)
        if live is not None and seat is not None:
            with suppress(WireError):  # taken by another meanwhile, or over
                await seat.accept(session, number)

    def _owned(self, name: str) -> list[str]:
        lives = self._lives.values()
        return [live.id for live in lives if live.session.ownership.owned_by(name)]

    # -- what everybody sees -------------------------------------------------------------------

    async def _look_on(self) -> None:
        floor = self._house.floor.subscribe()
        while True:
            happened = await floor.get()
            if happened is None:
                floor = self._house.floor.subscribe()
            elif happened.row is not None and not happened.row.messages:
                continue  # nothing that is on a list
            self._room.changed.set()

    async def _show(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_S):
                    await self._room.changed.wait()
            self._room.changed.clear()
            if self._room.seats:
                await self._show_all()
                await asyncio.sleep(APART_S * max(1.0, len(self._lives) / MANY))

    async def _show_all(self) -> None:
        house, lives = self._house, self._lives
        try:
            await house.journal.do(lambda: None)  # who has gone is noted there, too
            noted = await asyncio.to_thread(overview.look, house.store, frozenset(lives))
        except (SQLAlchemyError, JournalFull):
            log.error("the queue cannot be read; it is looked at again later")
            return
        now = house.today()
        queue = overview.queue(noted, lives, now)
        waiting = encode("queue", waiting=queue)
        tickets = encode("calls_back", tickets=overview.calls_back(noted))
        for seat in list(self._room.seats.values()):
            seat.show("queue", _still(queue), waiting)
            seat.show("calls_back", tickets, tickets)
        self._show_sessions(noted)

    def _show_sessions(self, noted: Noted) -> None:
        """To those who look on at everything."""
        seats = [one for one in self._room.seats.values() if one.who.role == "supervisor"]
        if not seats:
            return
        house = self._house
        live = overview.sessions(noted, self._lives, house.pack, house.today())
        message = encode("sessions", live=live)
        for seat in seats:
            seat.show("sessions", _still(live), message)


def _still(told: list[Fields]) -> str:
    """A list as it is compared: that time passes is no change."""
    return json.dumps([{**one, "waited_s": 0, "lasts_s": 0} for one in told])
