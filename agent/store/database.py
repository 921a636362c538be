"""How is the database opened, written and read?

Writes are one transaction each and one at a time in a process; reads do not wait for them. SQLite
runs in write-ahead mode: what is committed survives the end of the process at any moment; a power
cut may lose the last commits, never the order or a half of one. Deleted rows are overwritten.
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

PATIENCE_S = 10.0  # while another process writes
GLANCE_MS = 100  # that writers are kept waiting for readers, at a time
OLD = "handoffs_before"


class Database:
    """One database, safe to use from several threads."""

    def __init__(self, where: Path | str = ":memory:") -> None:
        """A path is a SQLite file, anything else SQLAlchemy's URL of a database, or ":memory:"."""
        self._lock = threading.Lock()
        self._erased: set[str] = set()  # sessions that were erased while they went on here
        self.engine = _engine(where)
        # A database in memory has one connection, for one thread at a time.
        self._shared = isinstance(self.engine.pool, StaticPool)
        with self._writing() as books:
            _renew(books)
            metadata.create_all(books)
            _widen(books)
            _take_over_old(books)

    def close(self) -> None:
        with self._lock:
            self.engine.dispose()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction that is committed at the end of the block, or leaves no trace."""
        with self._lock, self.engine.connect() as books:
            books = books.execution_options(writes=True)
            with books.begin():
                yield books

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._lock if self._shared else nullcontext(), self.engine.connect() as books:
            yield books

    def _insert(self, table: Table) -> Insert:
        """An insert that leaves what is there already."""
        if self.engine.dialect.name == "postgresql":
            return postgresql.insert(table).on_conflict_do_nothing()
        return sqlite.insert(table).on_conflict_do_nothing()

    @property
    def overwrites(self) -> bool:
        """Whether we can see to it that nothing deleted stays in the files. A database server does
        that itself, in its own time."""
        return self.engine.dialect.name == "sqlite"

    def overwrite(self, patience_s: float | None = None) -> bool:
        """After a deletion: empty SQLite's log of writes, where it still is. False when another
        process was reading all the time, so that it is still there; the next time may do it."""
        if not self.overwrites:
            return False
        until = monotonic() + (PATIENCE_S if patience_s is None else patience_s)
        while not self._emptied():
            if monotonic() >= until:
                return False
            sleep(GLANCE_MS / 1000)
        with self._writing() as books:
            books.execute(update(receipts).where(~receipts.c.overwritten).values(overwritten=True))
        return True

    def _emptied(self) -> bool:
        with self._lock, self.engine.connect() as books:
            books.exec_driver_sql(f"pragma busy_timeout = {GLANCE_MS}").close()
            try:
                busy = books.exec_driver_sql("pragma wal_checkpoint(truncate)").scalar()
            finally:
                patience = round(1000 * PATIENCE_S)
                books.exec_driver_sql(f"pragma busy_timeout = {patience}").close()
        return not busy


def _engine(where: Path | str) -> Engine:
    if isinstance(where, Path):
        where.parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(f"sqlite:///{where}", connect_args={"timeout": PATIENCE_S})
    elif where == ":memory:":
        shared: dict[str, Any] = {"check_same_thread": False}
        engine = create_engine("sqlite://", connect_args=shared, poolclass=StaticPool)
    else:
        engine = create_engine(where, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin`
    for pragma in ("journal_mode = wal", "synchronous = normal", "secure_delete = on"):
        connection.execute(f"pragma {pragma}").close()


def _begin(books: Connection) -> None:
    """Who will write says so at once, or two of them could wait for each other."""
    writes = books.get_execution_options().get("writes")
    books.exec_driver_sql("begin immediate" if writes else "begin")


# Columns that an earlier layout did not have: whether anything of what was erased is left, and
# which version of rows a session has.
ADDED = {
    "receipts": ("overwritten", "boolean not null default false"),
    "sessions": ("version", "integer not null default 1"),
}


def _widen(books: Connection) -> None:
    for table, (column, kind) in ADDED.items():
        if column not in {one["name"] for one in inspect(books).get_columns(table)}:
            books.execute(text(f"alter table {table} add column {column} {kind}"))


def _renew(books: Connection) -> None:
    """A queue of an earlier layout knew fewer states: it is set aside, and copied afterwards."""
    found = inspect(books)
    if not found.has_table("handoffs"):
        return
    columns = {column["name"] for column in found.get_columns("handoffs")}
    if "ticket" not in columns:
        books.execute(text(f"alter table handoffs rename to {OLD}"))


def _take_over_old(books: Connection) -> None:
    found = inspect(books)
    if not found.has_table(OLD):
        return
    known = {column["name"] for column in found.get_columns(OLD)} & set(handoffs.c.keys())
    names = ", ".join(sorted(known))
    books.execute(text(f"insert into handoffs ({names}) select {names} from {OLD}"))
    books.execute(text(f"drop table {OLD}"))
