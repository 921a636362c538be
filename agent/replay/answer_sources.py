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
    from agent.replay.recorded_answers import RecordedAnswer

ReplayAnswer = tuple[
    e.TurnUnderstood | e.UnderstandingFailed, str
]  # and its redactions, as in a row


class NotRecorded(LookupError):
    """Something is needed that the recording does not hold; the text says what."""


class AnswerSource(Protocol):
    """Where answers come from. `borrowed` counts those that were taken from the recording although
    models were there."""

    recorded_fallbacks: int

    def has_audio_of(self, stream: int) -> bool:
        """Whether the words so far of this turn come from here, and not from the recording."""
        ...

    def feed_audio(self, effect: e.FeedEncoder) -> Sequence[str]:
        """The words of a turn so far, each time they changed."""
        ...

    def discard_turn(self, stream: int) -> None:
        """Nobody wants to know what was said there."""
        ...

    def understand(
        self,
        request: e.UnderstandTurn,
        recorded_answer: RecordedAnswer | None,
        today: date,
        at: float,
    ) -> ReplayAnswer:
        """What a turn means. `then` is how it was answered when it was recorded. NotRecorded."""
        ...


class RecordedAnswerSource:
    """The answers that were given then."""

    recorded_fallbacks = 0

    def has_audio_of(self, stream: int) -> bool:
        return False

    def feed_audio(self, effect: e.FeedEncoder) -> Sequence[str]:
        return ()

    def discard_turn(self, stream: int) -> None:
        pass

    def understand(
        self,
        request: e.UnderstandTurn,
        recorded_answer: RecordedAnswer | None,
        today: date,
        at: float,
    ) -> ReplayAnswer:
        return answer_from_recording(request, recorded_answer)


def answer_from_recording(
    request: e.UnderstandTurn, recorded_answer: RecordedAnswer | None
) -> ReplayAnswer:
    """The answer that was given then, to the question as it is numbered now."""
    if recorded_answer is None:
        subject = (
            f"“{request.text}”"
            if request.stream is None
            else f"what was said in turn {request.turn}"
        )
        raise NotRecorded(f"no answer to {subject} was recorded")
    return replace(recorded_answer.event, request_id=request.request_id), recorded_answer.redactions
