"""The outbox of messages to a helpdesk, each kept until its delivery is known.

Several processes may share an outbox: a process claims messages for a limited time before it sends
them. If it dies meanwhile, another can claim them afterwards.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, func, select, tuple_, update

from agent.store.database import Database
from agent.store.records import OutboxMessage
from agent.store.tables import outbox

_IS_DUE = outbox.c.state == "due"


class Outbox(Database):
    """Messages that are delivered at least once, always under the same id."""

    def add_message(self, id: str, session: str, number: int, body: str, now: str) -> None:
        """Add a message that is due from `now` on; the same id again changes nothing."""
        values = {"id": id, "session": session, "number": number, "body": body, "next_at": now}
        with self._transaction() as connection:
            connection.execute(self._insert(outbox), values)

    def claim_due(self, now: str, claimed_until: str, limit: int) -> list[OutboxMessage]:
        """Claim the due messages of at most `limit` handoffs, longest due first, until
        `claimed_until`. All unsent messages of a handoff are claimed together or not at all, so
        that its events are delivered in order."""
        last_due = func.max(outbox.c.next_at)
        handoff_key = (outbox.c.session, outbox.c.number)
        due_handoffs = (
            select(*handoff_key).where(_IS_DUE).group_by(*handoff_key).having(last_due <= now)
        )
        with self._transaction() as connection:
            next_handoffs = connection.execute(
                due_handoffs.order_by(func.min(outbox.c.next_at), *handoff_key).limit(limit)
            )
            is_unsent = _IS_DUE & tuple_(*handoff_key).in_([tuple(row) for row in next_handoffs])
            lock = select(outbox).where(is_unsent, outbox.c.next_at <= now).order_by(outbox.c.id)
            rows = connection.execute(lock.with_for_update(skip_locked=True)).all()
            locked_ids = {row.id for row in rows}
            locked_elsewhere = connection.execute(
                select(outbox).where(is_unsent, outbox.c.id.not_in(locked_ids))
            ).all()
            # another process holds a part
            split_handoffs = {(row.session, row.number) for row in locked_elsewhere}
            messages = [
                _outbox_message(row)
                for row in rows
                if (row.session, row.number) not in split_handoffs
            ]
            is_claimed = outbox.c.id.in_([post.id for post in messages])
            connection.execute(update(outbox).where(is_claimed).values(next_at=claimed_until))
        return messages

    def record_delivery(self, id: str, delivered: bool, next_at: str) -> None:
        """A message was `delivered`, is to be sent again at `next_at`, or is given up (neither)."""
        state = "arrived" if delivered else "due" if next_at else "given_up"
        values = {"state": state, "next_at": next_at, "tries": outbox.c.tries + 1}
        with self._transaction() as connection:
            connection.execute(update(outbox).where(outbox.c.id == id).values(values))


def _outbox_message(row: Row[Any]) -> OutboxMessage:
    return OutboxMessage(row.id, row.session, row.number, row.body, row.tries)
