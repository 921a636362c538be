"""What is still to be told to a helpdesk? Kept until it is known to have arrived."""

from __future__ import annotations

from sqlalchemy import select, update

from agent.store.database import Database
from agent.store.records import Post
from agent.store.tables import outbox


class Outbox(Database):
    """Messages that go out at least once, each under one id."""

    def post(self, id: str, session: str, number: int, body: str, now: str) -> None:
        """Something to be told from `now` on; the same id again changes nothing."""
        values = {"id": id, "session": session, "number": number, "body": body, "next_at": now}
        with self._writing() as books:
            books.execute(self._insert(outbox), values)

    def due(self, now: str) -> list[Post]:
        """What is to be told by now, oldest first."""
        wanted = select(outbox).where((outbox.c.state == "due") & (outbox.c.next_at <= now))
        with self._reading() as books:
            rows = books.execute(wanted.order_by(outbox.c.next_at, outbox.c.id)).all()
        return [Post(row.id, row.session, row.number, row.body, row.tries) for row in rows]

    def posted(self, id: str, ok: bool, next_at: str) -> None:
        """It has arrived (`ok`), is to be tried again at `next_at`, or is given up (neither)."""
        state = "arrived" if ok else "due" if next_at else "given_up"
        values = {"state": state, "next_at": next_at, "tries": outbox.c.tries + 1}
        with self._writing() as books:
            books.execute(update(outbox).where(outbox.c.id == id).values(values))
