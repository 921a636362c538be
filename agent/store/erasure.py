"""How is something forgotten, so that it is nowhere any more?

Rows are deleted and overwritten, and the log of writes is emptied. What stays of an erasure is a
receipt that names nobody: digests of the sessions' ids and how many rows went.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection, delete, select

from agent.store.database import Database
from agent.store.records import Receipt
from agent.store.tables import (
    OF_A_SESSION,
    audio,
    handoffs,
    inputs,
    judgements,
    offers,
    outbox,
    receipts,
    sessions,
)


class Erasure(Database):
    """What ends what is kept."""

    def forget(self, before: Mapping[str, str]) -> Mapping[str, int]:
        """Delete what is older than the moment (ISO 8601 in UTC) of its kind: recordings,
        judgements, offers, handovers, tickets. How many of each went; KeyError: no such kind.
        `overwrite` is to follow."""
        gone: dict[str, int] = {}
        with self._writing() as books:
            for kind, moment in before.items():
                gone[kind] = _FORGET[kind](books, moment)
        return gone

    def erase(self, whose: str, now: str) -> Receipt | None:
        """Everything of a session, or of every session of a customer, by id. None: nothing there.

        A conversation that is going on ends with its next row, which is not kept (`append`).
        """
        with self._writing() as books:
            rows: Counter[str] = Counter()
            ids = [id for id in _sessions_of(books, whose) if _delete(books, id, rows)]
            if not ids:
                return None
            digests = tuple(sorted(hashlib.sha256(id.encode()).hexdigest() for id in ids))
            receipt = Receipt(_receipt_id(digests, now), now, digests, dict(rows))
            books.execute(self._insert(receipts), receipt.as_dict())
        return replace(receipt, overwritten=self.overwrite())

    def receipts(self) -> list[Receipt]:
        with self._reading() as books:
            rows = books.execute(select(receipts).order_by(receipts.c.at)).mappings().all()
        return [
            Receipt(r["id"], r["at"], tuple(r["sessions"]), r["rows"], r["overwritten"])
            for r in rows
        ]


def _sessions_of(books: Connection, whose: str) -> list[str]:
    """The session of that id, and all of the customer of that id."""
    found = {whose}
    for table, id in ((sessions, sessions.c.id), (handoffs, handoffs.c.session)):
        found |= set(books.execute(select(id).where(table.c.customer == whose)).scalars())
    return sorted(found)


def _delete(books: Connection, id: str, rows: Counter[str]) -> bool:
    """Delete all of a session and count it by table; False when there was nothing."""
    before = rows.total()
    for table in OF_A_SESSION:
        rows[table.name] += books.execute(delete(table).where(table.c.session == id)).rowcount
    rows["sessions"] += books.execute(delete(sessions).where(sessions.c.id == id)).rowcount
    return rows.total() > before


def _receipt_id(digests: tuple[str, ...], now: str) -> str:
    return hashlib.sha256(f"{now} {' '.join(digests)}".encode()).hexdigest()[:16]


def _recordings(books: Connection, moment: str) -> int:
    old = (sessions.c.state == "ended") & (sessions.c.ended_at < moment)
    ids = list(books.execute(select(sessions.c.id).where(old)).scalars())
    for id in ids:
        for table in (inputs, audio):
            books.execute(delete(table).where(table.c.session == id))
        books.execute(delete(sessions).where(sessions.c.id == id))
    return len(ids)


def _judgements(books: Connection, moment: str) -> int:
    return books.execute(delete(judgements).where(judgements.c.kept_at < moment)).rowcount


def _offers(books: Connection, moment: str) -> int:
    return books.execute(delete(offers).where(offers.c.kept_at < moment)).rowcount


def _handovers(books: Connection, moment: str) -> int:
    old = (handoffs.c.asked_at < moment) & handoffs.c.state.in_(("ended", "accepted"))
    told = (outbox.c.state != "due") & (outbox.c.next_at < moment)
    books.execute(delete(outbox).where(told))
    return books.execute(delete(handoffs).where(old)).rowcount


def _tickets(books: Connection, moment: str) -> int:
    old = (handoffs.c.asked_at < moment) & handoffs.c.state.in_(("callback", "queued"))
    return books.execute(delete(handoffs).where(old)).rowcount


_FORGET = {
    "recordings": _recordings,
    "judgements": _judgements,
    "offers": _offers,
    "handovers": _handovers,
    "tickets": _tickets,
}
