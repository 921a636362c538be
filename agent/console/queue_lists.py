"""Who waits, what goes on, and who is to be called back?

The lists that every console shows, complete each time. `look` reads the store and blocks; the rest
is put together from it and from the conversations of this process (tests/test_supervisors.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agent.console.transcript_view import CERTAIN
from agent.runtime.conversation import Live
from agent.store import Store, Ticket, Waiting
from dialogs.pack.model import Pack
from dialogs.values import Understanding

MOODS = 30  # of a conversation, in the list of all
Alert = Literal["", "upset", "waiting_long", "stuck"]
Fields = dict[str, object]


@dataclass(frozen=True, slots=True)
class Noted:
    """What the store says. `channels` are those of sessions that are not in this process."""

    waiting: tuple[Waiting, ...]
    tickets: tuple[Ticket, ...]
    channels: Mapping[str, str]


def look(store: Store, here: frozenset[str]) -> Noted:
    """`here` are the sessions of this process."""
    waiting = tuple(store.waiting())
    away = {one.session for one in waiting} - here
    records = [record for id in sorted(away) if (record := store.session(id)) is not None]
    channels = {record.id: record.channel for record in records}
    return Noted(waiting, tuple(store.tickets()), channels)


def queue(noted: Noted, lives: Mapping[str, Live], now: datetime) -> list[Fields]:
    """In the order they are served."""
    return [_waiting(one, lives.get(one.session), noted, now) for one in noted.waiting]


def _waiting(one: Waiting, live: Live | None, noted: Noted, now: datetime) -> Fields:
    return {
        "session": one.session,
        "id": one.number,
        "asked_at": one.asked_at,
        "waited_s": _since(one.asked_at, now),
        "urgency": one.urgency,
        "rule": one.rule,
        "probability": round(one.probability, 3),
        "summary": one.summary,
        "customer": one.customer,
        "channel": live.record.channel if live else noted.channels.get(one.session, "chat"),
        "present": bool(one.present),
        "upset": _upset(live) if live else None,
        "here": live is not None,
    }


def sessions(noted: Noted, lives: Mapping[str, Live], pack: Pack, now: datetime) -> list[Fields]:
    """Every conversation of this process, the oldest first."""
    asked = {one.session: one.asked_at for one in reversed(noted.waiting)}
    return [
        _session(live, pack, _since(asked[id], now) if id in asked else 0)
        for id, live in lives.items()
        if not live.session.closed
    ]


def _session(live: Live, pack: Pack, waited_s: int) -> Fields:
    ownership, turns = live.session.ownership, _customer(live)
    felt = [(at, what) for at, what in turns if what.upset_spread < CERTAIN]
    return {
        "session": live.id,
        "channel": live.record.channel,
        "customer": live.record.customer,
        "began_at": live.record.began_at,
        "lasts_s": round(live.now),
        "owner": ownership.owner,
        "name": ownership.name,
        "intent": turns[-1][1].intent if turns else "",
        "upset": _upset(live),
        "moods": [(round(at, 3), round(what.upset, 3)) for at, what in felt[-MOODS:]],
        "alert": alert(live, pack, waited_s),
        "turns": len(turns),
        "present": live.present,
    }


def alert(live: Live, pack: Pack, waited_s: int) -> Alert:
    """What a supervisor should look at: somebody waits too long, is surely upset, or is not
    understood again and again."""
    turns = _customer(live)
    if live.session.ownership.owner == "queued" and waited_s >= pack.people.longest_wait_s / 2:
        return "waiting_long"
    if turns and turns[-1][1].upset - turns[-1][1].upset_spread >= pack.apologise_from:
        return "upset"
    if live.session.state.misses >= pack.patience.misses_before_menu:
        return "stuck"
    return ""


def calls_back(noted: Noted) -> list[Fields]:
    return [
        {
            "ticket": one.id,
            "session": one.session,
            "customer": one.customer,
            "why": one.why,
            "written_at": one.written_at,
            "summary": one.summary,
        }
        for one in noted.tickets
    ]


def _customer(live: Live) -> list[tuple[float, Understanding]]:
    return [(turn.at, turn.heard) for turn in live.session.talk.turns if turn.leg == "customer"]


def _upset(live: Live) -> float | None:
    """How upset the customer is now; None when that is not known."""
    turns = _customer(live)
    known = bool(turns) and turns[-1][1].upset_spread < CERTAIN
    return round(turns[-1][1].upset, 3) if known else None


def _since(moment: str, now: datetime) -> int:
    return max(0, int((now - datetime.fromisoformat(moment)).total_seconds()))
