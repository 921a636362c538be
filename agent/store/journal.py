"""When is it safe to go on? When what led there is on disk.

One thread appends the rows of all conversations, whatever has gathered in one transaction; each
row's future is done when it is committed, and its messages and actions wait for that. Other writes
that must come in order with rows (consent, audio, the sealed vault) go the same way.
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

MAX_QUEUED_WRITES = 20_000  # rows and other writes that may wait: minutes of a full house
ROWS_PER_TRANSACTION = 512  # of them in one transaction


class JournalFull(RuntimeError):
    """The disk does not keep up; whoever wanted to write must give up."""


class RowStore(Protocol):
    """Where rows go: a `Store`."""

    def append_rows(self, rows: Sequence[tuple[str, JournalRow]], now: str) -> Collection[str]: ...


@dataclass(frozen=True, slots=True)
class _Write:
    durable: asyncio.Future[None]
    row: tuple[str, JournalRow] | None = None
    work: Callable[[], object] | None = None


class Journal:
    """Writes in the order they were asked for. All methods are for one event loop."""

    def __init__(self, store: RowStore, now: Callable[[], str]) -> None:
        """`now` is the wall's time as ISO 8601 in UTC; called from the writing thread."""
        # Called in the event loop: rows of this session are not kept, for it has been erased.
        self.on_erased: Callable[[str], None] = lambda session: None
        self._store = store
        self._now = now
        self._queue: SimpleQueue[_Write | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def start(self) -> None:
        """From the event loop that will be told."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self) -> None:
        """Blocking: everything asked for is written, then the thread ends."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def append(self, session: str, row: JournalRow) -> asyncio.Future[None]:
        """Done once `row` is on disk. JournalFull when too many wait already."""
        return self._put(_Write(self._future(), row=(session, row)))

    def submit(self, work: Callable[[], object]) -> asyncio.Future[None]:
        """Another write, after those before it; done when it has returned."""
        return self._put(_Write(self._future(), work=work))

    @property
    def queue_length(self) -> int:
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
        """What has been asked for, at least one; and whether more may come."""
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
        except (OSError, ValueError, SQLAlchemyError) as error:  # told to whoever waits for it
            failure = error
        assert self._loop is not None
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._resolve_group, group, failure, erased)

    def _resolve_group(
        self, group: list[_Write], failure: Exception | None, erased: Collection[str]
    ) -> None:
        _resolve(group, failure)
        for session in erased:
            self.on_erased(session)


def _group_rows(writes: list[_Write]) -> list[list[_Write]]:
    """Rows that follow each other together, anything else by itself."""
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
    """A failure nobody waited for is no surprise: the next one who waits gets it."""
    if not future.cancelled():
        future.exception()
