"""Handoff routing: queue, opening hours, agents online, helpdesk.

Every request for a person ends with a person, or with a reason why nobody is available; then the
dialogue may arrange a call back (agent/handoff/callbacks.py). Blocking, but for `availability`;
called in a thread (tests/agent/handoff/test_routing.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from agent.core.effects import UpdateHandoff
from agent.core.records import utc_text
from agent.handoff.online_agents import OnlineAgents
from agent.store import Store
from dialogs.pack.model import Pack
from dialogs.state import PeopleAvailability
from dialogs.values import UnavailableReason


@dataclass(frozen=True, slots=True)
class PersonUnavailable:
    """No person is available. `ticket` is the number of a call back that was promised already,
    `next_opening` is in words; both may be empty."""

    reason: UnavailableReason
    ticket: str = ""
    next_opening: str = ""


class Helpdesk(Protocol):
    """A system outside that is notified of every change of a handoff."""

    def notify(self, session: str, customer: str, effect: UpdateHandoff, now: datetime) -> None: ...


class HandoffRouter:
    """Routes handoffs to the console's queue or to a helpdesk, or says why nobody comes."""

    def __init__(
        self,
        pack: Pack,
        store: Store,
        online_agents: OnlineAgents,
        helpdesk: Helpdesk | None = None,
        has_consoles: bool = False,
        no_agent_wait_s: float = 60.0,
    ) -> None:
        """`has_consoles`: agents can log in at the console; `no_agent_wait_s` is how long a
        customer waits while no agent is online."""
        self._online_agents = online_agents
        self._pack = pack
        self._store = store
        self._helpdesk = helpdesk
        self._has_consoles = has_consoles
        self._no_agent_wait_s = no_agent_wait_s

    @property
    def max_queue_wait_s(self) -> float:
        """How long a customer waits in the queue before they are told that nobody comes."""
        longest = float(self._pack.opening_hours.max_wait_s)
        if self._helpdesk is None and not self._online_agents:
            return min(self._no_agent_wait_s, longest)
        return longest

    def availability(self, now: datetime) -> PeopleAvailability:
        """Whether a person could take over now: within the opening hours, and somebody is logged in
        or a helpdesk is connected. Does not block."""
        opening_hours = self._pack.opening_hours
        if not opening_hours.is_open(now):
            return PeopleAvailability(False, opening_hours.next_opening_text(now))
        return PeopleAvailability(self._helpdesk is not None or bool(self._online_agents))

    def route(
        self, session: str, customer: str, effect: UpdateHandoff, now: datetime
    ) -> int | PersonUnavailable | None:
        """Route a change of a handoff and notify the helpdesk. For a new request, returns the
        position in the queue or why no person is available; None for other changes."""
        result = self._enqueue(session, customer, effect, now)
        if self._helpdesk is not None:
            self._helpdesk.notify(session, customer, effect, now)
        return result

    def consume_promise(self, session: str, number: int) -> bool:
        """Whether a helpdesk promised a person: wait once more as long. Clears the promise."""
        return self._store.consume_promise(session, number)

    def queue_timeout(self, session: str, number: int, now: datetime) -> PersonUnavailable | None:
        """End the wait: nobody came in time. None when a person accepted just now."""
        reason: UnavailableReason = "too_long"
        if self._helpdesk is None and not self._online_agents:
            reason = "nobody"
        return self._end_wait(session, number, reason, now)

    def _enqueue(
        self, session: str, customer: str, effect: UpdateHandoff, now: datetime
    ) -> int | PersonUnavailable | None:
        if effect.state != "requested":
            return None
        is_urgent = (
            effect.escalation.urgency == "high" and self._pack.opening_hours.urgent_always_reachable
        )
        # the person who accepted it is gone
        self._store.requeue_handoff(session, effect.id, utc_text(now))
        place = self._store.enqueue(session, effect.id, effect.escalation, utc_text(now), customer)
        if not (is_urgent or self._pack.opening_hours.is_open(now)):
            return self._end_wait(session, effect.id, "closed", now)
        if not self._has_consoles and self._helpdesk is None:
            return self._end_wait(session, effect.id, "nobody", now)
        return place

    def _end_wait(
        self, session: str, number: int, reason: UnavailableReason, now: datetime
    ) -> PersonUnavailable | None:
        """End the wait of a handoff: nobody comes. None when it is no longer queued."""
        if not self._store.record_unanswered(session, number, reason, utc_text(now)):
            return None
        opening_hours = self._pack.opening_hours
        next_opening = opening_hours.next_opening_text(now) if reason == "closed" else ""
        return PersonUnavailable(reason, next_opening=next_opening)
