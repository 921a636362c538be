"""What is still to be told to a helpdesk? Kept until it is known to have arrived.

Several processes may share an outbox: who wants to tell something claims it first, for a while. If
they die meanwhile, others may claim it afterwards.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, func, select, tuple_, update

from agent.store.database import Database
from agent.store.records import OutboxMessage
from agent.store.tables import outbox

_IS_DUE = outbox.c.state == "due"


class Outbox(Database):
    """Messages that go out at least once, each under one id."""

    def add_message(self, id: str, session: str, number: int, body: str, now: str) -> None:
        """Something to be told from `now` on; the same id again changes nothing."""
        values = {"id": id, "session": session, "number": number, "body": body, "next_at": now}
        with self._transaction() as connection:
            connection.execute(self._insert(outbox), values)

    def claim_due(self, now: str, claimed_until: str, limit: int) -> list[OutboxMessage]:
        """What is to be told by now of at most `limit` hand-overs, those longest due first: nobody
        else gets it before `until`. All that is left of a hand-over, or nothing: so what happened
        to it is told in order."""
        last_due = func.max(outbox.c.next_at)
        handoff_key = (outbox.c.session, outbox.c.number)
        due_handoffs = (
            select(*handoff_key).where(_IS_DUE).group_by(*handoff_key).having(last_due <= now)
        )
        with self._transaction() as connection:
            found = connection.execute(
                due_handoffs.order_by(func.min(outbox.c.next_at), *handoff_key).limit(limit)
            )
            is_unsent = _IS_DUE & tuple_(*handoff_key).in_([tuple(row) for row in found])
            lock = select(outbox).where(is_unsent, outbox.c.next_at <= now).order_by(outbox.c.id)
            rows = connection.execute(lock.with_for_update(skip_locked=True)).all()
            locked_ids = {row.id for row in rows}
            locked_elsewhere = connection.execute(
                select(outbox).where(is_unsent, outbox.c.id.not_in(locked_ids))
            ).all()
            split_handoffs = {
                (row.session, row.number) for row in locked_elsewhere
            }  # somebody else has a part of it
            messages = [
                _outbox_message(row)
                for row in rows
                if (row.session, row.number) not in split_handoffs
            ]
            is_claimed = outbox.c.id.in_([post.id for post in messages])
            connection.execute(update(outbox).where(is_claimed).values(next_at=claimed_until))
        return messages

    def record_delivery(self, id: str, delivered: bool, next_at: str) -> None:
        """It has arrived (`ok`), is to be tried again at `next_at`, or is given up (neither)."""
        state = "arrived" if delivered else "due" if next_at else "given_up"
        values = {"state": state, "next_at": next_at, "tries": outbox.c.tries + 1}
        with self._transaction() as connection:
            connection.execute(update(outbox).where(outbox.c.id == id).values(values))


def _outbox_message(row: Row[Any]) -> OutboxMessage:
    return OutboxMessage(row.id, row.session, row.number, row.body, row.tries)
