"""Idempotency ledger: the effect of an action and the entry of its key in one transaction.

One SQLite database, one connection, one lock. After a crash either both the effect and the entry
are there, or neither (tests/agent/actions/test_bank.py).
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from agent.actions.interface import UNAVAILABLE, ActionRefused
from dialogs.values import ActionCall, ActionResult

LEDGER_TABLE_SQL = """
CREATE TABLE IF NOT EXISTS ledger (
    key TEXT PRIMARY KEY, action TEXT NOT NULL, arguments TEXT NOT NULL,
    ok INTEGER NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL
) STRICT
"""

Arguments = Mapping[str, str]  # of an action, by name
Values = dict[str, str]  # results of an action, by name
ActionEffect = Callable[[sqlite3.Connection, Arguments], Values]


class IdempotencyLedger:
    """The ledger and the database that its effects change.

    `secret_arguments` are names of arguments that prove or claim an identity: the ledger does not
    store them. `busy_timeout_s` is how long to wait while another process has locked the database.
    """

    def __init__(
        self,
        path: Path | str = ":memory:",
        secret_arguments: frozenset[str] = frozenset(),
        busy_timeout_s: float = 5.0,
    ) -> None:
        self._secret_arguments = secret_arguments
        self._lock = threading.Lock()
        self.db = sqlite3.connect(
            path, check_same_thread=False, isolation_level=None, timeout=busy_timeout_s
        )
        self.db.row_factory = sqlite3.Row
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA foreign_keys=ON")
        self.db.execute(LEDGER_TABLE_SQL)

    def close(self) -> None:
        with self._lock:
            self.db.close()

    def initialise(self, fill: Callable[[sqlite3.Connection], None]) -> None:
        """Run `fill` in one transaction."""
        with self._lock, self._transaction():
            fill(self.db)

    def execute_once(self, call: ActionCall, effect: ActionEffect) -> ActionResult:
        """Run `effect` and store its outcome, or return the outcome stored under the key.

        A refusal is an outcome, too. When the effect raises anything else, nothing is stored. The
        reason is UNAVAILABLE when the database is locked or cannot be written.
        """
        with self._lock:
            try:
                with self._transaction():
                    return self._find_outcome(call) or self._execute(call, effect)
            except sqlite3.OperationalError:
                # locked by others, disk full
                return ActionResult(call.key, False, reason=UNAVAILABLE)

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

    def _find_outcome(self, call: ActionCall) -> ActionResult | None:
        row = self.db.execute("SELECT * FROM ledger WHERE key = ?", (call.key,)).fetchone()
        if row is None:
            return None
        if (row["action"], row["arguments"]) != (call.name, self._arguments_json(call.arguments)):
            return ActionResult(call.key, False, reason="key_of_something_else")
        return ActionResult(call.key, bool(row["ok"]), json.loads(row["outcome"]), row["reason"])

    def _execute(self, call: ActionCall, effect: ActionEffect) -> ActionResult:
        self.db.execute("SAVEPOINT effect")
        try:
            outcome = ActionResult(call.key, True, effect(self.db, call.arguments))
        except ActionRefused as refusal:
            self.db.execute("ROLLBACK TO effect")
            outcome = ActionResult(call.key, False, reason=refusal.reason)
        self.db.execute("RELEASE effect")
        self.db.execute(
            "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?)",
            (
                call.key,
                call.name,
                self._arguments_json(call.arguments),
                outcome.ok,
                json.dumps(dict(outcome.values), sort_keys=True),
                outcome.reason,
            ),
        )
        return outcome

    def _arguments_json(self, arguments: Arguments) -> str:
        """Arguments as JSON for later comparison, without the secret ones."""
        logged = {n: value for n, value in arguments.items() if n not in self._secret_arguments}
        return json.dumps(logged, sort_keys=True)
