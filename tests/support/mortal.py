"""A server in a process of its own that dies by SIGKILL just when it is told to.

`dies_at` is the number of the row at which the process ends, "before" or "after" that row is on
disk: at every such place a customer must find their conversation as they left it. The models are
scripted; store, bank and sockets are the real ones.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.forkserver import _forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Literal

from agent.core.event_json import JournalRow
from agent.store import Store
from tests.support.packs import bank_pack
from tests.support.scripted_models import DeafAnalyser, ScriptedMind

When = Literal["before", "after"]

_ISOLATED = multiprocessing.get_context("forkserver")


@cache
def _start_fork_server() -> None:
    """A process has one fork server: whoever started it before had not prepared it for us."""
    _forkserver._stop()
    _ISOLATED.set_forkserver_preload(["tests.support.mortal_preload"])


@dataclass(frozen=True, slots=True)
class Death:
    row: int
    when: When


class MortalStore(Store):
    """The real store, in a process that ends at one row."""

    death: Death | None = None

    def append_rows(self, rows: Sequence[tuple[str, JournalRow]], now: str) -> frozenset[str]:
        death = self.death
        fatal = death is not None and any(row.n == death.row for _, row in rows)
        if fatal and death is not None and death.when == "before":
            rows = [(session, row) for session, row in rows if row.n < death.row]
        erased: frozenset[str] = frozenset()
        if rows:
            erased = super().append_rows(rows, now)
        if fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return erased


def serve(state: Path, told: Connection, death: Death | None) -> None:
    """The child's life: tells the port, then serves until its parent hangs up."""
    import server
    from tests.support.serving import serving

    MortalStore.death = death
    server.Store = MortalStore
    mind, settings = ScriptedMind(bank_pack()), {"agent_token": "a", "resume_s": 600}
    with serving(state, mind, analyser=DeafAnalyser(), **settings) as running:
        told.send(running.port)
        with suppress(EOFError):
            told.recv()


@contextmanager
def child(state: Path, death: Death | None = None) -> Iterator[tuple[str, BaseProcess]]:
    """Address and process of a server that serves `state` until it dies or the block ends."""
    _start_fork_server()
    ours, theirs = _ISOLATED.Pipe()
    process = _ISOLATED.Process(target=serve, args=(state, theirs, death))
    process.start()
    theirs.close()
    try:
        yield f"ws://127.0.0.1:{ours.recv()}/v1/session", process
    finally:
        ours.close()
        process.join(20)
        process.kill()
        process.join()
        process.close()


@contextmanager
def mortal(state: Path, death: Death | None = None) -> Iterator[str]:
    """The address of such a server, for those who need no more."""
    with child(state, death) as (url, _):
        yield url
