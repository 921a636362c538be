"""What outlives a conversation?

The queue of those who wait for a person: appended when a session asks for one, kept until somebody
takes it. How escalation judged each turn and what became of offers: for as many days as the
settings say. SQLite in write-ahead mode, one connection, safe to call from several threads.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from agent.notes import NOTES, LoggedOffer, Note, TurnNote
from dialogs.talk import Escalation, OfferAnswered, OfferMade

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
);
create table if not exists judgements (
    session text not null,
    turn integer not null,
    kept_at text not null,
    channel text not null,
    handed_over integer not null,
    note text not null,
    primary key (session, turn)
) without rowid;
create index if not exists judgements_kept_at on judgements (kept_at);
create table if not exists offers (
    session text not null,
    number integer not null,
    turn integer not null,
    kept_at text not null,
    context text not null,
    scores text not null,
    chosen text not null,
    propensity real not null check (propensity > 0 and propensity <= 1),
    outcome text not null,
    changes text not null default '[]',
    primary key (session, number)
);
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


@dataclass(frozen=True, slots=True)
class Kept:
    """A conversation of which judgements are kept. `began_at` is the first one's day and time."""

    session: str
    began_at: str
    channel: str
    turns: int
    handed_over: int


class Store:
    """The database of one server."""

    def __init__(self, path: Path | str) -> None:
        if isinstance(path, Path):
            path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._db.executescript(SCHEMA)

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

    def remember(self, session: str, notes: Sequence[Note], now: str) -> None:
        """Append what turns and offers came to. `now` is ISO 8601 in UTC."""
        with self._lock, self._transaction():
            for note in notes:
                match note:
                    case TurnNote():
                        self._judged(session, note, now)
                    case OfferMade():
                        self._offered(session, note, now)
                    case OfferAnswered():
                        self._answered(session, note)

    def _judged(self, session: str, note: TurnNote, now: str) -> None:
        said = NOTES.dump_json(note).decode()
        row = (session, note.turn, now, note.channel, len(note.handed_over), said)
        self._db.execute(
            "insert into judgements values (?, ?, ?, ?, ?, ?) on conflict do nothing", row
        )

    def _offered(self, session: str, made: OfferMade, now: str) -> None:
        """Ignored until there is an answer: the customer may leave without one."""
        context, scores = json.dumps(dict(made.context)), json.dumps(dict(made.scores))
        outcome = "ignored" if made.chosen else ""
        row = (session, made.number, made.turn, now, context, scores, made.chosen)
        self._db.execute(
            "insert into offers (session, number, turn, kept_at, context, scores, chosen,"
            " propensity, outcome) values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing",
            (*row, made.propensity, outcome),
        )

    def _answered(self, session: str, answer: OfferAnswered) -> None:
        if answer.outcome in ("accepted", "declined", "ignored"):
            self._db.execute(
                "update offers set outcome = ? where session = ? and number = ?",
                (answer.outcome, session, answer.number),
            )
        self._db.execute(
            "update offers set changes = json_insert(changes, '$[#]', ?)"
            " where session = ? and number = ?",
            (answer.outcome, session, answer.number),
        )

    def offers(self) -> list[LoggedOffer]:
        """Every occasion to offer something that is kept, oldest first."""
        with self._lock:
            rows = self._db.execute(
                "select session, chosen, propensity, scores, context, outcome, changes from offers"
                " order by kept_at, session, number"
            ).fetchall()
        return [
            LoggedOffer(
                session=row[0],
                chosen=row[1],
                propensity=row[2],
                scores=json.loads(row[3]),
                context=json.loads(row[4]),
                outcome=row[5],
                changes=tuple(json.loads(row[6])),
            )
            for row in rows
        ]

    def notes(self, session: str) -> list[TurnNote]:
        """Every turn of a session that was judged, in order; empty for an unknown one."""
        with self._lock:
            rows = self._db.execute(
                "select note from judgements where session = ? order by turn", (session,)
            ).fetchall()
        return [NOTES.validate_json(row[0]) for row in rows]

    def kept(self, session: str = "", limit: int = 20) -> list[Kept]:
        """The latest conversations, newest first: all, or those whose id begins with `session`."""
        with self._lock:
            rows = self._db.execute(
                "select session, min(kept_at), channel, count(*), sum(handed_over) from judgements"
                " where substr(session, 1, ?) = ?"
                " group by session order by min(kept_at) desc limit ?",
                (len(session), session, limit),
            ).fetchall()
        return [Kept(*row) for row in rows]

    def forget_before(self, day: str) -> None:
        """Delete judgements and offers kept before `day` (ISO 8601 in UTC)."""
        with self._lock:
            self._db.execute("delete from judgements where kept_at < ?", (day,))
            self._db.execute("delete from offers where kept_at < ?", (day,))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
            self._db.execute("commit")
        finally:
            if self._db.in_transaction:
                self._db.execute("rollback")

    def left(self, session: str) -> None:
        """The customer is gone; the request stays, so that somebody can call back."""
        with self._lock:
            self._db.execute("update handoffs set present = 0 where session = ?", (session,))
