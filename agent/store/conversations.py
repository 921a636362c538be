"""The tables of sessions, their journal rows and their recorded audio.

Journal rows are append-only: a row is never changed, and is deleted only with its conversation.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from agent.core.event_json import JournalRow
from agent.core.records import SessionRecord
from agent.store.database import Database
from agent.store.records import AudioSegment
from agent.store.tables import audio, inputs, sessions

_ROW_COLUMNS = (
    inputs.c.n, inputs.c.at, inputs.c.input, inputs.c.client, inputs.c.messages,
    inputs.c.decisions, inputs.c.digest, inputs.c.redactions,
)  # fmt: skip
# Built once: SQLAlchemy caches the compiled form with the statement.
_INSERT_ROW = insert(inputs)
_SELECT_EXISTING = (
    select(sessions.c.id)
    .where(sessions.c.id.in_(bindparam("ids", expanding=True)))
    .with_for_update(read=True)
)
_UPDATE_LAST_AT = (
    update(sessions).where(sessions.c.id == bindparam("of")).values(last_at=bindparam("now"))
)


class Conversations(Database):
    """Sessions, their journal and their audio."""

    _last_touched: dict[str, str] | None = None  # session -> last_at, as last written

    def create_session(self, record: SessionRecord) -> None:
        """Insert a session; a session of that id that exists stays as it is."""
        values = asdict(record) | {"legs": list(record.legs)}
        with self._transaction() as connection:
            connection.execute(self._insert(sessions), values)

    def append_rows(self, rows: Sequence[tuple[str, JournalRow]], now: str) -> frozenset[str]:
        """Insert rows of any sessions, all or none; returns the sessions that do not exist.

        A session that does not exist was erased: its rows are dropped, because nothing would ever
        find and delete them. Inserting the same row again changes nothing. ValueError when a
        different row of that number exists. `now` is ISO 8601 in UTC.
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
        """Those of `ids` that exist, locked so that they exist until the transaction ends."""
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
        """Write `last_at`, at most once a second per session, as it has whole seconds."""
        if self._last_touched is None or len(self._last_touched) > 10_000:
            self._last_touched = {}
        new = [{"of": id, "now": now} for id in ids if self._last_touched.get(id) != now]
        if new:
            connection.execute(_UPDATE_LAST_AT, new)
            self._last_touched.update({one["of"]: now for one in new})

    def touch_sessions(self, ids: Collection[str], now: str) -> None:
        """Heartbeat: these sessions belong to a running process, even when they are idle."""
        with self._transaction() as connection:
            self._touch(set(ids), now, connection)

    def read_rows(self, session: str, after: int = 0) -> list[JournalRow]:
        """The journal rows of a session after number `after`, in order."""
        condition = (inputs.c.session == session) & (inputs.c.n > after)
        with self._read_connection() as connection:
            rows = connection.execute(
                select(*_ROW_COLUMNS).where(condition).order_by(inputs.c.n)
            ).all()
        return [
            JournalRow(n, at, event, client, tuple(json.loads(messages or "[]")), *rest)
            for n, at, event, client, messages, *rest in rows
        ]

    def read_messages(self, session: str) -> list[str]:
        """All JSON messages sent to the customer, in order; their `seq` counts from 1."""
        condition = (inputs.c.session == session) & (inputs.c.messages != "")
        with self._read_connection() as connection:
            rows = connection.execute(
                select(inputs.c.messages).where(condition).order_by(inputs.c.n)
            )
            return [message for row in rows for message in json.loads(row.messages)]

    def save_sealed_vault(self, session: str, sealed: str) -> None:
        """Replace the sealed vault of a session."""
        self._update_session(session, sealed=sealed)

    def set_recording_consent(self, session: str, recording: bool) -> None:
        """Set whether the customer consents to recording; without consent delete stored audio."""
        self._update_session(session, recording=recording)
        if not recording:
            with self._transaction() as connection:
                connection.execute(delete(audio).where(audio.c.session == session))

    def end_session(self, session: str, now: str) -> None:
        """End a session and drop its sealed vault. Without consent to recording, delete its rows
        and audio."""
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
        """Insert `length` samples of a leg from `start` on, as FLAC. Ignored when that segment
        exists or the session is not recorded."""
        values = {"session": session, "leg": leg, "start": start, "length": length}
        values |= {"sha256": hashlib.sha256(flac).hexdigest(), "flac": flac}
        with self._transaction() as connection:
            condition = sessions.c.id == session
            if connection.execute(select(sessions.c.recording).where(condition)).scalar():
                connection.execute(self._insert(audio), values)

    def read_audio(self, session: str) -> list[AudioSegment]:
        """The recorded audio of a session, by leg and start."""
        columns = (audio.c.leg, audio.c.start, audio.c.length, audio.c.sha256, audio.c.flac)
        query = select(*columns).where(audio.c.session == session)
        with self._read_connection() as connection:
            rows = connection.execute(query.order_by(audio.c.leg, audio.c.start)).all()
        return [AudioSegment(*row) for row in rows]

    def find_session(self, id: str) -> SessionRecord | None:
        """The session of that id, or None."""
        matches = self._find_sessions(sessions.c.id == id)
        return matches[0] if matches else None

    def find_sessions(self, prefix: str) -> list[SessionRecord]:
        """Sessions whose id begins with `prefix`, newest first."""
        return self._find_sessions(sessions.c.id.startswith(prefix, autoescape=True))

    def live_sessions(self) -> list[SessionRecord]:
        """Sessions that are not over, of any process."""
        return self._find_sessions(sessions.c.state == "live")

    def recorded_sessions(self, limit: int = 50) -> list[SessionRecord]:
        """Ended sessions that were recorded, newest first."""
        condition = (sessions.c.state == "ended") & sessions.c.recording
        return self._find_sessions(condition, limit)

    def _find_sessions(self, condition: Any, limit: int = 10_000) -> list[SessionRecord]:
        query = select(sessions).where(condition).order_by(sessions.c.began_at.desc()).limit(limit)
        with self._read_connection() as connection:
            rows = connection.execute(query).mappings().all()
        names = [field.name for field in fields(SessionRecord)]
        return [
            SessionRecord(**{name: row[name] for name in names} | {"legs": tuple(row["legs"])})
            for row in rows
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
