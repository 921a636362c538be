"""Replay of a recording: the session runs again and its decisions are collected.

`replay_strictly` feeds all recorded inputs, answers of the models included; the same build then
reproduces every row byte for byte. `SessionReplay` feeds only external inputs and recomputes
everything that depends on the session itself: answers, outcomes of actions, clock ticks. Neither
has a clock, a socket or a bank: an answer that is needed and was not recorded is named in
`ReplayRun.missing_answers`, never made up (tests/agent/replay/test_run.py).
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from agent.core import events as e
from agent.core.decisions import DecisionRecord, comparable_digest, decisions
from agent.core.event_json import JournalRow, compact_json, event_to_json, is_comparable
from agent.core.session import Session, SessionRules
from agent.core.session_factory import new_session
from agent.recordings.recording import Recording
from agent.replay.answer_sources import AnswerSource, NotRecorded
from agent.replay.recorded_answers import RecordedAnswers
from dialogs.pack.model import Pack

DEADLINE_GRACE_S = 0.05  # an input so soon after a deadline was fed before the deadline's tick
NO_REDACTIONS = "[]"

StepCallback = Callable[[float, list[DecisionRecord]], None]


@dataclass(frozen=True, slots=True)
class ReplayTarget:
    """What a recording is replayed against: a pack and session rules. `name` is for display."""

    pack: Pack
    rules: SessionRules
    name: str = "this build"


@dataclass(frozen=True, slots=True)
class ReplayStep:
    """One input with the decisions on it, the digest of its effects, and `redactions` as in a
    row."""

    event: e.Input
    decisions: list[DecisionRecord]
    digest: str
    redactions: str = NO_REDACTIONS


@dataclass(frozen=True, slots=True)
class ReplayRun:
    """The steps of one replay. `missing_answers` names answers that were needed but not recorded;
    `recorded_fallbacks` counts answers taken from the recording, for lack of audio."""

    steps: tuple[ReplayStep, ...]
    missing_answers: tuple[str, ...] = ()
    recorded_fallbacks: int = 0

    @property
    def decisions(self) -> list[tuple[float, DecisionRecord]]:
        """All decisions, each with its session second."""
        return [(step.event.at, one) for step in self.steps for one in step.decisions]

    def rows(self) -> tuple[JournalRow, ...]:
        """The steps as rows of a recording."""
        return tuple(
            JournalRow(
                n,
                step.event.at,
                event_to_json(step.event),
                decisions=compact_json(step.decisions),
                digest=step.digest,
                redactions=step.redactions,
            )
            for n, step in enumerate(self.steps, 1)
        )


def recorded_decisions(recording: Recording) -> list[tuple[float, DecisionRecord]]:
    """The recorded decisions, each with its session second."""
    return [(row.at, one) for row in recording.rows for one in json.loads(row.decisions)]


def replay_strictly(
    recording: Recording, target: ReplayTarget, on_step: StepCallback | None = None
) -> ReplayRun:
    """Replay with every recorded input. `on_step` is called after each input."""
    session = new_session(target.pack, recording.record, target.rules)
    recorded_answers = RecordedAnswers.from_recording(recording)
    steps: list[ReplayStep] = []
    for row, event in zip(recording.rows, recording.inputs(), strict=True):
        effects = session.receive(event)
        recorded_answers.note_requests(effects)
        step_decisions = decisions(effects)
        steps.append(ReplayStep(event, step_decisions, comparable_digest(effects), row.redactions))
        if on_step is not None:
            on_step(event.at, step_decisions)
    return ReplayRun(tuple(steps), tuple(recorded_answers.missing_answers()))


def is_identical(recording: Recording, run: ReplayRun) -> bool:
    """Whether the run reproduced the digest and decisions of every row byte for byte."""
    if len(run.steps) != len(recording.rows):
        return False
    return all(
        row.decisions == compact_json(step.decisions)
        and (row.digest == step.digest or not is_comparable(row.digest))
        for row, step in zip(recording.rows, run.steps, strict=True)
    )


@dataclass(slots=True)
class SessionReplay:
    """Replay that recomputes answers. `keep_latency`: answers take as long as they were recorded;
    `with_audio`: the inputs carry the recorded audio instead of silence."""

    recording: Recording
    target: ReplayTarget
    answer_source: AnswerSource
    keep_latency: bool = False
    with_audio: bool = False
    on_step: StepCallback | None = None
    _session: Session = field(init=False)
    _recorded_answers: RecordedAnswers = field(init=False)
    _due_inputs: list[tuple[float, int, e.Input, str]] = field(default_factory=list)
    _sequence: Iterator[int] = field(default_factory=count)
    _steps: list[ReplayStep] = field(default_factory=list)
    _missing_answers: list[str] = field(default_factory=list)
    _partials: dict[int, list[str]] = field(
        default_factory=dict
    )  # by stream: partial texts in order
    _last_partial: dict[int, str] = field(default_factory=dict)  # by stream: the last one fed

    def run(self) -> ReplayRun:
        self._session = new_session(self.target.pack, self.recording.record, self.target.rules)
        self._recorded_answers = RecordedAnswers.from_recording(self.recording)
        inputs = self.recording.inputs(with_audio=self.with_audio)
        for row, event in zip(self.recording.rows, inputs, strict=True):
            self._run_until(event.at)
            if self._session.closed:
                break
            if (external := self._external_input(event)) is not None:
                self._apply(external, row.redactions)
        else:
            self._run_until(None)
        return ReplayRun(
            tuple(self._steps), tuple(self._missing_answers), self.answer_source.recorded_fallbacks
        )

    def _run_until(self, at: float | None) -> None:
        """Feed the inputs due before `at`; without `at`, all answers that are still due."""
        while not self._session.closed:
            due = self._due_inputs[0][0] if self._due_inputs else None
            deadline = self._session.deadline
            if due is not None and (at is None or due <= at) and due <= deadline:
                _, _, event, redactions = heapq.heappop(self._due_inputs)
                self._apply(event, redactions)
            elif at is not None and deadline + DEADLINE_GRACE_S < at:
                self._apply(e.DeadlineReached(deadline), NO_REDACTIONS)
            else:
                return

    def _external_input(self, event: e.Input) -> e.Input | None:
        """The input if it is fed as recorded; None if the replay recomputes it."""
        match event:
            case (
                e.DeadlineReached()
                | e.TurnUnderstood()
                | e.UnderstandingFailed()
                | e.ActionCompleted()
                | e.HandoffQueued()
                | e.HandoffUnanswered()
            ):
                return None
            case e.PartialTextReceived(at, stream, text) if self.answer_source.has_audio_of(stream):
                return self._recorded_partial(at, stream, text) if self.keep_latency else None
            case e.PersonTookOver(role="person") if self._session.ownership.owner == "bot":
                # In the recording they were called; in this replay nobody has been called.
                return None if self._recorded_answers.was_requested(event) else event
        return event

    def _recorded_partial(self, at: float, stream: int, text: str) -> e.Input | None:
        """The partial text for this time: the recorded one if the models have produced it by now,
        else their latest; None when it is not new."""
        texts = self._partials.get(stream, [])
        if not texts:
            return None
        current_text = text if text in texts else texts[-1]
        if current_text == self._last_partial.get(stream):
            return None
        self._last_partial[stream] = current_text
        return e.PartialTextReceived(at, stream, current_text)

    def _apply(self, event: e.Input, redactions: str) -> None:
        effects = self._session.receive(event)
        step_decisions = decisions(effects)
        self._steps.append(
            ReplayStep(event, step_decisions, comparable_digest(effects), redactions)
        )
        if self.on_step is not None:
            self.on_step(event.at, step_decisions)
        for effect in effects:
            try:
                self._carry_out(effect, event.at)
            except NotRecorded as error:
                self._missing_answers.append(f"{event.at:.1f} s: {error}")

    def _carry_out(self, effect: e.Effect, at: float) -> None:
        match effect:
            case e.FeedEncoder(stream=stream):
                for text in self.answer_source.feed_audio(effect):
                    self._partials.setdefault(stream, []).append(text)
                    if not self.keep_latency:
                        self._schedule(at, e.PartialTextReceived(at, stream, text))
            case e.DiscardTurn(stream):
                self.answer_source.discard_turn(stream)
            case e.UnderstandTurn():
                self._answer_request(effect, at)
            case e.PerformAction(call):
                latency_s, outcome = self._recorded_answers.take_outcome(call)
                self._schedule(
                    at + (latency_s if self.keep_latency else 0.0), e.ActionCompleted(at, outcome)
                )
            case e.UpdateHandoff(id, "requested"):
                if (queue_answer := self._recorded_answers.take_queue_answer(id)) is not None:
                    latency_s, event = queue_answer
                    self._schedule(at + (latency_s if self.keep_latency else 0.0), event)

    def _answer_request(self, request: e.UnderstandTurn, at: float) -> None:
        recorded_answer = self._recorded_answers.answer_to(request)
        if (
            self.keep_latency
            and recorded_answer is not None
            and isinstance(recorded_answer.event, e.UnderstandingFailed)
        ):
            self.answer_source.discard_turn(request.stream or 0)
            event: e.TurnUnderstood | e.UnderstandingFailed = replace(
                recorded_answer.event, request_id=request.request_id
            )
            redactions = recorded_answer.redactions
        else:
            today = self._session.dialogue.today
            event, redactions = self.answer_source.understand(request, recorded_answer, today, at)
        latency_s = (
            recorded_answer.latency_s if self.keep_latency and recorded_answer is not None else 0.0
        )
        self._schedule(at + latency_s, event, redactions)

    def _schedule(self, at: float, event: e.Input, redactions: str = NO_REDACTIONS) -> None:
        event = replace(event, at=at)
        heapq.heappush(self._due_inputs, (at, next(self._sequence), event, redactions))
