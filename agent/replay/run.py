"""Replay of a recording: the session runs again and its decisions are collected.

`replay_strictly` feeds all recorded inputs, answers of the models included; the same build then
reproduces every row byte for byte. `SessionReplay` feeds only what comes from outside and lets
everything that depended on the session itself follow from what it asks for now: answers, outcomes
of actions, deadlines. Neither has a clock, a socket or a bank: an answer that is needed and was not
recorded is named in `ReplayRun.missing_answers`, never made up (tests/agent/replay/test_run.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.core.decisions import DecisionRecord, comparable_digest, decisions, without_reasons
from agent.core.effects import Effect
from agent.core.event_json import JournalRow, compact_json, event_to_json, is_comparable
from agent.core.inputs import Input
from agent.core.session import SessionRules
from agent.core.session_factory import new_session
from agent.core.virtual_session import NO_REDACTIONS, DueInput, VirtualSession
from agent.recordings.recording import Recording
from agent.replay.answer_sources import AnswerSource
from agent.replay.recorded_answers import RecordedAnswers
from agent.replay.responder import ReplayResponder
from dialogs.pack.model import Pack

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

    event: Input
    decisions: list[DecisionRecord]
    digest: str
    redactions: str = NO_REDACTIONS

    @classmethod
    def from_effects(cls, event: Input, effects: Sequence[Effect], redactions: str) -> ReplayStep:
        """The step of an input that had these effects."""
        return cls(event, decisions(effects), comparable_digest(effects), redactions)


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
    virtual = VirtualSession(new_session(target.pack, recording.record, target.rules))
    steps: list[ReplayStep] = []
    for row, event in zip(recording.rows, recording.inputs(), strict=True):
        step = ReplayStep.from_effects(event, virtual.receive(event), row.redactions)
        steps.append(step)
        if on_step is not None:
            on_step(event.at, step.decisions)
    missing_answers: tuple[str, ...] = ()
    if virtual.open_work.turn_requests or virtual.open_work.actions:
        recorded_answers = RecordedAnswers.from_recording(recording)
        missing_answers = tuple(recorded_answers.missing_answers(virtual.open_work))
    return ReplayRun(tuple(steps), missing_answers)


def is_identical(recording: Recording, run: ReplayRun) -> bool:
    """Whether the run reproduced the digest and decisions of every row byte for byte."""
    if len(run.steps) != len(recording.rows):
        return False
    return all(
        _without_reasons_json(json.loads(row.decisions)) == _without_reasons_json(step.decisions)
        and (row.digest == step.digest or not is_comparable(row.digest))
        for row, step in zip(recording.rows, run.steps, strict=True)
    )


def _without_reasons_json(records: Sequence[DecisionRecord]) -> str:
    return compact_json(without_reasons(records))


@dataclass(frozen=True, slots=True)
class SessionReplay:
    """Replay that recomputes answers. `keep_latency`: answers take as long as they were recorded;
    `with_audio`: the inputs carry the recorded audio instead of silence."""

    recording: Recording
    target: ReplayTarget
    answer_source: AnswerSource
    keep_latency: bool = False
    with_audio: bool = False
    on_step: StepCallback | None = None

    def run(self) -> ReplayRun:
        recording, source = self.recording, self.answer_source
        session = new_session(self.target.pack, recording.record, self.target.rules)
        recorded_answers = RecordedAnswers.from_recording(recording)
        responder = ReplayResponder(
            source, recorded_answers, session.dialogue.today, self.keep_latency
        )
        virtual = VirtualSession(session, responder)
        steps: list[ReplayStep] = []

        def receive(due: DueInput) -> None:
            effects = virtual.receive(due.event)
            steps.append(ReplayStep.from_effects(due.event, effects, due.redactions))
            if self.on_step is not None:
                self.on_step(due.event.at, steps[-1].decisions)

        inputs = recording.inputs(with_audio=self.with_audio)
        for row, recorded in zip(recording.rows, inputs, strict=True):
            for due in virtual.due_before(recorded.at):
                receive(due)
            if session.closed:
                break
            event = responder.external_input(recorded, session.ownership.owner)
            if event is not None:
                receive(DueInput(event, row.redactions))
        for due in virtual.due_before():
            receive(due)
        return ReplayRun(tuple(steps), tuple(responder.missing_answers), source.recorded_fallbacks)
