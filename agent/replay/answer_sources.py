"""Sources of answers to the requests of a replayed session.

The recording itself (`RecordedAnswerSource`), or the models of this machine
(agent/replay/live_models.py). A source answers at once or raises `NotRecorded`: it never makes up
an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Protocol

from agent.core.effects import FeedEncoder, UnderstandTurn
from agent.core.virtual_session import DueInput
from agent.replay.recorded_answers import NotRecorded, RecordedAnswer


class AnswerSource(Protocol):
    """Answers requests of a replay. `recorded_fallbacks` counts answers taken from the recording
    because the models could not be given the turn's audio."""

    recorded_fallbacks: int

    def has_audio_of(self, stream: int) -> bool:
        """Whether this source has the turn's audio and so provides its partial texts."""
        ...

    def feed_audio(self, effect: FeedEncoder) -> Sequence[str]:
        """Feed audio of a turn; returns its partial texts, one for each change."""
        ...

    def discard_turn(self, stream: int) -> None:
        """Drop the turn on this stream: no request for it follows."""
        ...

    def understand(
        self,
        request: UnderstandTurn,
        recorded_answer: RecordedAnswer | None,
        today: date,
        at: float,
    ) -> DueInput:
        """The answer to a request made at `at` and due then. `recorded_answer` is that of the
        recording. NotRecorded when there is neither."""
        ...


class RecordedAnswerSource:
    """Answers every request with the recorded answer."""

    recorded_fallbacks = 0

    def has_audio_of(self, stream: int) -> bool:
        return False

    def feed_audio(self, effect: FeedEncoder) -> Sequence[str]:
        return ()

    def discard_turn(self, stream: int) -> None:
        pass

    def understand(
        self,
        request: UnderstandTurn,
        recorded_answer: RecordedAnswer | None,
        today: date,
        at: float,
    ) -> DueInput:
        return answer_from_recording(request, recorded_answer, at)


def answer_from_recording(
    request: UnderstandTurn, recorded_answer: RecordedAnswer | None, at: float
) -> DueInput:
    """The recorded answer under the number of this request, due at `at`. NotRecorded when there is
    none."""
    if recorded_answer is None:
        subject = (
            f"“{request.text}”"
            if request.stream is None
            else f"what was said in turn {request.turn}"
        )
        raise NotRecorded(f"no answer to {subject} was recorded")
    event = replace(recorded_answer.event, request_id=request.request_id, at=at)
    return DueInput(event, recorded_answer.redactions)
