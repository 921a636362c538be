"""What was said, and what came of it: the journal of every conversation, and its sound."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from agent.core.event_json import Row
from agent.store.database import Database
from agent.store.records import Segment, SessionRecord
from agent.store.tables import audio, inputs, sessions

_ROW = (
    inputs.c.n, inputs.c.at, inputs.c.input, inputs.c.client, inputs.c.messages,
    inputs.c.decisions, inputs.c.digest, inputs.c.redactions,
)  # fmt: skip
# Made once: what SQLAlchemy finds out about a statement it keeps with it.
_KEPT = insert(inputs)
_THERE = (
    select(sessions.c.id)
    .where(sessions.c.id.in_(bindparam("ids", expanding=True)))
    .with_for_update(read=True)
)
_SEEN = (
    update(sessions)
    .where(sessions.c.id == bindparam("of"))
    .values(last_at=bindparam("now"))
)  # fmt: skip


class Conversations(Database):
    """Append-only: a row that is there is never changed, and goes only with its conversation."""

    _last: dict[str, str] | None = None  # session -> the second it was last seen in

    def begin(self, record: SessionRecord) -> None:
        values = asdict(record) | {"legs": list(record.legs)}
        with self._writing() as books:
            books.execute(self._insert(sessions), values)

    def append(self, rows: Sequence[tuple[str, Row]], now: str) -> frozenset[str]:
        """Rows of any sessions, all or none. The same row again changes nothing; ValueError for
        another one of that number.

        Rows of sessions that do not exist, because they were erased, are not kept: nothing would
        ever find and delete them. Which sessions these are is returned.
        """
        ids = {session for session, _ in rows}
        values = [_values(session, row) for session, row in rows]
        try:
            with self._writing() as books:
                there = self._there(ids, books)
                if values := [one for one in values if one["session"] in there]:
                    books.execute(_KEPT, values)
                    self._seen(there, now, books)
        except IntegrityError:
            there = self._append_again(values)
        self._erased |= ids - there
        return frozenset(ids - there)

    def _there(self, ids: set[str], books: Connection) -> set[str]:
        """Those of these sessions that exist, and will until the transaction is over."""
        return set(books.execute(_THERE, {"ids": list(ids)}).scalars())

    def _append_again(self, values: list[dict[str, Any]]) -> set[str]:
        with self._writing() as books:
            there = self._there({one["session"] for one in values}, books)
            for one in values:
                if one["session"] not in there:
                    continue
                books.execute(self._insert(inputs), one)
                where = (inputs.c.session == one["session"]) & (inputs.c.n == one["n"])
                if books.execute(select(inputs.c.input).where(where)).scalar() != one["input"]:
                    raise ValueError(f"row {one['n']} of {one['session']} is another one already")
        return there

    def _seen(self, ids: set[str], now: str, books: Connection) -> None:
        """Noted once a second: that is all a time in seconds can say."""
        if self._last is None or len(self._last) > 10_000:
            self._last = {}
        new = [{"of": id, "now": now} for id in ids if self._last.get(id) != now]
        if new:
            books.execute(_SEEN, new)
            self._last.update({one["of"]: now for one in new})

    def cared_for(self, sessions: Collection[str], now: str) -> None:
        """These are alive in a process, even when nothing happens in them."""
        with self._writing() as books:
            self._seen(set(sessions), now, books)

    def rows(self, session: str, after: int = 0) -> list[Row]:
        """What is kept of a session, in order; rows after number `after`."""
        wanted = (inputs.c.session == session) & (inputs.c.n > after)
        with self._reading() as books:
            found = books.execute(select(*_ROW).where(wanted).order_by(inputs.c.n)).all()
        return [
            Row(n, at, said, client, tuple(json.loads(messages)) if messages else (), *rest)
            for n, at, said, client, messages, *rest in found
        ]  # fmt: skip

    def messages(self, session: str) -> list[str]:
        """Everything its customer was told, in order: numbered from 1."""
        wanted = (inputs.c.session == session) & (inputs.c.messages != "")
        with self._reading() as books:
            rows = books.execute(select(inputs.c.messages).where(wanted).order_by(inputs.c.n))
            return [message for row in rows for message in json.loads(row.messages)]

    def seal(self, session: str, sealed: str) -> None:
        self._set(session, sealed=sealed)

    def consented(self, session: str, recording: bool) -> None:
        """Whether the customer agrees to be recorded; sound kept before a no is deleted."""
        self._set(session, recording=recording)
        if not recording:
            with self._writing() as books:
                books.execute(delete(audio).where(audio.c.session == session))

    def end(self, session: str, now: str) -> None:
        """Over. Of who did not agree to be recorded, what was said is deleted."""
        with self._writing() as books:
            of = sessions.c.id == session
            books.execute(update(sessions).where(of).values(state="ended", ended_at=now, sealed=""))
            recorded = books.execute(select(sessions.c.recording).where(of)).scalar()
            if not recorded:
                books.execute(delete(inputs).where(inputs.c.session == session))
                books.execute(delete(audio).where(audio.c.session == session))

    def keep_audio(self, session: str, leg: str, start: int, length: int, flac: bytes) -> None:
        """A piece of sound, once; of a session that is recorded."""
        values = {"session": session, "leg": leg, "start": start, "length": length}
        values |= {"sha256": hashlib.sha256(flac).hexdigest(), "flac": flac}
        with self._writing() as books:
            of = sessions.c.id == session
            if books.execute(select(sessions.c.recording).where(of)).scalar():
                books.execute(self._insert(audio), values)

    def audio(self, session: str) -> list[Segment]:
        columns = (audio.c.leg, audio.c.start, audio.c.length, audio.c.sha256, audio.c.flac)
        wanted = select(*columns).where(audio.c.session == session)
        with self._reading() as books:
            found = books.execute(wanted.order_by(audio.c.leg, audio.c.start)).all()
        return [Segment(*row) for row in found]

    def session(self, id: str) -> SessionRecord | None:
        found = self._sessions(sessions.c.id == id)
        return found[0] if found else None

    def find(self, prefix: str) -> list[SessionRecord]:
        """Sessions whose id begins so."""
        return self._sessions(sessions.c.id.startswith(prefix, autoescape=True))

    def live(self) -> list[SessionRecord]:
        """Those that are not over, whoever takes care of them."""
        return self._sessions(sessions.c.state == "live")

    def recordings(self, limit: int = 50) -> list[SessionRecord]:
        """The latest that were recorded and are over, newest first."""
        over = (sessions.c.state == "ended") & sessions.c.recording
        return self._sessions(over, limit)

    def _sessions(self, where: Any, limit: int = 10_000) -> list[SessionRecord]:
        wanted = select(sessions).where(where).order_by(sessions.c.began_at.desc()).limit(limit)
        with self._reading() as books:
            found = books.execute(wanted).mappings().all()
        names = [field.name for field in fields(SessionRecord)]
        return [
            SessionRecord(**{name: row[name] for name in names} | {"legs": tuple(row["legs"])})
            for row in found
        ]

    def _set(self, session: str, **values: object) -> None:
        with self._writing() as books:
            books.execute(update(sessions).where(sessions.c.id == session).values(values))


def _values(session: str, row: Row) -> dict[str, Any]:
    return {
        "session": session,
        "n": row.n,
        "at": row.at,
        "input": row.input,
        "client": row.client,
        "messages": json.dumps(row.messages) if row.messages else "",
        "decisions": row.decisions,
        "digest": row.digest,
        "redactions": row.redactions,
    }
