"""Group-commit writer of the journal: one thread, and a future for each write.

The thread appends the rows of all conversations; all rows that are queued go into one transaction.
The future of a row is done when the row is durable, and the messages and actions that follow from
the row wait for it. Other writes that must stay in order with rows (consent, audio, the sealed
vault) use the same queue (tests/agent/store/test_journal.py).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from agent.core.event_json import JournalRow

MAX_QUEUED_WRITES = 20_000  # rows and other writes: minutes at full capacity
ROWS_PER_TRANSACTION = 512  # at most


class JournalFull(RuntimeError):
    """Too many writes are queued because the disk does not keep up; this write is refused."""


class RowStore(Protocol):
    """What the journal appends rows to: a `Store`."""

    def append_rows(self, rows: Sequence[tuple[str, JournalRow]], now: str) -> Collection[str]: ...


@dataclass(frozen=True, slots=True)
class _Write:
    durable: asyncio.Future[None]
    row: tuple[str, JournalRow] | None = None
    work: Callable[[], object] | None = None


class Journal:
    """Performs writes in order on a thread. All methods are to be called from one event loop."""

    def __init__(
        self,
        store: RowStore,
        now: Callable[[], str],
        on_erased: Callable[[str], None] | None = None,
    ) -> None:
        """`now` gives the wall-clock time as ISO 8601 in UTC; called on the writer thread.
        `on_erased` is called in the event loop when rows of a session were dropped because it was
        erased."""
        self._on_erased = on_erased
        self._store = store
        self._now = now
        self._queue: SimpleQueue[_Write | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def start(self) -> None:
        """Start the thread. Call it from the event loop whose futures it will resolve."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self) -> None:
        """Write everything that is queued, then end the thread. Blocking."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def append(self, session: str, row: JournalRow) -> asyncio.Future[None]:
        """Queue a row; its future is done when the row is durable. Raises JournalFull."""
        return self._put(_Write(self._future(), row=(session, row)))

    def submit(self, work: Callable[[], object]) -> asyncio.Future[None]:
        """Queue another write, in order with rows; the future is done when `work` has returned."""
        return self._put(_Write(self._future(), work=work))

    @property
    def queue_length(self) -> int:
        """The number of queued writes."""
        return self._queue.qsize()

    def _future(self) -> asyncio.Future[None]:
        assert self._loop is not None, "the journal has not been started"
        future: asyncio.Future[None] = self._loop.create_future()
        future.add_done_callback(_mark_retrieved)
        return future

    def _put(self, write: _Write) -> asyncio.Future[None]:
        if self._queue.qsize() >= MAX_QUEUED_WRITES:
            raise JournalFull("the journal is full: the disk does not keep up")
        self._queue.put(write)
        return write.durable

    # -- the thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            writes, more = self._next_writes()
            for group in _group_rows(writes):
                self._write_group(group)
            if not more:
                return

    def _next_writes(self) -> tuple[list[_Write], bool]:
        """The queued writes, at least one, and False when the journal stops after them."""
        writes: list[_Write] = []
        while len(writes) < ROWS_PER_TRANSACTION and (not writes or not self._queue.empty()):
            write = self._queue.get()
            if write is None:
                return writes, False
            writes.append(write)
        return writes, True

    def _write_group(self, group: list[_Write]) -> None:
        failure: Exception | None = None
        erased: Collection[str] = ()
        try:
            if (work := group[0].work) is not None:
                work()
            else:
                rows = [write.row for write in group if write.row is not None]
                erased = self._store.append_rows(rows, self._now())
        except (OSError, ValueError, SQLAlchemyError) as error:  # raised by the futures
            failure = error
        assert self._loop is not None
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._resolve_group, group, failure, erased)

    def _resolve_group(
        self, group: list[_Write], failure: Exception | None, erased: Collection[str]
    ) -> None:
        _resolve(group, failure)
        for session in erased:
            if self._on_erased is not None:
                self._on_erased(session)


def _group_rows(writes: list[_Write]) -> list[list[_Write]]:
    """Groups of writes: consecutive rows together, any other write alone."""
    groups: list[list[_Write]] = []
    for write in writes:
        if groups and write.row is not None and groups[-1][0].row is not None:
            groups[-1].append(write)
        else:
            groups.append([write])
    return groups


def _resolve(group: list[_Write], failure: Exception | None) -> None:
    for write in group:
        if write.durable.done():
            continue
        if failure is None:
            write.durable.set_result(None)
        else:
            write.durable.set_exception(failure)


def _mark_retrieved(future: asyncio.Future[None]) -> None:
    """Mark an exception as retrieved, so that asyncio does not log futures nobody awaited."""
    if not future.cancelled():
        future.exception()
