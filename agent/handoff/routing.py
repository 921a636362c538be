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

from agent.core.events import UpdateHandoff
from agent.store import Store
from dialogs.pack.model import Pack


@dataclass(frozen=True, slots=True)
class PersonUnavailable:
    """Nobody comes. `ticket` is what the call back is noted under, `when` the next opening in
    words; both may be empty."""

    reason: Literal["closed", "nobody", "too_long"]
    ticket: str = ""
    next_opening: str = ""


class Helpdesk(Protocol):
    """Somebody outside who is told of hand-overs."""

    def notify(self, session: str, customer: str, effect: UpdateHandoff, now: datetime) -> None: ...


class HandoffRouter:
    """Those who can take over, as far as this process knows them."""

    def __init__(
        self,
        pack: Pack,
        store: Store,
        helpdesk: Helpdesk | None = None,
        has_consoles: bool = False,
        no_agent_wait_s: float = 60.0,
    ) -> None:
        """`consoles`: people may log in at the console; `nobody_s` is how long to wait for the
        first of them."""
        self.agents_online: Callable[[], int] = lambda: 0  # how many are logged in
        self._pack = pack
        self._store = store
        self._helpdesk = helpdesk
        self._has_consoles = has_consoles
        self._no_agent_wait_s = no_agent_wait_s

    @property
    def max_queue_wait_s(self) -> float:
        """How long a customer waits in the queue before a call back is noted."""
        longest = float(self._pack.opening_hours.max_wait_s)
        if self._helpdesk is None and not self.agents_online():
            return min(self._no_agent_wait_s, longest)
        return longest

    def route(
        self, session: str, customer: str, effect: UpdateHandoff, now: datetime
    ) -> int | PersonUnavailable | None:
        """What comes of a change in a hand-over: the place in the queue when a person was asked
        for, or why nobody comes."""
        result = self._enqueue(session, customer, effect, now)
        if self._helpdesk is not None:
            self._helpdesk.notify(session, customer, effect, now)
        return result

    def consume_promise(self, session: str, number: int) -> bool:
        """Whether a helpdesk has said who comes: worth waiting for as long again, once."""
        return self._store.consume_promise(session, number)

    def queue_timeout(self, session: str, number: int, now: datetime) -> PersonUnavailable | None:
        """Nobody has come in time; None when somebody has, just now."""
        reason: Literal["nobody", "too_long"] = "too_long"
        if self._helpdesk is None and not self.agents_online():
            reason = "nobody"
        return self._create_callback(session, number, reason, now)

    def _enqueue(
        self, session: str, customer: str, effect: UpdateHandoff, now: datetime
    ) -> int | PersonUnavailable | None:
        if effect.state != "requested":
            return None
        is_urgent = (
            effect.escalation.urgency == "high" and self._pack.opening_hours.urgent_always_reachable
        )
        self._store.requeue_handoff(session, effect.id, _utc(now))  # who had taken it is gone
        place = self._store.enqueue(session, effect.id, effect.escalation, _utc(now), customer)
        if not (is_urgent or self._pack.opening_hours.is_open(now)):
            return self._create_callback(session, effect.id, "closed", now)
        if not self._has_consoles and self._helpdesk is None:
            return self._create_callback(session, effect.id, "nobody", now)
        return place

    def _create_callback(
        self,
        session: str,
        number: int,
        reason: Literal["closed", "nobody", "too_long"],
        now: datetime,
    ) -> PersonUnavailable | None:
        """None when it is in the queue no more."""
        opening_hours, ticket = self._pack.opening_hours, ""
        if opening_hours.issues_tickets:
            ticket = self._store.create_ticket(session, number, reason, _utc(now))
        if not ticket and not self._store.is_queued(session, number):
            return None
        return PersonUnavailable(
            reason, ticket, opening_hours.next_opening_text(now) if reason == "closed" else ""
        )


def _utc(now: datetime) -> str:
    return now.astimezone(UTC).isoformat(timespec="seconds")
