"""What outlives a conversation?

For now the queue of those who wait for a person: appended when a session asks for one, kept until
somebody takes it. SQLite in write-ahead mode, one connection, safe to call from several threads.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from dialogs.talk import Escalation

SCHEMA = """
create table if not exists handoffs (
    id integer primary key,
    session text not null,
    number integer not null,
    asked_at text not null,
    rule text not null,
    urgency text not null,
    probability real not null,
    summary text not null,
    evidence text not null,
    state text not null default 'queued' check (state in ('queued', 'accepted', 'ended')),
    present integer not null default 1,
    unique (session, number)
)
"""
URGENCIES = ("high", "normal", "low")


@dataclass(frozen=True, slots=True)
class Waiting:
    """One customer who waits for a person."""

    session: str
    number: int
    asked_at: str
    rule: str
    urgency: str
    summary: str
    present: int  # 1 while connected; who has left (0) is to be called back


class Store:
    """The database of one server."""

    def __init__(self, path: Path | str) -> None:
        if isinstance(path, Path):
            path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._db.execute(SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def queue(self, session: str, number: int, why: Escalation, now: str) -> int:
        """Put a customer in the queue, once; answers the place among those connected, from 1.

        The more urgent come first, then those who have waited longer. `now` is ISO 8601.
        """
        evidence = json.dumps([asdict(term) for term in why.evidence])
        row = (session, number, now, why.rule, why.urgency, why.probability, why.summary, evidence)
        with self._lock:
            self._db.execute(
                "insert into handoffs (session, number, asked_at, rule, urgency, probability,"
                " summary, evidence) values (?, ?, ?, ?, ?, ?, ?, ?)"
                " on conflict do nothing",
                row,
            )
        waiting = [(one.session, one.number) for one in self.waiting() if one.present]
        return waiting.index((session, number)) + 1

    def waiting(self) -> list[Waiting]:
        """Everyone in the queue, in the order they are served."""
        with self._lock:
            rows = self._db.execute(
                "select session, number, asked_at, rule, urgency, summary, present from handoffs"
                " where state = 'queued' order by id"
            ).fetchall()
        people = [Waiting(*row) for row in rows]
        return sorted(people, key=lambda one: URGENCIES.index(one.urgency))

    def left(self, session: str) -> None:
        """The customer is gone; the request stays, so that somebody can call back."""
        with self._lock:
            self._db.execute("update handoffs set present = 0 where session = ?", (session,))
