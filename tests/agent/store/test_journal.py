"""Rows reach the store in order, together where they can, and whoever waits is told."""

from __future__ import annotations

import asyncio

import pytest

from agent.core.event_json import JournalRow
from agent.store.journal import MAX_QUEUED_WRITES, Journal, JournalFull


class Book:
    """Where rows go: keeps them, or fails."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, JournalRow]] = []
        self.transactions = 0
        self.broken = False
        self.erased = frozenset()

    def append_rows(self, rows, now):
        if self.broken:
            raise OSError("no space left on device")
        self.transactions += 1
        self.rows += rows
        return self.erased


def row(n):
    return JournalRow(n, float(n), f'{{"n":{n}}}')


def journalled(work):
    book = Book()
    journal = Journal(book, lambda: "2026-11-24T12:00:00+00:00")

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
        await journal.append("a", row(2))

    _, book = journalled(work)
    assert [one.n for _, one in book.rows] == [2]


def test_who_goes_on_though_erased_is_told_of():
    told = []

    async def work(journal, book):
        journal.on_erased = told.append
        await journal.append("a", row(1))
        book.erased = frozenset({"a"})
        await journal.append("a", row(2))
        await journal.submit(lambda: None)

    journalled(work)
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
