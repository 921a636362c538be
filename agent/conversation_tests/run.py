"""Run of conversation tests: everything is loaded once, then one conversation after the other.

Each has a fresh back end, a vault and a session of its own, so that their order does not matter
(tests/agent/conversation_tests/test_run.py).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from agent.actions.data_requests import DataRequestActions
from agent.config import Settings, session_rules
from agent.conversation_tests.back_end import CaseBackEnd, seeded_bank
from agent.conversation_tests.case import CaseStep, ConversationCase
from agent.conversation_tests.expectations import Mismatch, mismatches
from agent.conversation_tests.loader import load_cases
from agent.conversation_tests.outcome import StepOutcome
from agent.conversation_tests.player import ConversationPlayer
from agent.conversation_tests.responder import CaseResponder
from agent.core.records import utc_text
from agent.core.session import Session
from agent.handoff.callbacks import CallbackActions
from agent.handoff.online_agents import OnlineAgents
from agent.handoff.routing import HandoffRouter
from agent.privacy.vault import Vault
from agent.store import Store
from dialogs.manager import Dialogue
from dialogs.pack.loader import load_pack

if TYPE_CHECKING:
    from agent.replay.live_models import LiveModels

VAULT_KEY = b"conversation tests: their customers are invented"


@dataclass(frozen=True, slots=True)
class StepFailure:
    """A step whose expectations were not met. `step` is None for those of the whole conversation,
    whose line is `line`."""

    line: int
    step: CaseStep | None
    mismatches: tuple[Mismatch, ...]
    outcome: StepOutcome


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one conversation went, and the seconds it took."""

    case: ConversationCase
    failures: tuple[StepFailure, ...]
    seconds: float

    @property
    def has_passed(self) -> bool:
        return not self.failures


class ConversationTestRun:
    """Plays conversations with one pack. A context manager: it keeps files of its own meanwhile.

    PackError when the pack cannot be loaded; the models are loaded with the first conversation.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.pack = load_pack(settings.pack)
        self._folder = tempfile.TemporaryDirectory(prefix="hearken-test-")
        self._bank = seeded_bank(self.pack, Path(self._folder.name))
        self._store = Store(":memory:")
        self._rules = session_rules(settings)
        self._count = 0

    def __enter__(self) -> ConversationTestRun:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._store.close()
        self._folder.cleanup()

    @cached_property
    def models(self) -> LiveModels:
        """The models of this machine; loading them takes seconds."""
        from agent.replay.live_models import LiveModels  # a mistake in a file is told sooner

        return LiveModels(self._settings, self.pack)

    def load(self, files: Sequence[Path]) -> list[ConversationCase]:
        """The conversations in these files; PackError for the first mistake in them."""
        actions = self._bank.action_names if self._bank else frozenset()
        return [one for file in files for one in load_cases(file, self.pack, actions)]

    def play(self, case: ConversationCase) -> CaseResult:
        """Play one conversation to its end, also when something in it fails."""
        models, began = self.models, time.perf_counter()
        self._count += 1
        session_id = f"conversation-test-{self._count}"
        today = self.pack.opening_hours.local_day(case.started_at)
        bank = self._bank.fresh_copy(case.started_at) if self._bank else None
        dialogue = Dialogue(self.pack, session_id, today, case.channel, case.offer_draw)
        session = Session(dialogue, self._rules)
        online_agents = OnlineAgents()
        back_end = CaseBackEnd(bank, case.back_end)
        responder = CaseResponder(
            session_id,
            case.started_at,
            models.answer_source_of(session_id),
            back_end,
            Vault(self.pack, VAULT_KEY),
            HandoffRouter(self.pack, self._store, online_agents, has_consoles=True),
            DataRequestActions(
                CallbackActions(back_end, self._store, self.pack, lambda: case.started_at),
                self._store,
                lambda: case.started_at,
            ),
        )
        player = ConversationPlayer(case, session, responder, online_agents)
        try:
            failures = _failures(case, player)
        finally:
            models.end_session(session_id)
            self._leave_queue(session_id, session, case)
            if bank is not None:
                bank.close()
        return CaseResult(case, tuple(failures), time.perf_counter() - began)

    def _leave_queue(self, session_id: str, session: Session, case: ConversationCase) -> None:
        """Nobody waits any more, so that the next conversation finds an empty queue."""
        for number in session.ownership.open_handoffs:
            self._store.finish_handoff(session_id, number, "left", utc_text(case.started_at))


def _failures(case: ConversationCase, player: ConversationPlayer) -> list[StepFailure]:
    failures = []
    for step, outcome in player.play():
        if found := mismatches(step.expected, outcome):
            failures.append(StepFailure(step.line, step, tuple(found), outcome))
    whole = player.outcome_of_all()
    problems = {one for failure in failures for one in failure.outcome.problems}
    found = [one for one in mismatches(case.expected, whole) if one.came not in problems]
    if found:
        failures.append(StepFailure(case.expected_line, None, tuple(found), whole))
    return failures
