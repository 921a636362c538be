"""Where is it written down what an action did, so that it is never done twice?

One SQLite database, one connection, one lock. The effect of an action and the entry of its key
are one transaction: after a crash either both are there or neither (tests/agent/test_bank.py).
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from agent.actions.interface import UNAVAILABLE, Refused
from dialogs.values import ActionCall, Outcome

TABLE = """
CREATE TABLE IF NOT EXISTS ledger (
    key TEXT PRIMARY KEY, action TEXT NOT NULL, arguments TEXT NOT NULL,
    ok INTEGER NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL
) STRICT
"""

CLAIMS = frozenset({"customer_number", "passcode"})

Effect = Callable[[sqlite3.Connection, Mapping[str, str]], Mapping[str, str]]


class Ledger:
    """`patience_s` is how long to wait while another process holds the books."""

    def __init__(self, path: Path | str = ":memory:", patience_s: float = 5.0) -> None:
        self._lock = threading.Lock()
        self.db = sqlite3.connect(
            path, check_same_thread=False, isolation_level=None, timeout=patience_s
        )
        self.db.row_factory = sqlite3.Row
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA foreign_keys=ON")
        self.db.execute(TABLE)

    def close(self) -> None:
        with self._lock:
            self.db.close()

    def setup(self, fill: Callable[[sqlite3.Connection], None]) -> None:
        """Run `fill` as one transaction."""
        with self._lock, self._transaction():
            fill(self.db)

    def once(self, call: ActionCall, effect: Effect) -> Outcome:
        """Do `effect` and write its outcome down, or answer with the outcome written before.

        A refusal is an outcome too. An effect that raises anything else leaves no trace.
        """
        with self._lock:
            try:
                with self._transaction():
                    return self._known(call) or self._do(call, effect)
            except sqlite3.OperationalError:
                return Outcome(call.key, False, reason=UNAVAILABLE)  # locked by others, disk full

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.db.execute("BEGIN IMMEDIATE")
        finished = False
        try:
            yield
            self.db.execute("COMMIT")
            finished = True
        finally:
            if not finished and self.db.in_transaction:
                self.db.execute("ROLLBACK")

    def _known(self, call: ActionCall) -> Outcome | None:
        row = self.db.execute("SELECT * FROM ledger WHERE key = ?", (call.key,)).fetchone()
        if row is None:
            return None
        if (row["action"], row["arguments"]) != (call.name, _written(call.arguments)):
            return Outcome(call.key, False, reason="key_of_something_else")
        return Outcome(call.key, bool(row["ok"]), json.loads(row["outcome"]), row["reason"])

    def _do(self, call: ActionCall, effect: Effect) -> Outcome:
        self.db.execute("SAVEPOINT effect")
        try:
            outcome = Outcome(call.key, True, dict(effect(self.db, call.arguments)))
        except Refused as refusal:
            self.db.execute("ROLLBACK TO effect")
            outcome = Outcome(call.key, False, reason=refusal.reason)
        self.db.execute("RELEASE effect")
        self.db.execute(
            "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?)",
            (
                call.key,
                call.name,
                _written(call.arguments),
                outcome.ok,
                json.dumps(dict(outcome.values), sort_keys=True),
                outcome.reason,
            ),
        )
        return outcome


def _written(arguments: Mapping[str, str]) -> str:
    """Arguments as compared later. What proves an identity is not kept, nor who claimed to be."""
    kept = {name: value for name, value in arguments.items() if name not in CLAIMS}
    return json.dumps(kept, sort_keys=True)
