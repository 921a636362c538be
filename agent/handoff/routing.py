"""Who comes when a customer needs a person, and what if nobody does?

The edge between a conversation and those who help: the queue in the store, the pack's opening
hours, whether anybody is there, and the helpdesk outside that is told by webhook. Every request
ends with somebody, or with a ticket for a call back. Blocking; called in a thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

from agent.core.events import HandOver
from agent.store import Store
from dialogs.pack.model import Pack


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Nobody comes. `ticket` is what the call back is noted under, `when` the next opening in
    words; both may be empty."""

    why: Literal["closed", "nobody", "too_long"]
    ticket: str = ""
    when: str = ""


class Helpdesk(Protocol):
    """Somebody outside who is told of hand-overs."""

    def note(self, session: str, customer: str, effect: HandOver, now: datetime) -> None: ...


class People:
    """Those who can take over, as far as this process knows them."""

    def __init__(
        self,
        pack: Pack,
        store: Store,
        helpdesk: Helpdesk | None = None,
        consoles: bool = False,
        nobody_s: float = 60.0,
    ) -> None:
        """`consoles`: people may log in at the console; `nobody_s` is how long to wait for the
        first of them."""
        self.at_work: Callable[[], int] = lambda: 0  # how many are logged in
        self._pack = pack
        self._store = store
        self._helpdesk = helpdesk
        self._consoles = consoles
        self._nobody_s = nobody_s

    @property
    def patience_s(self) -> float:
        """How long a customer waits in the queue before a call back is noted."""
        longest = float(self._pack.people.longest_wait_s)
        if self._helpdesk is None and not self.at_work():
            return min(self._nobody_s, longest)
        return longest

    def told(
        self, session: str, customer: str, effect: HandOver, now: datetime
    ) -> int | Unreachable | None:
        """What comes of a change in a hand-over: the place in the queue when a person was asked
        for, or why nobody comes."""
        found = self._requested(session, customer, effect, now)
        if self._helpdesk is not None:
            self._helpdesk.note(session, customer, effect, now)
        return found

    def promised(self, session: str, number: int) -> bool:
        """Whether a helpdesk has said who comes: worth waiting for as long again, once."""
        return self._store.promised(session, number)

    def too_long(self, session: str, number: int, now: datetime) -> Unreachable | None:
        """Nobody has come in time; None when somebody has, just now."""
        why: Literal["nobody", "too_long"] = "too_long"
        if self._helpdesk is None and not self.at_work():
            why = "nobody"
        return self._call_back(session, number, why, now)

    def _requested(
        self, session: str, customer: str, effect: HandOver, now: datetime
    ) -> int | Unreachable | None:
        if effect.state != "requested":
            return None
        urgent = effect.escalation.urgency == "high" and self._pack.people.urgent_any_time
        self._store.requeue(session, effect.id, _utc(now))  # who had taken it is gone
        place = self._store.queue(session, effect.id, effect.escalation, _utc(now), customer)
        if not (urgent or self._pack.people.open(now)):
            return self._call_back(session, effect.id, "closed", now)
        if not self._consoles and self._helpdesk is None:
            return self._call_back(session, effect.id, "nobody", now)
        return place

    def _call_back(
        self, session: str, number: int, why: Literal["closed", "nobody", "too_long"], now: datetime
    ) -> Unreachable | None:
        """None when it is in the queue no more."""
        people, ticket = self._pack.people, ""
        if people.tickets:
            ticket = self._store.ticket(session, number, why, _utc(now))
        if not ticket and not self._store.waits(session, number):
            return None
        return Unreachable(why, ticket, people.opens_in_words(now) if why == "closed" else "")


def _utc(now: datetime) -> str:
    return now.astimezone(UTC).isoformat(timespec="seconds")
