"""Re-order buffer for the models' answers to one session's requests.

Answers are applied in the order of the requests, whatever order they arrive in: an answer is held
back until every earlier request has its own. Held by tests/agent/core/test_session.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.core.inputs import TurnUnderstood, UnderstandingFailed
from audio.types import Expectation, Leg

OPEN_EXPECTATION = Expectation()  # nothing in particular was asked


@dataclass(frozen=True, slots=True)
class PendingTurn:
    """One request to understand a turn: its id, the turn and its leg, and when it was sent.

    `asked_at` is in session seconds. `voiced_s` is the voice in the turn, in seconds, and `end` the
    position at which turn-taking ended it; both are None for a typed turn. `expectation` is what
    the customer had been asked when the turn ended. `typed_text` is what they typed.
    """

    request_id: int
    turn: int
    leg: Leg
    asked_at: float
    voiced_s: float | None = None
    end: int | None = None
    expectation: Expectation = OPEN_EXPECTATION
    typed_text: str = ""


class PendingTurns:
    """The requests of one session whose answers have not been applied yet."""

    def __init__(self) -> None:
        self._open: list[PendingTurn] = []
        self._answers: dict[int, TurnUnderstood | UnderstandingFailed] = {}
        self._request_count = 0

    def __len__(self) -> int:
        return len(self._open)

    def add(
        self,
        turn: int,
        leg: Leg,
        asked_at: float,
        voiced_s: float | None = None,
        end: int | None = None,
        expectation: Expectation = OPEN_EXPECTATION,
        typed_text: str = "",
    ) -> PendingTurn:
        """Add a request under the next request id, counted from 1."""
        self._request_count += 1
        pending = PendingTurn(
            self._request_count, turn, leg, asked_at, voiced_s, end, expectation, typed_text
        )
        self._open.append(pending)
        return pending

    def expectation_of(self, request_id: int) -> Expectation | None:
        """What the customer had been asked at this request; None when it is not open."""
        expectations = (one.expectation for one in self._open if one.request_id == request_id)
        return next(expectations, None)

    def add_answer(
        self, event: TurnUnderstood | UnderstandingFailed
    ) -> list[tuple[PendingTurn, TurnUnderstood | UnderstandingFailed]]:
        """Add an answer; return the answers that may be applied now, oldest request first.

        The first answer to a request counts: a late one after `UnderstandingFailed` is dropped.
        """
        if any(pending.request_id == event.request_id for pending in self._open):
            self._answers.setdefault(event.request_id, event)
        ready = []
        while self._open and self._open[0].request_id in self._answers:
            pending = self._open.pop(0)
            ready.append((pending, self._answers.pop(pending.request_id)))
        return ready
