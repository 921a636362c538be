"""In which order do answers count?

In the order of the questions, whatever order they arrive in: an answer is held back until every
earlier question has its own. Held by tests/agent/test_session.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.core.events import Missed, Understood
from audio.types import Leg


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to the mind: which turn of which leg it is about, and when it was put.

    `voiced_s` is the voice in the turn, in seconds, and `end` the position at which it was judged
    over; both None when it was typed.
    """

    id: int
    turn: int
    leg: Leg
    at: float
    voiced_s: float | None = None
    end: int | None = None


class Asks:
    """The questions of one session that have not been applied yet."""

    def __init__(self) -> None:
        self._open: list[Ask] = []
        self._answers: dict[int, Understood | Missed] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._open)

    def put(
        self,
        turn: int,
        leg: Leg,
        at: float,
        voiced_s: float | None = None,
        end: int | None = None,
    ) -> Ask:
        """Note a new question and give it its number."""
        self._count += 1
        ask = Ask(self._count, turn, leg, at, voiced_s, end)
        self._open.append(ask)
        return ask

    def answer(self, event: Understood | Missed) -> list[tuple[Ask, Understood | Missed]]:
        """Take an answer; return those that may be applied now, oldest question first.

        The first answer to a question counts: a late one after `Missed` is dropped.
        """
        if any(ask.id == event.ask for ask in self._open):
            self._answers.setdefault(event.ask, event)
        ready = []
        while self._open and self._open[0].id in self._answers:
            ask = self._open.pop(0)
            ready.append((ask, self._answers.pop(ask.id)))
        return ready
