"""What was said, and what came of it: the journal of every conversation, and its sound."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from agent.core.event_json import JournalRow
from agent.store.database import Database
from agent.store.records import AudioSegment, SessionRecord
from agent.store.tables import audio, inputs, sessions

_ROW_COLUMNS = (
    inputs.c.n, inputs.c.at, inputs.c.input, inputs.c.client, inputs.c.messages,
    inputs.c.decisions, inputs.c.digest, inputs.c.redactions,
)  # fmt: skip
# Made once: what SQLAlchemy finds out about a statement it keeps with it.
_INSERT_ROW = insert(inputs)
_SELECT_EXISTING = (
    select(sessions.c.id)
    .where(sessions.c.id.in_(bindparam("ids", expanding=True)))
    .with_for_update(read=True)
)
_UPDATE_LAST_AT = (
    update(sessions)
    .where(sessions.c.id == bindparam("of"))
    .values(last_at=bindparam("now"))
)  # fmt: skip


class Conversations(Database):
    """Append-only: a row that is there is never changed, and goes only with its conversation."""

    _last_touched: dict[str, str] | None = None  # session -> the second it was last seen in

    def create_session(self, record: SessionRecord) -> None:
        values = asdict(record) | {"legs": list(record.legs)}
        with self._transaction() as connection:
            connection.execute(self._insert(sessions), values)

    def append_rows(self, rows: Sequence[tuple[str, JournalRow]], now: str) -> frozenset[str]:
        """Rows of any sessions, all or none. The same row again changes nothing; ValueError for
        another one of that number.

        Rows of sessions that do not exist, because they were erased, are not kept: nothing would
        ever find and delete them. Which sessions these are is returned.
        """
        ids = {session for session, _ in rows}
        values = [_row_values(session, row) for session, row in rows]
        try:
            with self._transaction() as connection:
                existing = self._existing_sessions(ids, connection)
                if values := [one for one in values if one["session"] in existing]:
                    connection.execute(_INSERT_ROW, values)
                    self._touch(existing, now, connection)
        except IntegrityError:
            existing = self._append_one_by_one(values)
        self._erased_sessions |= ids - existing
        return frozenset(ids - existing)

    def _existing_sessions(self, ids: set[str], connection: Connection) -> set[str]:
        """Those of these sessions that exist, and will until the transaction is over."""
        return set(connection.execute(_SELECT_EXISTING, {"ids": list(ids)}).scalars())

    def _append_one_by_one(self, values: list[dict[str, Any]]) -> set[str]:
        with self._transaction() as connection:
            existing = self._existing_sessions({one["session"] for one in values}, connection)
            for one in values:
                if one["session"] not in existing:
                    continue
                connection.execute(self._insert(inputs), one)
                where = (inputs.c.session == one["session"]) & (inputs.c.n == one["n"])
                if connection.execute(select(inputs.c.input).where(where)).scalar() != one["input"]:
                    raise ValueError(f"row {one['n']} of {one['session']} is another one already")
        return existing

    def _touch(self, ids: set[str], now: str, connection: Connection) -> None:
        """Noted once a second: that is all a time in seconds can say."""
        if self._last_touched is None or len(self._last_touched) > 10_000:
            self._last_touched = {}
        new = [{"of": id, "now": now} for id in ids if self._last_touched.get(id) != now]
        if new:
            connection.execute(_UPDATE_LAST_AT, new)
            self._last_touched.update({one["of"]: now for one in new})

    def touch_sessions(self, ids: Collection[str], now: str) -> None:
        """These are alive in a process, even when nothing happens in them."""
        with self._transaction() as connection:
            self._touch(set(ids), now, connection)

    def read_rows(self, session: str, after: int = 0) -> list[JournalRow]:
        """What is kept of a session, in order; rows after number `after`."""
        condition = (inputs.c.session == session) & (inputs.c.n > after)
        with self._read_connection() as connection:
            found = connection.execute(
                select(*_ROW_COLUMNS).where(condition).order_by(inputs.c.n)
            ).all()
        return [
            JournalRow(n, at, said, client, tuple(json.loads(messages)) if messages else (), *rest)
            for n, at, said, client, messages, *rest in found
        ]  # fmt: skip

    def read_messages(self, session: str) -> list[str]:
        """Everything its customer was told, in order: numbered from 1."""
        condition = (inputs.c.session == session) & (inputs.c.messages != "")
        with self._read_connection() as connection:
            rows = connection.execute(
                select(inputs.c.messages).where(condition).order_by(inputs.c.n)
            )
            return [message for row in rows for message in json.loads(row.messages)]

    def save_sealed_vault(self, session: str, sealed: str) -> None:
        self._update_session(session, sealed=sealed)

    def set_recording_consent(self, session: str, recording: bool) -> None:
        """Whether the customer agrees to be recorded; sound kept before a no is deleted."""
        self._update_session(session, recording=recording)
        if not recording:
            with self._transaction() as connection:
                connection.execute(delete(audio).where(audio.c.session == session))

    def end_session(self, session: str, now: str) -> None:
        """Over. Of who did not agree to be recorded, what was said is deleted."""
        with self._transaction() as connection:
            condition = sessions.c.id == session
            connection.execute(
                update(sessions).where(condition).values(state="ended", ended_at=now, sealed="")
            )
            is_recorded = connection.execute(select(sessions.c.recording).where(condition)).scalar()
            if not is_recorded:
                connection.execute(delete(inputs).where(inputs.c.session == session))
                connection.execute(delete(audio).where(audio.c.session == session))

    def add_audio(self, session: str, leg: str, start: int, length: int, flac: bytes) -> None:
        """A piece of sound, once; of a session that is recorded."""
        values = {"session": session, "leg": leg, "start": start, "length": length}
        values |= {"sha256": hashlib.sha256(flac).hexdigest(), "flac": flac}
        with self._transaction() as connection:
            condition = sessions.c.id == session
            if connection.execute(select(sessions.c.recording).where(condition)).scalar():
                connection.execute(self._insert(audio), values)

    def read_audio(self, session: str) -> list[AudioSegment]:
        columns = (audio.c.leg, audio.c.start, audio.c.length, audio.c.sha256, audio.c.flac)
        query = select(*columns).where(audio.c.session == session)
        with self._read_connection() as connection:
            found = connection.execute(query.order_by(audio.c.leg, audio.c.start)).all()
        return [AudioSegment(*row) for row in found]

    def find_session(self, id: str) -> SessionRecord | None:
        found = self._find_sessions(sessions.c.id == id)
        return found[0] if found else None

    def find_sessions(self, prefix: str) -> list[SessionRecord]:
        """Sessions whose id begins so."""
        return self._find_sessions(sessions.c.id.startswith(prefix, autoescape=True))

    def live_sessions(self) -> list[SessionRecord]:
        """Those that are not over, whoever takes care of them."""
        return self._find_sessions(sessions.c.state == "live")

    def recorded_sessions(self, limit: int = 50) -> list[SessionRecord]:
        """The latest that were recorded and are over, newest first."""
        condition = (sessions.c.state == "ended") & sessions.c.recording
        return self._find_sessions(condition, limit)

    def _find_sessions(self, condition: Any, limit: int = 10_000) -> list[SessionRecord]:
        query = select(sessions).where(condition).order_by(sessions.c.began_at.desc()).limit(limit)
        with self._read_connection() as connection:
            found = connection.execute(query).mappings().all()
        names = [field.name for field in fields(SessionRecord)]
        return [
            SessionRecord(**{name: row[name] for name in names} | {"legs": tuple(row["legs"])})
            for row in found
        ]

    def _update_session(self, session: str, **values: object) -> None:
        with self._transaction() as connection:
            connection.execute(update(sessions).where(sessions.c.id == session).values(values))


def _row_values(session: str, row: JournalRow) -> dict[str, Any]:
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
