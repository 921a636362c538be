"""The queue of handoffs: waiting customers, who accepted them, and call-back tickets.

A handoff is stored once, under its session and number. It changes state by one SQL statement, so
that exactly one of several people who accept it gets it.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from agent.store.database import Database
from agent.store.records import CallbackRequest, CallbackTicket, QueuedCustomer
from agent.store.tables import handoffs
from dialogs.pack.reserved_names import CARE_PREFIX
from dialogs.values import Escalation

URGENCIES = ("high", "normal", "low")
TICKET_COLUMNS = (
    handoffs.c.ticket, handoffs.c.session, handoffs.c.number, handoffs.c.customer,
    handoffs.c.why, handoffs.c.changed_at, handoffs.c.summary, handoffs.c.contact,
    handoffs.c.contact_name, handoffs.c.due_at,
)  # fmt: skip


class HandoffQueue(Database):
    """The handoffs of all sessions."""

    def enqueue(
        self, session: str, number: int, escalation: Escalation, now: str, customer: str = ""
    ) -> int:
        """Put a customer in the queue, once. Returns the position among connected customers, from
        1, or 0 when the handoff is no longer queued or its session was erased.

        More urgent customers come first, of those people in danger or distress, then those who
        have waited longer. `now` is ISO 8601.
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
        """All customers in the queue, in the order in which they are served."""
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
        return sorted(customers, key=_rank)

    def accept_handoff(self, session: str, number: int, name: str, now: str) -> bool:
        """Give a queued handoff to `name`. True for exactly one of all who try."""
        return self._update_handoff(
            session, number, ("queued",), state="accepted", name=name, changed_at=now
        )

    def requeue_handoff(self, session: str, number: int, now: str) -> None:
        """Queue an accepted handoff again, at its old place: the person who took it is gone."""
        self._update_handoff(
            session, number, ("accepted",), state="queued", name="", changed_at=now
        )

    def record_promise(self, session: str, number: int, name: str) -> None:
        """Note that a helpdesk promised `name`, so that the customer waits once more as long."""
        self._update_handoff(session, number, ("queued",), name=name)

    def consume_promise(self, session: str, number: int) -> bool:
        """Whether a person is promised who has not come yet; clears the promise."""
        has_promise = (
            _is_handoff(session, number) & (handoffs.c.state == "queued") & (handoffs.c.name != "")
        )
        with self._transaction() as connection:
            return bool(
                connection.execute(update(handoffs).where(has_promise).values(name="")).rowcount
            )

    def finish_handoff(self, session: str, number: int, outcome: str, now: str) -> None:
        """End a queued or accepted handoff. `outcome` is a word of the person who had it."""
        states = ("queued", "accepted")
        self._update_handoff(
            session, number, states, state="ended", outcome=outcome, changed_at=now
        )

    def finish_accepted_handoffs(self, session: str, outcome: str, now: str) -> None:
        """End the handoffs of this session that a person has accepted."""
        condition = (handoffs.c.session == session) & (handoffs.c.state == "accepted")
        values = {"state": "ended", "outcome": outcome, "changed_at": now}
        with self._transaction() as connection:
            connection.execute(update(handoffs).where(condition).values(values))

    def withdraw_handoff(self, session: str, number: int, now: str) -> None:
        """End a handoff that is still queued: the customer needs nobody any more."""
        self._update_handoff(
            session, number, ("queued",), state="ended", outcome="withdrawn", changed_at=now
        )

    def record_unanswered(self, session: str, number: int, reason: str, now: str) -> bool:
        """End the wait of a queued handoff: nobody came, and the customer may be called back.
        Whether it has ended so, now or before; False when it was accepted or is over."""
        values = {"state": "callback", "why": reason, "changed_at": now}
        self._update_handoff(session, number, ("queued",), **values)
        condition = _is_handoff(session, number) & (handoffs.c.state == "callback")
        with self._read_connection() as connection:
            return connection.execute(select(handoffs.c.id).where(condition)).scalar() is not None

    def is_queued(self, session: str, number: int) -> bool:
        """Whether the handoff is still in the queue."""
        condition = _is_handoff(session, number) & (handoffs.c.state == "queued")
        with self._read_connection() as connection:
            return connection.execute(select(handoffs.c.id).where(condition)).scalar() is not None

    def arrange_callback(
        self, request: CallbackRequest, customer: str, now: str
    ) -> CallbackTicket | None:
        """Promise a call back for the last handoff that nobody took, or for the conversation itself
        when there was none. Returns its ticket, the same for the same key; None when the session
        was erased."""
        of_session = handoffs.c.session == request.session
        if request.session in self._erased_sessions:
            return None
        with self._transaction() as connection:
            known = select(*TICKET_COLUMNS).where(of_session, handoffs.c.call_key == request.key)
            if (row := connection.execute(known).first()) is not None:
                return CallbackTicket(*row)
            unanswered = select(handoffs.c.id).where(of_session, handoffs.c.state == "callback")
            id = connection.execute(unanswered.order_by(handoffs.c.number.desc())).scalar()
            if id is None:
                id = self._add_unrequested(connection, request, customer, now)
            values = {
                "ticket": f"C{id:05d}",
                "contact": request.contact,
                "contact_name": request.name,
                "due_at": request.due_at,
                "call_key": request.key,
                "changed_at": now,
            }
            connection.execute(update(handoffs).where(handoffs.c.id == id).values(values))
            row = connection.execute(select(*TICKET_COLUMNS).where(handoffs.c.id == id)).one()
        return CallbackTicket(*row)

    def _add_unrequested(
        self, connection: Connection, request: CallbackRequest, customer: str, now: str
    ) -> int:
        """A row for a call back that no handoff led to: its number is below those of handoffs."""
        lowest = connection.execute(
            select(func.min(handoffs.c.number)).where(handoffs.c.session == request.session)
        ).scalar()
        values = {
            "session": request.session,
            "number": min(0, 0 if lowest is None else lowest - 1),
            "asked_at": now,
            "rule": "call_back",
            "urgency": "normal",
            "probability": 1.0,
            "summary": request.about,
            "evidence": "[]",
            "state": "callback",
            "customer": customer,
            "why": "nobody",
        }
        inserted = connection.execute(insert(handoffs).values(values).returning(handoffs.c.id))
        return int(inserted.scalar_one())

    def callback_tickets(self) -> list[CallbackTicket]:
        """All customers to call back, oldest first."""
        promised = (handoffs.c.state == "callback") & (handoffs.c.ticket != "")
        query = select(*TICKET_COLUMNS).where(promised).order_by(handoffs.c.id)
        with self._read_connection() as connection:
            return [CallbackTicket(*row) for row in connection.execute(query).all()]

    def finish_callback(
        self, ticket: str, name: str, outcome: str, now: str
    ) -> CallbackTicket | None:
        """The customer was called back by `name`: the ticket is done and its contact forgotten.
        Returns the ticket as it was; None when there is none, or somebody else has done it."""
        is_open = (handoffs.c.state == "callback") & (handoffs.c.ticket == ticket) & (ticket != "")
        values = {
            "state": "ended",
            "name": name,
            "outcome": outcome,
            "changed_at": now,
            "contact": "",
            "contact_name": "",
        }
        with self._transaction() as connection:
            row = connection.execute(select(*TICKET_COLUMNS).where(is_open)).first()
            done = connection.execute(update(handoffs).where(is_open).values(values)).rowcount
        return CallbackTicket(*row) if row is not None and done else None

    def set_connected(self, session: str, connected: bool) -> None:
        """Set whether the customer is connected."""
        with self._transaction() as connection:
            condition = handoffs.c.session == session
            connection.execute(update(handoffs).where(condition).values(present=int(connected)))

    def mark_disconnected(self, session: str) -> None:
        """The customer has left. The handoff stays, so that somebody can call back."""
        self.set_connected(session, False)

    def _update_handoff(
        self, session: str, number: int, from_states: tuple[str, ...], **values: object
    ) -> bool:
        condition = _is_handoff(session, number) & handoffs.c.state.in_(from_states)
        with self._transaction() as connection:
            return bool(
                connection.execute(update(handoffs).where(condition).values(values)).rowcount
            )


def _rank(customer: QueuedCustomer) -> tuple[int, bool]:
    """More urgent customers come first; of those, people in danger or distress."""
    return URGENCIES.index(customer.urgency), not customer.rule.startswith(CARE_PREFIX)


def _is_handoff(session: str, number: int) -> ColumnElement[bool]:
    return (handoffs.c.session == session) & (handoffs.c.number == number)
