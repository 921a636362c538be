"""Opening of the database, its transactions, and the overwriting of deleted data.

Each write is one transaction, one at a time per process; reads do not wait for writes. SQLite runs
in write-ahead mode: commits survive a crash of the process at any moment. A power cut may lose the
last commits, but never reorders or splits one. SQLite overwrites deleted rows (secure_delete).
Held by tests/agent/store.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Insert,
    Table,
    create_engine,
    event,
    inspect,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import StaticPool

from agent.store.tables import handoffs, metadata, receipts

BUSY_TIMEOUT_S = 10.0  # while another process writes
CHECKPOINT_WAIT_MS = 100  # that writers are kept waiting for readers, at a time
OLD_QUEUE_TABLE = "handoffs_before"


class Database:
    """One database, safe to use from several threads."""

    def __init__(self, location: Path | str = ":memory:") -> None:
        """`location` is the path of a SQLite file, a SQLAlchemy URL, or ":memory:"."""
        self._lock = threading.Lock()
        self._erased_sessions: set[str] = set()  # sessions that were erased while they went on here
        self.engine = _engine(location)
        # A database in memory has one connection, for one thread at a time.
        self._has_one_connection = isinstance(self.engine.pool, StaticPool)
        with self._transaction() as connection:
            _set_old_queue_aside(connection)
            metadata.create_all(connection)
            _add_missing_columns(connection)
            _copy_old_queue(connection)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            self.engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """A write transaction: committed at the end of the block, rolled back on an exception."""
        with self._lock, self.engine.connect() as connection:
            connection = connection.execution_options(writes=True)
            with connection.begin():
                yield connection

    @contextmanager
    def _read_connection(self) -> Iterator[Connection]:
        """A connection for reading only."""
        with (
            self._lock if self._has_one_connection else nullcontext(),
            self.engine.connect() as connection,
        ):
            yield connection

    def _insert(self, table: Table) -> Insert:
        """An insert that does nothing where the key exists."""
        if self.engine.dialect.name == "postgresql":
            return postgresql.insert(table).on_conflict_do_nothing()
        return sqlite.insert(table).on_conflict_do_nothing()

    @property
    def can_overwrite(self) -> bool:
        """Whether this process can overwrite deleted data in the files: only with SQLite. A
        database server does so itself, in its own time."""
        return self.engine.dialect.name == "sqlite"

    def overwrite_deleted(self, timeout_s: float | None = None) -> bool:
        """Truncate SQLite's write-ahead log, which may still hold deleted data, and mark receipts
        as overwritten. False when other readers blocked it for `timeout_s`; try again later."""
        if not self.can_overwrite:
            return False
        deadline = monotonic() + (BUSY_TIMEOUT_S if timeout_s is None else timeout_s)
        while not self._truncate_log():
            if monotonic() >= deadline:
                return False
            sleep(CHECKPOINT_WAIT_MS / 1000)
        with self._transaction() as connection:
            connection.execute(
                update(receipts).where(~receipts.c.overwritten).values(overwritten=True)
            )
        return True

    def _truncate_log(self) -> bool:
        with self._lock, self.engine.connect() as connection:
            connection.exec_driver_sql(f"pragma busy_timeout = {CHECKPOINT_WAIT_MS}").close()
            try:
                busy = connection.exec_driver_sql("pragma wal_checkpoint(truncate)").scalar()
            finally:
                timeout_ms = round(1000 * BUSY_TIMEOUT_S)
                connection.exec_driver_sql(f"pragma busy_timeout = {timeout_ms}").close()
        return not busy


def _engine(location: Path | str) -> Engine:
    if isinstance(location, Path):
        location.parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(f"sqlite:///{location}", connect_args={"timeout": BUSY_TIMEOUT_S})
    elif location == ":memory:":
        options: dict[str, Any] = {"check_same_thread": False}
        engine = create_engine("sqlite://", connect_args=options, poolclass=StaticPool)
    else:
        engine = create_engine(location, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_transaction)
    return engine


def _configure_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin`
    for pragma in ("journal_mode = wal", "synchronous = normal", "secure_delete = on"):
        connection.execute(f"pragma {pragma}").close()


def _begin_transaction(connection: Connection) -> None:
    """Writers take the lock at once: two that upgrade a read lock would block each other."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("begin immediate" if writes else "begin")


# Columns that an earlier layout did not have: whether anything of what was erased is left, which
# version of rows a session has, and where and when to call a customer back.
_EMPTY_TEXT = "text not null default ''"
ADDED = (
    ("receipts", "overwritten", "boolean not null default false"),
    ("sessions", "version", "integer not null default 1"),
    ("handoffs", "contact", _EMPTY_TEXT),
    ("handoffs", "contact_name", _EMPTY_TEXT),
    ("handoffs", "due_at", _EMPTY_TEXT),
    ("handoffs", "call_key", _EMPTY_TEXT),
)


def _add_missing_columns(connection: Connection) -> None:
    for table, column, kind in ADDED:
        if column not in {one["name"] for one in inspect(connection).get_columns(table)}:
            connection.execute(text(f"alter table {table} add column {column} {kind}"))


def _set_old_queue_aside(connection: Connection) -> None:
    """Rename a queue of an earlier layout, which had fewer states; it is copied afterwards."""
    inspector = inspect(connection)
    if not inspector.has_table("handoffs"):
        return
    columns = {column["name"] for column in inspector.get_columns("handoffs")}
    if "ticket" not in columns:
        connection.execute(text(f"alter table handoffs rename to {OLD_QUEUE_TABLE}"))


def _copy_old_queue(connection: Connection) -> None:
    inspector = inspect(connection)
    if not inspector.has_table(OLD_QUEUE_TABLE):
        return
    shared_columns = {column["name"] for column in inspector.get_columns(OLD_QUEUE_TABLE)} & set(
        handoffs.c.keys()
    )
    names = ", ".join(sorted(shared_columns))
    connection.execute(
        text(f"insert into handoffs ({names}) select {names} from {OLD_QUEUE_TABLE}")
    )
    connection.execute(text(f"drop table {OLD_QUEUE_TABLE}"))
