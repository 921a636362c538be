"""In which order do answers count?

In the order of the questions, whatever order they arrive in: an answer is held back until every
earlier question has its own. Held by tests/agent/test_session.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.core.events import TurnUnderstood, UnderstandingFailed
from audio.types import Leg


@dataclass(frozen=True, slots=True)
class PendingTurn:
    """One question to the mind: which turn of which leg it is about, and when it was put.

    `voiced_s` is the voice in the turn, in seconds, and `end` the position at which it was judged
    over; both None when it was typed.
    """

    request_id: int
    turn: int
    leg: Leg
    asked_at: float
    voiced_s: float | None = None
    end: int | None = None


class PendingTurns:
    """The questions of one session that have not been applied yet."""

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
    ) -> PendingTurn:
        """Note a new question and give it its number."""
        self._request_count += 1
        pending = PendingTurn(self._request_count, turn, leg, asked_at, voiced_s, end)
        self._open.append(pending)
        return pending

    def add_answer(
        self, event: TurnUnderstood | UnderstandingFailed
    ) -> list[tuple[PendingTurn, TurnUnderstood | UnderstandingFailed]]:
        """Take an answer; return those that may be applied now, oldest question first.

        The first answer to a question counts: a late one after `Missed` is dropped.
        """
        if any(pending.request_id == event.request_id for pending in self._open):
            self._answers.setdefault(event.request_id, event)
        ready = []
        while self._open and self._open[0].request_id in self._answers:
            pending = self._open.pop(0)
            ready.append((pending, self._answers.pop(pending.request_id)))
        return ready
