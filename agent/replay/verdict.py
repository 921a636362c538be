"""What came of replaying one recording, and of replaying them all?

`replayed` is one recording under one build, or under two that are compared. The verdict is
"identical" (strict: byte for byte), "same" (the same decisions), "different", or "error" when
something was needed that nobody recorded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from agent.core.event_json import comparable
from agent.recordings.recording import Recording
from agent.replay.answer_sources import Answers
from agent.replay.diff import EXACT, MODELS, Change, Timed, compare, followed
from agent.replay.run import Again, Build, Pace, Run, identical, recorded, strict

Mode = Literal["strict", "fresh", "late"]
Verdict = Literal["identical", "same", "different", "error"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """One recording, replayed. `detail` is the first row of which only details are other ones."""

    name: str
    session: str
    mode: Mode
    run: Run
    changes: tuple[Change, ...]
    same_bytes: bool
    seconds: float  # that the conversation took,
    took_s: float  # and its replay
    detail: int | None = None
    since: tuple[str, ...] = field(default=())  # what is known to have changed since

    @property
    def verdict(self) -> Verdict:
        if self.run.missing:
            return "error"
        if self.changes:
            return "different"
        if self.mode != "strict":
            return "same"
        return "identical" if self.same_bytes else "different"

    @property
    def passed(self) -> bool:
        return self.verdict in ("identical", "same")

    def told(self) -> list[str]:
        """In sentences: the first divergence, and what followed."""
        out = [f"not recorded: {one}" for one in self.run.missing]
        if self.changes:
            out.append(f"first: {self.changes[0]}")
            if rest := followed(self.changes):
                out.append(f"then: {rest}")
        elif self.detail is not None and not self.run.missing:
            out.append(
                f"the same decisions, but what followed from input {self.detail} differs in a "
                "detail (a message's or a note's field)"
            )
        return [*out, *(f"since: {one}" for one in self.since if not self.passed)]


def replayed(
    recording: Recording,
    build: Build,
    mode: Mode = "strict",
    answers: Callable[[Recording], Answers] | None = None,
    pace: Pace | None = None,
) -> Replayed:
    """`answers` are the models' for modes other than strict."""
    began = time.perf_counter()
    run = _run(recording, build, mode, answers, pace)
    took = time.perf_counter() - began
    same = mode == "strict" and identical(recording, run)
    tolerance = EXACT if mode == "strict" else MODELS
    changes = [] if same else compare(recorded(recording), run.decisions, tolerance)
    return Replayed(
        recording.name,
        recording.record.id,
        mode,
        run,
        tuple(changes),
        same,
        recording.seconds,
        took,
        None if same or mode != "strict" else _detail(recording, run),
    )


def _run(
    recording: Recording,
    build: Build,
    mode: Mode,
    answers: Callable[[Recording], Answers] | None,
    pace: Pace | None,
) -> Run:
    if mode == "strict":
        return strict(recording, build, pace)
    assert answers is not None, "models are needed for this"
    return Again(recording, build, answers(recording), mode == "late", True, pace).run()


def against(mode: Mode, one: Sequence[Timed], other: Sequence[Timed]) -> list[Change]:
    """What another build decides otherwise than this one."""
    return compare(one, other, EXACT if mode == "strict" else MODELS)


def _detail(recording: Recording, run: Run) -> int | None:
    """The first row that is not byte for byte what it was."""
    for row, step in zip(recording.rows, run.steps, strict=False):
        if row.digest != step.digest and comparable(row.digest):
            return row.n
    return None
