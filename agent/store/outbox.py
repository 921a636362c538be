"""What is still to be told to a helpdesk? Kept until it is known to have arrived.

Several processes may share an outbox: who wants to tell something claims it first, for a while. If
they die meanwhile, others may claim it afterwards.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, func, select, tuple_, update

from agent.store.database import Database
from agent.store.records import Post
from agent.store.tables import outbox

_DUE = outbox.c.state == "due"


class Outbox(Database):
    """Messages that go out at least once, each under one id."""

    def post(self, id: str, session: str, number: int, body: str, now: str) -> None:
        """Something to be told from `now` on; the same id again changes nothing."""
        values = {"id": id, "session": session, "number": number, "body": body, "next_at": now}
        with self._writing() as books:
            books.execute(self._insert(outbox), values)

    def claim(self, now: str, until: str, limit: int) -> list[Post]:
        """What is to be told by now of at most `limit` hand-overs, those longest due first: nobody
        else gets it before `until`. All that is left of a hand-over, or nothing: so what happened
        to it is told in order."""
        last = func.max(outbox.c.next_at)
        of = (outbox.c.session, outbox.c.number)
        wanted = select(*of).where(_DUE).group_by(*of).having(last <= now)
        with self._writing() as books:
            found = books.execute(wanted.order_by(func.min(outbox.c.next_at), *of).limit(limit))
            left = _DUE & tuple_(*of).in_([tuple(row) for row in found])
            lock = select(outbox).where(left, outbox.c.next_at <= now).order_by(outbox.c.id)
            rows = books.execute(lock.with_for_update(skip_locked=True)).all()
            ours = {row.id for row in rows}
            taken = books.execute(select(outbox).where(left, outbox.c.id.not_in(ours))).all()
            apart = {(row.session, row.number) for row in taken}  # somebody else has a part of it
            posts = [_post(row) for row in rows if (row.session, row.number) not in apart]
            mine = outbox.c.id.in_([post.id for post in posts])
            books.execute(update(outbox).where(mine).values(next_at=until))
        return posts

    def posted(self, id: str, ok: bool, next_at: str) -> None:
        """It has arrived (`ok`), is to be tried again at `next_at`, or is given up (neither)."""
        state = "arrived" if ok else "due" if next_at else "given_up"
        values = {"state": state, "next_at": next_at, "tries": outbox.c.tries + 1}
        with self._writing() as books:
            books.execute(update(outbox).where(outbox.c.id == id).values(values))


def _post(row: Row[Any]) -> Post:
    return Post(row.id, row.session, row.number, row.body, row.tries)
