"""Who waits for a person, who has taken whom, and who is to be called back?

A hand-over is kept once, under its session and number, and changes state by one statement, so that
of several who reach for it exactly one gets it.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from sqlalchemy import ColumnElement, select, update

from agent.store.database import Database
from agent.store.records import CallbackTicket, QueuedCustomer
from agent.store.tables import handoffs
from dialogs.values import Escalation

URGENCIES = ("high", "normal", "low")


class HandoffQueue(Database):
    """The hand-overs of all sessions."""

    def enqueue(
        self, session: str, number: int, escalation: Escalation, now: str, customer: str = ""
    ) -> int:
        """Put a customer in the queue, once; answers the place among those connected, from 1, or 0
        for one who waits no more.

        The more urgent come first, then those who have waited longer. `now` is ISO 8601.
        """
        values = {
            "session": session,
            "number": number,
            "asked_at": now,
            "rule": escalation.rule,
            "urgency": escalation.urgency,
            "probability": escalation.probability,
            "summary": escalation.summary,
            "evidence": json.dumps([asdict(term) for term in escalation.evidence]),
            "customer": customer,
        }
        if session in self._erased_sessions:
            return 0
        with self._transaction() as connection:
            connection.execute(self._insert(handoffs), values)
        connected = [(one.session, one.number) for one in self.queued_customers() if one.connected]
        return connected.index((session, number)) + 1 if (session, number) in connected else 0

    def queued_customers(self) -> list[QueuedCustomer]:
        """Everyone in the queue, in the order they are served."""
        query = select(handoffs).where(handoffs.c.state == "queued").order_by(handoffs.c.id)
        with self._read_connection() as connection:
            rows = connection.execute(query).all()
        customers = [
            QueuedCustomer(
                session=row.session,
                number=row.number,
                asked_at=row.asked_at,
                rule=row.rule,
                urgency=row.urgency,
                summary=row.summary,
                connected=row.present,
                probability=row.probability,
                evidence=tuple(json.loads(row.evidence)),
                customer=row.customer,
            )
            for row in rows
        ]
        return sorted(customers, key=lambda one: URGENCIES.index(one.urgency))

    def accept_handoff(self, session: str, number: int, name: str, now: str) -> bool:
        """Whether it is `name` who gets this hand-over: True for one of all who try."""
        return self._update_handoff(session, number, ("queued",), state="accepted", name=name,
                            changed_at=now)  # fmt: skip

    def requeue_handoff(self, session: str, number: int, now: str) -> None:
        """Whoever had taken it is gone: it waits again, as long as it has waited before."""
        self._update_handoff(
            session, number, ("accepted",), state="queued", name="", changed_at=now
        )

    def record_promise(self, session: str, number: int, name: str) -> None:
        """`name` comes, says somebody outside: it waits for them as long again."""
        self._update_handoff(session, number, ("queued",), name=name)

    def consume_promise(self, session: str, number: int) -> bool:
        """Whether somebody was promised who has not come yet; a promise is believed once."""
        has_promise = (
            _is_handoff(session, number) & (handoffs.c.state == "queued") & (handoffs.c.name != "")
        )
        with self._transaction() as connection:
            return bool(
                connection.execute(update(handoffs).where(has_promise).values(name="")).rowcount
            )

    def finish_handoff(self, session: str, number: int, outcome: str, now: str) -> None:
        """It is over. `outcome` is a word of whoever had it."""
        self._update_handoff(session, number, ("queued", "accepted"), state="ended", outcome=outcome,
                     changed_at=now)  # fmt: skip

    def create_ticket(self, session: str, number: int, reason: str, now: str) -> str:
        """Note that somebody calls back; the ticket's number, always the same for a hand-over.
        Empty for one that nobody waits for any more: it was taken, or is over."""
        condition = _is_handoff(session, number)
        with self._read_connection() as connection:
            id = connection.execute(select(handoffs.c.id).where(condition)).scalar()
        if id is None:
            return ""
        self._update_handoff(session, number, ("queued",), state="callback", ticket=f"C{id:05d}", why=reason,
                     changed_at=now)  # fmt: skip
        has_ticket = condition & (handoffs.c.state == "callback")
        with self._read_connection() as connection:
            return connection.execute(select(handoffs.c.ticket).where(has_ticket)).scalar() or ""

    def is_queued(self, session: str, number: int) -> bool:
        """Whether it is still to be taken by somebody."""
        condition = _is_handoff(session, number) & (handoffs.c.state == "queued")
        with self._read_connection() as connection:
            return connection.execute(select(handoffs.c.id).where(condition)).scalar() is not None

    def callback_tickets(self) -> list[CallbackTicket]:
        """Everyone who is to be called back, oldest first."""
        columns = (
            handoffs.c.ticket, handoffs.c.session, handoffs.c.number, handoffs.c.customer,
            handoffs.c.why, handoffs.c.changed_at, handoffs.c.summary,
        )  # fmt: skip
        query = select(*columns).where(handoffs.c.state == "callback").order_by(handoffs.c.id)
        with self._read_connection() as connection:
            return [CallbackTicket(*row) for row in connection.execute(query).all()]

    def set_connected(self, session: str, connected: bool) -> None:
        """Whether the customer is connected."""
        with self._transaction() as connection:
            condition = handoffs.c.session == session
            connection.execute(update(handoffs).where(condition).values(present=int(connected)))

    def mark_disconnected(self, session: str) -> None:
        """The customer is gone; the request stays, so that somebody can call back."""
        self.set_connected(session, False)

    def _update_handoff(
        self, session: str, number: int, from_states: tuple[str, ...], **values: object
    ) -> bool:
        condition = _is_handoff(session, number) & handoffs.c.state.in_(from_states)
        with self._transaction() as connection:
            return bool(
                connection.execute(update(handoffs).where(condition).values(values)).rowcount
            )


def _is_handoff(session: str, number: int) -> ColumnElement[bool]:
    return (handoffs.c.session == session) & (handoffs.c.number == number)
