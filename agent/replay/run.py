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
from agent.core.decisions import Decision, decisions, footprint
from agent.core.event_json import Row, comparable, one_line, written
from agent.core.session import Session, SessionRules
from agent.core.session_factory import opening
from agent.recordings.recording import Recording
from agent.replay.answer_sources import Answers, NotRecorded
from agent.replay.recorded_answers import Memory
from dialogs.pack.model import Pack

GRACE_S = 0.05  # what came so soon after a deadline came before the clock had ticked
NONE = "[]"

Pace = Callable[[float, list[Decision]], None]


@dataclass(frozen=True, slots=True)
class Build:
    """What is replayed against: a pack and the rules of a session. `name` is for people."""

    pack: Pack
    rules: SessionRules
    name: str = "this build"


@dataclass(frozen=True, slots=True)
class Step:
    """One input and what was decided about it; `redactions` as in a row."""

    event: e.Input
    decisions: list[Decision]
    digest: str
    redactions: str = NONE


@dataclass(frozen=True, slots=True)
class Run:
    """A conversation as it went this time. `missing` says what was needed and never recorded,
    `borrowed` how many answers came from the recording because their sound was not kept."""

    steps: tuple[Step, ...]
    missing: tuple[str, ...] = ()
    borrowed: int = 0

    @property
    def decisions(self) -> list[tuple[float, Decision]]:
        """What was decided, and when."""
        return [(step.event.at, one) for step in self.steps for one in step.decisions]

    def rows(self) -> tuple[Row, ...]:
        """As a recording keeps them."""
        return tuple(
            Row(
                n,
                step.event.at,
                written(step.event),
                decisions=one_line(step.decisions),
                digest=step.digest,
                redactions=step.redactions,
            )
            for n, step in enumerate(self.steps, 1)
        )


def recorded(recording: Recording) -> list[tuple[float, Decision]]:
    """What was decided when it was recorded, and when."""
    return [(row.at, one) for row in recording.rows for one in json.loads(row.decisions)]


def strict(recording: Recording, build: Build, pace: Pace | None = None) -> Run:
    """Every input as it was kept."""
    session = opening(build.pack, recording.record, build.rules)
    memory = Memory.of(recording)
    steps: list[Step] = []
    for row, event in zip(recording.rows, recording.inputs(), strict=True):
        effects = session.receive(event)
        memory.asked(effects)
        decided = decisions(effects)
        steps.append(Step(event, decided, footprint(effects), row.redactions))
        if pace is not None:
            pace(event.at, decided)
    return Run(tuple(steps), tuple(memory.unanswered()))


def identical(recording: Recording, run: Run) -> bool:
    """Whether every row came out byte for byte as it was kept. Rows of an earlier version have
    digests that this build cannot make: of them every decision counts, byte for byte."""
    if len(run.steps) != len(recording.rows):
        return False
    return all(
        row.decisions == one_line(step.decisions)
        and (row.digest == step.digest or not comparable(row.digest))
        for row, step in zip(recording.rows, run.steps, strict=True)
    )


@dataclass(slots=True)
class Again:
    """One conversation run anew. `late`: answers take as long as they took."""

    recording: Recording
    build: Build
    answers: Answers
    late: bool = False
    sound: bool = False
    pace: Pace | None = None
    _session: Session = field(init=False)
    _memory: Memory = field(init=False)
    _due: list[tuple[float, int, e.Input, str]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)
    _steps: list[Step] = field(default_factory=list)
    _missing: list[str] = field(default_factory=list)
    _words: dict[int, list[str]] = field(default_factory=dict)  # of each turn, as they grew
    _told: dict[int, str] = field(default_factory=dict)  # the latest of them that were passed on

    def run(self) -> Run:
        self._session = opening(self.build.pack, self.recording.record, self.build.rules)
        self._memory = Memory.of(self.recording)
        inputs = self.recording.inputs(sound=self.sound)
        for row, event in zip(self.recording.rows, inputs, strict=True):
            self._until(event.at)
            if self._session.closed:
                break
            if (fed := self._from_outside(event)) is not None:
                self._feed(fed, row.redactions)
        else:
            self._until(None)
        return Run(tuple(self._steps), tuple(self._missing), self.answers.borrowed)

    def _until(self, at: float | None) -> None:
        """Feed what falls due before `at`; without `at`, the answers that are still to come."""
        while not self._session.closed:
            due = self._due[0][0] if self._due else None
            deadline = self._session.deadline
            if due is not None and (at is None or due <= at) and due <= deadline:
                _, _, event, redactions = heapq.heappop(self._due)
                self._feed(event, redactions)
            elif at is not None and deadline + GRACE_S < at:
                self._feed(e.Tick(deadline), NONE)
            else:
                return

    def _from_outside(self, event: e.Input) -> e.Input | None:
        """What is fed as it was; the rest follows from what the session asks for now."""
        match event:
            case e.Tick() | e.Understood() | e.Missed() | e.Acted() | e.Queued() | e.Unreached():
                return None
            case e.Partial(at, stream, text) if self.answers.hears(stream):
                return self._at_their_time(at, stream, text) if self.late else None
            case e.TookOver(role="person") if self._session.ownership.owner == "bot":
                # They had been asked for then, and have not been now.
                return None if self._memory.asked_for(event) else event
        return event

    def _at_their_time(self, at: float, stream: int, text: str) -> e.Input | None:
        """Words so far, when they were told then: the same if the models came to them by now."""
        words = self._words.get(stream, [])
        if not words:
            return None
        now = text if text in words else words[-1]
        if now == self._told.get(stream):
            return None
        self._told[stream] = now
        return e.Partial(at, stream, now)

    def _feed(self, event: e.Input, redactions: str) -> None:
        effects = self._session.receive(event)
        decided = decisions(effects)
        self._steps.append(Step(event, decided, footprint(effects), redactions))
        if self.pace is not None:
            self.pace(event.at, decided)
        for effect in effects:
            try:
                self._follow(effect, event.at)
            except NotRecorded as needed:
                self._missing.append(f"{event.at:.1f} s: {needed}")

    def _follow(self, effect: e.Effect, at: float) -> None:
        match effect:
            case e.Listen(stream=stream):
                for text in self.answers.listen(effect):
                    self._words.setdefault(stream, []).append(text)
                    if not self.late:
                        self._later(at, e.Partial(at, stream, text))
            case e.Forget(stream):
                self.answers.forget(stream)
            case e.Understand():
                self._answer(effect, at)
            case e.Act(call):
                took, outcome = self._memory.outcome(call)
                self._later(at + (took if self.late else 0.0), e.Acted(at, outcome))
            case e.HandOver(id, "requested"):
                if (found := self._memory.place(id)) is not None:
                    took, event = found
                    self._later(at + (took if self.late else 0.0), event)

    def _answer(self, ask: e.Understand, at: float) -> None:
        then = self._memory.answer(ask)
        if self.late and then is not None and isinstance(then.event, e.Missed):
            self.answers.forget(ask.stream or 0)
            event: e.Understood | e.Missed = replace(then.event, ask=ask.ask)
            redactions = then.redactions
        else:
            day = self._session.dialogue.today
            event, redactions = self.answers.understand(ask, then, day, at)
        took = then.took if self.late and then is not None else 0.0
        self._later(at + took, event, redactions)

    def _later(self, at: float, event: e.Input, redactions: str = NONE) -> None:
        event = replace(event, at=at)
        heapq.heappush(self._due, (at, next(self._order), event, redactions))
