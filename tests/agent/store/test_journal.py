"""Rows reach the store in order, together where they can, and whoever waits is told."""

from __future__ import annotations

import asyncio
import sqlite3
import threading

import pytest

from agent.core.event_json import JournalRow
from agent.store.journal import MAX_QUEUED_WRITES, Journal, JournalFull, WriteFailed


class Book:
    """Where rows go: keeps them, or fails."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, JournalRow]] = []
        self.transactions = 0
        self.broken = False
        self.failure: BaseException = OSError("no space left on device")
        self.poison: set[str] = set()  # sessions whose rows fail, and with them the whole group
        self.hold = threading.Event()  # rows wait for it
        self.hold.set()
        self.erased = frozenset()

    def append_rows(self, rows, now):
        self.hold.wait(30)
        if self.broken or self.poison & {session for session, _ in rows}:
            raise self.failure
        self.transactions += 1
        self.rows += rows
        return self.erased


def row(n):
    return JournalRow(n, float(n), f'{{"n":{n}}}')


def journalled(work, on_erased=None):
    book = Book()
    journal = Journal(book, lambda: "2026-11-24T12:00:00+00:00", on_erased)

    async def run():
        journal.start()
        try:
            return await work(journal, book)
        finally:
            await asyncio.to_thread(journal.stop)

    return asyncio.run(run()), book


def test_a_row_is_there_when_its_future_is_done():
    async def work(journal, book):
        await journal.append("a", row(1))
        return list(book.rows)

    found, _ = journalled(work)
    assert found == [("a", row(1))]


def test_rows_and_other_writes_keep_their_order():
    seen = []

    async def work(journal, book):
        for n in range(100):
            journal.append("a", row(n))
            if n % 10 == 0:
                journal.submit(lambda n=n: seen.append((n, len(book.rows))))
        await journal.append("a", row(100))

    _, book = journalled(work)
    assert [one.n for _, one in book.rows] == list(range(101))
    assert seen == [(n, n + 1) for n in range(0, 100, 10)]
    assert book.transactions < 101


def test_what_the_disk_refuses_is_told_and_the_next_is_tried():
    async def work(journal, book):
        book.broken = True
        with pytest.raises(OSError, match="no space"):
            await journal.append("a", row(1))
        book.broken = False
        await journal.append("b", row(1))

    _, book = journalled(work)
    assert book.rows == [("b", row(1))]


def test_after_a_row_that_is_missing_no_row_of_its_session_is_written():
    async def work(journal, book):
        book.broken = True
        with pytest.raises(OSError, match="no space"):
            await journal.append("a", row(1))
        book.broken = False
        with pytest.raises(OSError, match="no space"):
            await journal.append("a", row(2))
        await journal.readmit("a")  # its conversation has been recovered from what is stored
        await journal.append("a", row(1))

    _, book = journalled(work)
    assert book.rows == [("a", row(1))]


# Whatever may come from a database driver, from our own mistakes and from the system.
FAILURES = [
    OverflowError("too large for SQLite"), KeyError("n"), ZeroDivisionError(), MemoryError(),
    RecursionError(), StopIteration(), SystemExit(1), KeyboardInterrupt(), AssertionError(),
    sqlite3.Warning(),
]  # fmt: skip


@pytest.mark.parametrize("failure", FAILURES, ids=lambda one: type(one).__name__)
def test_whatever_a_write_raises_the_next_one_is_done(failure):
    def fail():
        raise failure

    async def work(journal, book):
        book.broken, book.failure = True, failure
        futures = [journal.append("a", row(1)), journal.submit(fail)]
        for future in futures:
            await asyncio.wait([future])
            told = future.exception()
            assert told is failure or (isinstance(told, WriteFailed) and told.__cause__ is failure)
        book.broken = False
        await journal.append("b", row(1))
        await journal.submit(lambda: None)

    _, book = journalled(work)
    assert book.rows == [("b", row(1))]


def test_a_session_whose_row_fails_takes_no_other_with_it():
    async def work(journal, book):
        book.poison, book.failure = {"bad", "worse"}, OverflowError()
        book.hold.clear()
        first = journal.append("a", row(1))  # the others queue up behind it, as one group
        futures = {}
        for n in range(1, 4):
            for session in ("b", "bad", "c", "worse"):
                futures[session, n] = journal.append(session, row(n))
        book.hold.set()
        await first
        await asyncio.wait(futures.values())
        return {one for one, future in futures.items() if future.exception() is not None}

    failed, book = journalled(work)
    assert failed == {(session, n) for session in ("bad", "worse") for n in (1, 2, 3)}
    assert [one.n for session, one in book.rows if session == "b"] == [1, 2, 3]
    assert [one.n for session, one in book.rows if session == "c"] == [1, 2, 3]


def test_what_failed_together_is_written_even_if_the_journal_stops_just_then():
    async def work(journal, book):
        book.poison, book.failure = {"bad"}, OverflowError()
        book.hold.clear()
        for session in ("a", "b", "bad", "c"):
            journal.append(session, row(1))
        threading.Timer(0, book.hold.set).start()

    _, book = journalled(work)
    assert sorted(session for session, _ in book.rows) == ["a", "b", "c"]


def test_a_journal_that_makes_no_progress_says_so(monkeypatch):
    monkeypatch.setattr("agent.store.journal.MAX_WRITE_S", 0.0)

    async def work(journal, book):
        assert not journal.is_stalled
        book.hold.clear()
        future = journal.append("a", row(1))
        assert journal.is_stalled
        book.hold.set()
        await future
        await journal.submit(lambda: None)

    journalled(work)


def test_after_the_end_writes_are_refused():
    async def work(journal, book):
        return journal

    journal, _ = journalled(work)

    async def late():
        journal.start()
        with pytest.raises(WriteFailed, match="stopped"):
            await journal.append("a", row(1))

    asyncio.run(late())


def test_who_goes_on_though_erased_is_told_of():
    told = []

    async def work(journal, book):
        await journal.append("a", row(1))
        book.erased = frozenset({"a"})
        await journal.append("a", row(2))
        await journal.submit(lambda: None)

    journalled(work, told.append)
    assert told == ["a"]


def test_too_many_waiting_are_refused():
    async def work(journal, book):
        held = asyncio.Event()
        loop = asyncio.get_running_loop()
        journal.submit(lambda: asyncio.run_coroutine_threadsafe(held.wait(), loop).result())
        try:
            with pytest.raises(JournalFull):  # noqa: PT012 - some are written at once
                for n in range(2 * MAX_QUEUED_WRITES):
                    journal.append("a", row(n))
        finally:
            held.set()

    journalled(work)
