"""How does a person take a conversation over, speak in it, and give it back?

The store decides who gets a hand-over, the session who may speak; both are asked here, in this
order. What somebody may not do is refused as `WireError` in words for them, and changes nothing
(tests/test_desk.py).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from agent.core import events as e
from agent.runtime.conversation import Live
from agent.runtime.services import House, utc
from agent.wire.native import WireError

HANDED_BACK = "handed_back"  # the outcome of a hand-over that was given back to the bot
GONE = "gone"  # ... of a customer who did not wait
TOO_LATE = "Somebody else has taken it, or it is over."


@dataclass(frozen=True, slots=True)
class Somebody:
    """Who acts. Which role a name has follows from their token."""

    name: str
    role: Literal["person", "supervisor"]


async def accept(house: House, live: Live, number: int, who: Somebody) -> None:
    """Take a hand-over from the queue; of several who try, one gets it."""
    now = utc(house.today())
    if not await asyncio.to_thread(house.store.accept, live.id, number, who.name, now):
        raise WireError("too_late", TOO_LATE)
    await _taken_too(house, live, who)
    live.feed(e.TookOver(live.now, who.name, who.role))
    if live.session.closed:
        await asyncio.to_thread(house.store.requeue, live.id, number, now)
        raise over()
    if not live.session.ownership.owned_by(who.name):
        raise WireError("too_late", f"{live.session.ownership.name} has taken it over.")


async def take_on(house: House, session: str, number: int, who: Somebody) -> None:
    """Take the request of a customer who has left out of the queue: to call them back, perhaps."""
    record = await asyncio.to_thread(house.store.session, session)
    if record is None or record.state == "live":
        raise over()
    now = utc(house.today())
    if not await asyncio.to_thread(house.store.accept, session, number, who.name, now):
        raise WireError("too_late", TOO_LATE)
    await asyncio.to_thread(house.store.finish, session, number, GONE, now)


async def take_over(house: House, live: Live, who: Somebody) -> None:
    """A supervisor takes what is the bot's, waits, or is a person's."""
    if who.role != "supervisor":
        raise WireError("not_allowed", "Only a supervisor may take over without being asked for.")
    await _taken_too(house, live, who)
    live.feed(e.TookOver(live.now, who.name, who.role))
    if live.session.closed:
        raise over()
    if not live.session.ownership.owned_by(who.name):
        raise not_yours(live)


async def _taken_too(house: House, live: Live, who: Somebody) -> None:
    """Whoever comes, comes for everything that a person was asked for."""
    now = utc(house.today())
    for number in live.session.ownership.asked_for:
        await asyncio.to_thread(house.store.accept, live.id, number, who.name, now)


def say(live: Live, who: Somebody, text: str) -> None:
    owning(live, who)
    live.feed(e.Said(live.now, who.name, text))


def hand_back(house: House, live: Live, who: Somebody) -> None:
    owning(live, who)
    numbers = live.session.ownership.asked_for
    live.feed(e.HandedBack(live.now, who.name))
    _finished(house, live, numbers, HANDED_BACK)


def close(house: House, live: Live, who: Somebody, outcome: str) -> None:
    owning(live, who)
    numbers = live.session.ownership.asked_for
    live.feed(e.Finished(live.now, who.name, outcome))
    _finished(house, live, numbers, outcome)


def _finished(house: House, live: Live, numbers: tuple[int, ...], outcome: str) -> None:
    store, id, now = house.store, live.id, utc(house.today())

    def finish() -> None:
        for number in numbers:
            store.finish(id, number, outcome, now)

    house.journal.do(finish)


def owning(live: Live, who: Somebody) -> None:
    """WireError when it is not they who may speak."""
    if live.session.closed:
        raise over()
    if not live.session.ownership.owned_by(who.name):
        raise not_yours(live)


def not_yours(live: Live) -> WireError:
    ownership = live.session.ownership
    whose = f"{ownership.name} has this conversation." if ownership.person else "It is not yours."
    return WireError("not_yours", whose)


def over() -> WireError:
    return WireError("no_session", "This conversation is over, or is not connected here.")
