"""Who answers the questions of a session that is replayed?

The recording (`AsRecorded`), or the models that are here now (agent/replay/live_models.py).
Whichever it is answers at once or raises `NotRecorded`; nothing is made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Protocol

from agent.core import events as e

if TYPE_CHECKING:
    from agent.replay.recorded_answers import Then

Answered = tuple[e.Understood | e.Missed, str]  # and its redactions, as in a row


class NotRecorded(LookupError):
    """Something is needed that the recording does not hold; the text says what."""


class Answers(Protocol):
    """Where answers come from. `borrowed` counts those that were taken from the recording although
    models were there."""

    borrowed: int

    def hears(self, stream: int) -> bool:
        """Whether the words so far of this turn come from here, and not from the recording."""
        ...

    def listen(self, effect: e.Listen) -> Sequence[str]:
        """The words of a turn so far, each time they changed."""
        ...

    def forget(self, stream: int) -> None:
        """Nobody wants to know what was said there."""
        ...

    def understand(self, ask: e.Understand, then: Then | None, today: date, at: float) -> Answered:
        """What a turn means. `then` is how it was answered when it was recorded. NotRecorded."""
        ...


class AsRecorded:
    """The answers that were given then."""

    borrowed = 0

    def hears(self, stream: int) -> bool:
        return False

    def listen(self, effect: e.Listen) -> Sequence[str]:
        return ()

    def forget(self, stream: int) -> None:
        pass

    def understand(self, ask: e.Understand, then: Then | None, today: date, at: float) -> Answered:
        return recalled(ask, then)


def recalled(ask: e.Understand, then: Then | None) -> Answered:
    """The answer that was given then, to the question as it is numbered now."""
    if then is None:
        what = f"“{ask.text}”" if ask.stream is None else f"what was said in turn {ask.turn}"
        raise NotRecorded(f"no answer to {what} was recorded")
    return replace(then.event, ask=ask.ask), then.redactions
