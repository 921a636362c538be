"""Deletion by age and erasure on request, down to the database's files.

Rows are deleted and overwritten, and the write-ahead log is truncated. An erasure leaves only a
receipt that names nobody: digests of the sessions' ids and the number of deleted rows. Held by
tests/system/test_erased.py.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection, delete, select

from agent.store.database import Database
from agent.store.records import ErasureReceipt
from agent.store.tables import (
    SESSION_TABLES,
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
    """Deletes sessions and notes, and keeps receipts of erasures."""

    def delete_older_than(self, cutoffs: Mapping[str, str]) -> Mapping[str, int]:
        """Delete all that is older than the cutoff (ISO 8601 in UTC) of its kind: recordings,
        judgements, offers, handovers, tickets. Returns the number deleted by kind; KeyError for
        another kind. Call `overwrite_deleted` afterwards."""
        deleted: dict[str, int] = {}
        with self._transaction() as connection:
            for kind, moment in cutoffs.items():
                deleted[kind] = _DELETE_BY_KIND[kind](connection, moment)
        return deleted

    def erase(self, session_or_customer: str, now: str) -> ErasureReceipt | None:
        """Erase a session, or all sessions of a customer, by id. None when nothing is stored.

        A conversation that is still running ends with its next row, which `append_rows` drops.
        """
        with self._transaction() as connection:
            rows: Counter[str] = Counter()
            ids = [
                id
                for id in _find_session_ids(connection, session_or_customer)
                if _delete_session(connection, id, rows)
            ]
            if not ids:
                return None
            digests = tuple(sorted(hashlib.sha256(id.encode()).hexdigest() for id in ids))
            receipt = ErasureReceipt(_receipt_id(digests, now), now, digests, dict(rows))
            connection.execute(self._insert(receipts), receipt.as_dict())
        return replace(receipt, overwritten=self.overwrite_deleted())

    def read_receipts(self) -> list[ErasureReceipt]:
        """All receipts, oldest first."""
        with self._read_connection() as connection:
            rows = connection.execute(select(receipts).order_by(receipts.c.at)).mappings().all()
        return [
            ErasureReceipt(r["id"], r["at"], tuple(r["sessions"]), r["rows"], r["overwritten"])
            for r in rows
        ]


def _find_session_ids(connection: Connection, session_or_customer: str) -> list[str]:
    """The id itself, as that of a session, and the sessions of the customer of that id."""
    ids = {session_or_customer}
    for table, id in ((sessions, sessions.c.id), (handoffs, handoffs.c.session)):
        ids |= set(
            connection.execute(select(id).where(table.c.customer == session_or_customer)).scalars()
        )
    return sorted(ids)


def _delete_session(connection: Connection, id: str, rows: Counter[str]) -> bool:
    """Delete all rows of a session and count them by table; False when there were none."""
    before = rows.total()
    for table in SESSION_TABLES:
        rows[table.name] += connection.execute(delete(table).where(table.c.session == id)).rowcount
    rows["sessions"] += connection.execute(delete(sessions).where(sessions.c.id == id)).rowcount
    return rows.total() > before


def _receipt_id(digests: tuple[str, ...], now: str) -> str:
    return hashlib.sha256(f"{now} {' '.join(digests)}".encode()).hexdigest()[:16]


def _delete_recordings(connection: Connection, moment: str) -> int:
    is_old = (sessions.c.state == "ended") & (sessions.c.ended_at < moment)
    ids = list(connection.execute(select(sessions.c.id).where(is_old)).scalars())
    for id in ids:
        for table in (inputs, audio):
            connection.execute(delete(table).where(table.c.session == id))
        connection.execute(delete(sessions).where(sessions.c.id == id))
    return len(ids)


def _delete_judgements(connection: Connection, moment: str) -> int:
    return connection.execute(delete(judgements).where(judgements.c.kept_at < moment)).rowcount


def _delete_offers(connection: Connection, moment: str) -> int:
    return connection.execute(delete(offers).where(offers.c.kept_at < moment)).rowcount


def _delete_handoffs(connection: Connection, moment: str) -> int:
    is_old = (handoffs.c.asked_at < moment) & handoffs.c.state.in_(("ended", "accepted"))
    is_delivered = (outbox.c.state != "due") & (outbox.c.next_at < moment)
    connection.execute(delete(outbox).where(is_delivered))
    return connection.execute(delete(handoffs).where(is_old)).rowcount


def _delete_tickets(connection: Connection, moment: str) -> int:
    is_old = (handoffs.c.asked_at < moment) & handoffs.c.state.in_(("callback", "queued"))
    return connection.execute(delete(handoffs).where(is_old)).rowcount


_DELETE_BY_KIND = {
    "recordings": _delete_recordings,
    "judgements": _delete_judgements,
    "offers": _delete_offers,
    "handovers": _delete_handoffs,
    "tickets": _delete_tickets,
}
