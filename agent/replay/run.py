"""What does a session decide when everything that happened to it happens again?

`strict` feeds the inputs exactly as they were kept, answers of models included; on the same build
every row comes out byte for byte as it was. `again` feeds what came from outside, and lets what
hung on the session itself (answers, the bank's outcomes, the clock's ticks) follow from what it
asks for now. Neither has a clock, a socket or a bank: what was not recorded and is needed is named
in `Run.missing`, never made up (tests/agent/replay/test_run.py).
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from agent.core import events as e
from agent.core.decisions import DecisionRecord, comparable_digest, decisions
from agent.core.event_json import JournalRow, compact_json, comparable, event_to_json
from agent.core.session import Session, SessionRules
from agent.core.session_factory import new_session
from agent.recordings.recording import Recording
from agent.replay.answer_sources import AnswerSource, NotRecorded
from agent.replay.recorded_answers import RecordedAnswers
from dialogs.pack.model import Pack

DEADLINE_GRACE_S = 0.05  # what came so soon after a deadline came before the clock had ticked
NO_REDACTIONS = "[]"

StepCallback = Callable[[float, list[DecisionRecord]], None]


@dataclass(frozen=True, slots=True)
class ReplayTarget:
    """What is replayed against: a pack and the rules of a session. `name` is for people."""

    pack: Pack
    rules: SessionRules
    name: str = "this build"


@dataclass(frozen=True, slots=True)
class ReplayStep:
    """One input and what was decided about it; `redactions` as in a row."""

    event: e.Input
    decisions: list[DecisionRecord]
    digest: str
    redactions: str = NO_REDACTIONS


@dataclass(frozen=True, slots=True)
class ReplayRun:
    """A conversation as it went this time. `missing` says what was needed and never recorded,
    `borrowed` how many answers came from the recording because their sound was not kept."""

    steps: tuple[ReplayStep, ...]
    missing_answers: tuple[str, ...] = ()
    recorded_fallbacks: int = 0

    @property
    def decisions(self) -> list[tuple[float, DecisionRecord]]:
        """What was decided, and when."""
        return [(step.event.at, one) for step in self.steps for one in step.decisions]

    def rows(self) -> tuple[JournalRow, ...]:
        """As a recording keeps them."""
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
    """What was decided when it was recorded, and when."""
    return [(row.at, one) for row in recording.rows for one in json.loads(row.decisions)]


def replay_strictly(
    recording: Recording, target: ReplayTarget, on_step: StepCallback | None = None
) -> ReplayRun:
    """Every input as it was kept."""
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
    """Whether every row came out byte for byte as it was kept. Rows of an earlier version have
    digests that this build cannot make: of them every decision counts, byte for byte."""
    if len(run.steps) != len(recording.rows):
        return False
    return all(
        row.decisions == compact_json(step.decisions)
        and (row.digest == step.digest or not comparable(row.digest))
        for row, step in zip(recording.rows, run.steps, strict=True)
    )


@dataclass(slots=True)
class SessionReplay:
    """One conversation run anew. `late`: answers take as long as they took."""

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
    _partials: dict[int, list[str]] = field(default_factory=dict)  # of each turn, as they grew
    _last_partial: dict[int, str] = field(
        default_factory=dict
    )  # the latest of them that were passed on

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
        """Feed what falls due before `at`; without `at`, the answers that are still to come."""
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
        """What is fed as it was; the rest follows from what the session asks for now."""
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
                # They had been asked for then, and have not been now.
                return None if self._recorded_answers.was_requested(event) else event
        return event

    def _recorded_partial(self, at: float, stream: int, text: str) -> e.Input | None:
        """Words so far, when they were told then: the same if the models came to them by now."""
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
