"""Group-commit writer of the journal: one thread, and a future for each write.

The thread appends the rows of all conversations; all rows that are queued go into one transaction.
The future of a row is done when the row is durable, and the messages and actions that follow from
the row wait for it. Other writes that must stay in order with rows (consent, audio, the sealed
vault) use the same queue.

Whatever a write raises reaches the futures that wait for it, and the thread goes on: it is an
executor's, which catches everything. Rows that fail together are written again session by session,
so that one session's failure is no other's. After it, further rows of that session fail as well,
because a journal with a gap cannot be replayed (tests/agent/store/test_journal.py).
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Protocol

from agent.core.event_json import JournalRow

MAX_QUEUED_WRITES = 20_000  # rows and other writes: minutes at full capacity
ROWS_PER_TRANSACTION = 512  # at most
MAX_WRITE_S = 30.0  # longer than any wait for other processes: then the journal has stopped


class JournalFull(RuntimeError):
    """Too many writes are queued because the disk does not keep up; this write is refused."""


class WriteFailed(RuntimeError):
    """A write failed by something that must not be raised elsewhere; its cause says what."""


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
        self._queue: deque[_Write] = deque()
        self._session_groups: deque[list[_Write]] = deque()  # of a group that failed; they go first
        self._group: list[_Write] = []  # is being written
        self._failures: dict[str, BaseException] = {}  # by session whose rows are refused
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._scheduling = threading.Lock()  # both steps of a group are scheduled together
        self._stopped = False
        self._progress_at = monotonic()  # when the thread took or finished a group last

    def start(self) -> None:
        """Get ready. Call it from the event loop whose futures the thread will resolve."""
        self._loop = asyncio.get_running_loop()

    def stop(self) -> None:
        """Write everything that is queued, then end the thread. Blocking."""
        self._stopped = True
        while (self._queue or self._session_groups or self._group) and not self.is_stalled:
            self._thread.submit(lambda: None).result()
        self._thread.shutdown(wait=not self.is_stalled)

    def append(self, session: str, row: JournalRow) -> asyncio.Future[None]:
        """Queue a row; its future is done when the row is durable. Raises JournalFull."""
        return self._put(_Write(self._future(), row=(session, row)))

    def submit(self, work: Callable[[], object]) -> asyncio.Future[None]:
        """Queue another write, in order with rows; the future is done when `work` has returned."""
        return self._put(_Write(self._future(), work=work))

    def readmit(self, session: str) -> asyncio.Future[None]:
        """Write rows of this session again, after one that could not be written: it is recovered
        from what is stored. The future is done when everything queued before has been written."""
        return self.submit(lambda: self._failures.pop(session, None))

    @property
    def queue_length(self) -> int:
        """The number of queued writes."""
        return len(self._queue)

    @property
    def is_stalled(self) -> bool:
        """Whether writes are queued, but for so long none was begun or done that the thread hangs
        or is dead."""
        is_idle = not (self._queue or self._group)
        return not is_idle and monotonic() - self._progress_at > MAX_WRITE_S

    def _future(self) -> asyncio.Future[None]:
        assert self._loop is not None, "the journal has not been started"
        future: asyncio.Future[None] = self._loop.create_future()
        future.add_done_callback(_mark_retrieved)
        return future

    def _put(self, write: _Write) -> asyncio.Future[None]:
        if self._stopped:
            write.durable.set_exception(WriteFailed("the journal has been stopped"))
            return write.durable
        if len(self._queue) >= MAX_QUEUED_WRITES:
            raise JournalFull("the journal is full: the disk does not keep up")
        if not (self._queue or self._group):
            self._progress_at = monotonic()
        self._queue.append(write)
        self._schedule_group()
        return write.durable

    def _schedule_group(self) -> None:
        """One for each write, and one for each session of a group that failed: the first takes
        many, and those that follow find fewer or none."""
        with self._scheduling:
            written = self._thread.submit(self._write_next_group)
            self._thread.submit(self._settle_group, written)

    # -- the thread ----------------------------------------------------------------------------

    def _write_next_group(self) -> Collection[str]:
        """Write the next group, if it was not written with an earlier one; return its sessions that
        do not exist any more."""
        self._group, self._progress_at = self._next_group(), monotonic()
        if not self._group:
            return ()
        if (work := self._group[0].work) is not None:
            work()
            return ()
        rows = [write.row for write in self._group if write.row is not None]
        return self._store.append_rows(rows, self._now()) if rows else ()

    def _next_group(self) -> list[_Write]:
        """Rows that are queued one after the other, or one other write."""
        if self._session_groups:
            return self._session_groups.popleft()
        if not self._queue or self._queue[0].row is None:
            return [self._queue.popleft()] if self._queue else []
        group: list[_Write] = []
        while self._queue and self._queue[0].row is not None and len(group) < ROWS_PER_TRANSACTION:
            write = self._queue.popleft()
            if (failure := self._failures.get(_session_of(write))) is None:
                group.append(write)
            else:
                self._resolve_later([write], failure, ())
        return group

    def _settle_group(self, written: Future[Collection[str]]) -> None:
        """Tell those who wait for the group, or take it apart: before the next group is written."""
        group, self._group = self._group, []
        self._progress_at = monotonic()
        if not group:
            return
        failure = written.exception()
        if failure is None:
            self._resolve_later(group, None, written.result())
            return
        sessions = dict.fromkeys(_session_of(write) for write in group if write.row is not None)
        if len(sessions) > 1:
            for session in sessions:
                self._session_groups.append([one for one in group if _session_of(one) == session])
                self._schedule_group()
            return
        self._failures |= dict.fromkeys(sessions, failure)
        self._resolve_later(group, failure, ())

    def _resolve_later(
        self, group: list[_Write], failure: BaseException | None, erased: Collection[str]
    ) -> None:
        """Resolve the futures of a group in the event loop."""
        assert self._loop is not None
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(partial(self._resolve, group, failure, erased))

    def _resolve(
        self, group: list[_Write], failure: BaseException | None, erased: Collection[str]
    ) -> None:
        for write in group:
            if write.durable.done():
                continue
            if failure is None:
                write.durable.set_result(None)
            else:
                write.durable.set_exception(_raisable(failure))
        for session in erased:
            if self._on_erased is not None:
                self._on_erased(session)


def _session_of(write: _Write) -> str:
    return write.row[0] if write.row is not None else ""


def _raisable(failure: BaseException) -> Exception:
    """The failure, or an exception caused by it: some kinds would end the event loop."""
    if isinstance(failure, Exception) and not isinstance(failure, StopIteration):
        return failure
    wrapped = WriteFailed(f"a write failed: {type(failure).__name__}")
    wrapped.__cause__ = failure
    return wrapped


def _mark_retrieved(future: asyncio.Future[None]) -> None:
    """Mark an exception as retrieved, so that asyncio does not log futures nobody awaited."""
    if not future.cancelled():
        future.exception()
