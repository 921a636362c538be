"""Who waits for a person, who has taken whom, and who is to be called back?

A hand-over is kept once, under its session and number, and changes state by one statement, so that
of several who reach for it exactly one gets it.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from sqlalchemy import ColumnElement, select, update

from agent.store.database import Database
from agent.store.records import Ticket, Waiting
from agent.store.tables import handoffs
from dialogs.values import Escalation

URGENCIES = ("high", "normal", "low")


class Queue(Database):
    """The hand-overs of all sessions."""

    def queue(
        self, session: str, number: int, why: Escalation, now: str, customer: str = ""
    ) -> int:
        """Put a customer in the queue, once; answers the place among those connected, from 1, or 0
        for one who waits no more.

        The more urgent come first, then those who have waited longer. `now` is ISO 8601.
        """
        values = {
            "session": session,
            "number": number,
            "asked_at": now,
            "rule": why.rule,
            "urgency": why.urgency,
            "probability": why.probability,
            "summary": why.summary,
            "evidence": json.dumps([asdict(term) for term in why.evidence]),
            "customer": customer,
        }
        if session in self._erased:
            return 0
        with self._writing() as books:
            books.execute(self._insert(handoffs), values)
        waiting = [(one.session, one.number) for one in self.waiting() if one.present]
        return waiting.index((session, number)) + 1 if (session, number) in waiting else 0

    def waiting(self) -> list[Waiting]:
        """Everyone in the queue, in the order they are served."""
        wanted = select(handoffs).where(handoffs.c.state == "queued").order_by(handoffs.c.id)
        with self._reading() as books:
            rows = books.execute(wanted).all()
        people = [
            Waiting(
                session=row.session,
                number=row.number,
                asked_at=row.asked_at,
                rule=row.rule,
                urgency=row.urgency,
                summary=row.summary,
                present=row.present,
                probability=row.probability,
                evidence=tuple(json.loads(row.evidence)),
                customer=row.customer,
            )
            for row in rows
        ]
        return sorted(people, key=lambda one: URGENCIES.index(one.urgency))

    def accept(self, session: str, number: int, name: str, now: str) -> bool:
        """Whether it is `name` who gets this hand-over: True for one of all who try."""
        return self._change(session, number, ("queued",), state="accepted", name=name,
                            changed_at=now)  # fmt: skip

    def requeue(self, session: str, number: int, now: str) -> None:
        """Whoever had taken it is gone: it waits again, as long as it has waited before."""
        self._change(session, number, ("accepted",), state="queued", name="", changed_at=now)

    def promise(self, session: str, number: int, name: str) -> None:
        """`name` comes, says somebody outside: it waits for them as long again."""
        self._change(session, number, ("queued",), name=name)

    def promised(self, session: str, number: int) -> bool:
        """Whether somebody was promised who has not come yet; a promise is believed once."""
        waits = _of(session, number) & (handoffs.c.state == "queued") & (handoffs.c.name != "")
        with self._writing() as books:
            return bool(books.execute(update(handoffs).where(waits).values(name="")).rowcount)

    def finish(self, session: str, number: int, outcome: str, now: str) -> None:
        """It is over. `outcome` is a word of whoever had it."""
        self._change(session, number, ("queued", "accepted"), state="ended", outcome=outcome,
                     changed_at=now)  # fmt: skip

    def ticket(self, session: str, number: int, why: str, now: str) -> str:
        """Note that somebody calls back; the ticket's number, always the same for a hand-over.
        Empty for one that nobody waits for any more: it was taken, or is over."""
        of = _of(session, number)
        with self._reading() as books:
            id = books.execute(select(handoffs.c.id).where(of)).scalar()
        if id is None:
            return ""
        self._change(session, number, ("queued",), state="callback", ticket=f"C{id:05d}", why=why,
                     changed_at=now)  # fmt: skip
        noted = of & (handoffs.c.state == "callback")
        with self._reading() as books:
            return books.execute(select(handoffs.c.ticket).where(noted)).scalar() or ""

    def waits(self, session: str, number: int) -> bool:
        """Whether it is still to be taken by somebody."""
        queued = _of(session, number) & (handoffs.c.state == "queued")
        with self._reading() as books:
            return books.execute(select(handoffs.c.id).where(queued)).scalar() is not None

    def tickets(self) -> list[Ticket]:
        """Everyone who is to be called back, oldest first."""
        columns = (
            handoffs.c.ticket, handoffs.c.session, handoffs.c.number, handoffs.c.customer,
            handoffs.c.why, handoffs.c.changed_at, handoffs.c.summary,
        )  # fmt: skip
        wanted = select(*columns).where(handoffs.c.state == "callback").order_by(handoffs.c.id)
        with self._reading() as books:
            return [Ticket(*row) for row in books.execute(wanted).all()]

    def present(self, session: str, present: bool) -> None:
        """Whether the customer is connected."""
        with self._writing() as books:
            of = handoffs.c.session == session
            books.execute(update(handoffs).where(of).values(present=int(present)))

    def left(self, session: str) -> None:
        """The customer is gone; the request stays, so that somebody can call back."""
        self.present(session, False)

    def _change(self, session: str, number: int, before: tuple[str, ...], **values: object) -> bool:
        where = _of(session, number) & handoffs.c.state.in_(before)
        with self._writing() as books:
            return bool(books.execute(update(handoffs).where(where).values(values)).rowcount)


def _of(session: str, number: int) -> ColumnElement[bool]:
    return (handoffs.c.session == session) & (handoffs.c.number == number)
