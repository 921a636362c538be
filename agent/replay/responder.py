"""What a replayed session meets when its answers are computed again.

The models' answers come from an `AnswerSource`; outcomes of actions and positions in the queue come
from the recording. A missing one is named, never made up. The responder also knows which recorded
inputs it replaces: those are not fed (tests/agent/replay/test_run.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from agent.core.effects import (
    DiscardTurn,
    Effect,
    FeedEncoder,
    Owner,
    PerformAction,
    UnderstandTurn,
    UpdateHandoff,
)
from agent.core.inputs import (
    ActionCompleted,
    DeadlineReached,
    HandoffQueued,
    HandoffUnanswered,
    Input,
    PartialTextReceived,
    PersonTookOver,
    TurnUnderstood,
    UnderstandingFailed,
)
from agent.core.virtual_session import DueInput
from agent.replay.answer_sources import AnswerSource, answer_from_recording
from agent.replay.recorded_answers import NotRecorded, RecordedAnswers


@dataclass(slots=True)
class ReplayResponder:
    """The `EffectResponder` of one replay. `keep_latency`: answers take as long as was recorded."""

    answer_source: AnswerSource
    recorded_answers: RecordedAnswers
    today: date  # of the session
    keep_latency: bool
    missing_answers: list[str] = field(default_factory=list)  # a sentence each
    _partials: dict[int, list[str]] = field(default_factory=dict)  # by stream, in order
    _last_partial: dict[int, str] = field(default_factory=dict)  # by stream: the last one fed

    def external_input(self, event: Input, owner: Owner) -> Input | None:
        """What is fed for this recorded input: itself when it comes from outside; None when this
        replay recomputes it. `owner` is who owns the replayed conversation now."""
        match event:
            case (
                DeadlineReached()
                | TurnUnderstood()
                | UnderstandingFailed()
                | ActionCompleted()
                | HandoffQueued()
                | HandoffUnanswered()
            ):
                return None
            case PartialTextReceived(at, stream, text) if self.answer_source.has_audio_of(stream):
                return self._partial_at(at, stream, text) if self.keep_latency else None
            case PersonTookOver(role="person") if owner == "bot":
                # In the recording they were called; in this replay nobody has been called.
                return None if self.recorded_answers.was_requested(event) else event
        return event

    def _partial_at(self, at: float, stream: int, recorded_text: str) -> Input | None:
        """The partial text for this time: the recorded one if the models have produced it by now,
        else their latest; None when it is not new."""
        texts = self._partials.get(stream, [])
        if not texts:
            return None
        text = recorded_text if recorded_text in texts else texts[-1]
        if text == self._last_partial.get(stream):
            return None
        self._last_partial[stream] = text
        return PartialTextReceived(at, stream, text)

    def responses_to(self, effect: Effect, at: float) -> Iterable[DueInput]:
        """The inputs that this effect leads to; none where the recording lacks the answer."""
        try:
            return self._responses_to(effect, at)
        except NotRecorded as error:
            self.missing_answers.append(f"{at:.1f} s: {error}")
            return ()

    def _responses_to(self, effect: Effect, at: float) -> Iterable[DueInput]:
        match effect:
            case FeedEncoder(stream=stream):
                texts = self.answer_source.feed_audio(effect)
                self._partials.setdefault(stream, []).extend(texts)
                if not self.keep_latency:
                    return [DueInput(PartialTextReceived(at, stream, text)) for text in texts]
            case DiscardTurn(stream):
                self.answer_source.discard_turn(stream)
            case UnderstandTurn():
                return [self._answer(effect, at)]
            case PerformAction(call):
                latency_s, outcome = self.recorded_answers.take_outcome(call)
                return [self._delayed(DueInput(ActionCompleted(at, outcome)), latency_s)]
            case UpdateHandoff(id, "requested"):
                if (queue_answer := self.recorded_answers.take_queue_answer(id)) is not None:
                    latency_s, event = queue_answer
                    return [self._delayed(DueInput(replace(event, at=at)), latency_s)]
        return ()

    def _answer(self, request: UnderstandTurn, at: float) -> DueInput:
        recorded = self.recorded_answers.answer_to(request)
        if recorded is None:
            return self.answer_source.understand(request, None, self.today, at)
        if self.keep_latency and isinstance(recorded.event, UnderstandingFailed):
            self.answer_source.discard_turn(request.stream or 0)
            answer = answer_from_recording(request, recorded, at)
        else:
            answer = self.answer_source.understand(request, recorded, self.today, at)
        return self._delayed(answer, recorded.latency_s)

    def _delayed(self, answer: DueInput, latency_s: float) -> DueInput:
        return answer.delayed_by(latency_s) if self.keep_latency else answer
