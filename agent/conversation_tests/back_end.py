"""Back ends of conversation tests: a fresh demo bank, answers declared in a file, or both.

A pack with `seed.yaml` has the built-in bank, on a copy of a database that is seeded once. A
declared answer comes first, and nothing is carried out then. No test ever reaches a network: a pack
with a back end of its own declares its answers (tests/agent/conversation_tests/test_back_end.py).
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from agent.actions.bank import BankActions
from agent.actions.interface import Actions
from agent.conversation_tests.case import DeclaredAnswers
from dialogs.pack.model import Pack
from dialogs.values import ActionCall, ActionResult

SEED_FILE = "seed.yaml"


class UndeclaredAnswer(LookupError):
    """An action that no test file declares an answer of, in a pack without a demo bank."""


class SeededBank:
    """A demo bank with the pack's first contents, to be copied for each conversation."""

    def __init__(self, pack: Pack, folder: Path) -> None:
        """`folder` is for the databases. PackError when the seed has a mistake."""
        self._pack = pack
        self._folder = folder
        self._seeded = folder / "seeded.sqlite3"
        bank = BankActions(self._seeded, pack)
        self.action_names = bank.action_names
        bank.close()  # the last connection of a database writes everything into its one file

    def fresh_copy(self, now: datetime) -> BankActions:
        """A bank that no conversation has touched, where the time is `now`; the one before it is
        gone then."""
        copy = self._folder / "bank.sqlite3"
        for left_over in self._folder.glob("bank.sqlite3*"):
            left_over.unlink()
        shutil.copyfile(self._seeded, copy)
        return BankActions(copy, self._pack, lambda: now)


def seeded_bank(pack: Pack, folder: Path) -> SeededBank | None:
    """The demo bank of this pack; None when it has no seed."""
    return SeededBank(pack, folder) if (pack.directory / SEED_FILE).is_file() else None


class CaseBackEnd:
    """The back end of one conversation. `calls` are all that reached it, with original values."""

    def __init__(self, bank: Actions | None, answers: DeclaredAnswers) -> None:
        self._bank = bank
        self._answers: dict[str, list[ActionResult]] = {}
        self.calls: list[ActionCall] = []
        self.declare(answers)

    def declare(self, answers: DeclaredAnswers) -> None:
        """From now on, give these answers."""
        for name, given in answers.items():
            self._answers[name] = [
                ActionResult("", not one.reason, one.values, one.reason) for one in given
            ]

    def perform(self, call: ActionCall) -> ActionResult:
        """The declared answer, else what the bank does. UndeclaredAnswer when there is neither."""
        self.calls.append(call)
        if given := self._answers.get(call.name):
            answer = given.pop(0) if len(given) > 1 else given[0]
            return ActionResult(call.key, answer.ok, answer.values, answer.reason)
        if self._bank is None:
            raise UndeclaredAnswer(
                f"the back end was asked to {call.name}: declare its answer, as in "
                f"`back_end: {{{call.name}: {{}}}}` (this pack has no {SEED_FILE})"
            )
        return self._bank.perform(call)
