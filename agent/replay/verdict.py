"""Verdict on the replay of one recording.

"identical": byte for byte as recorded (only in mode strict); "same": the same decisions;
"different": other decisions; "error": the replay needed an answer that was not recorded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from agent.core.event_json import is_comparable
from agent.recordings.recording import Recording
from agent.replay.answer_sources import AnswerSource
from agent.replay.diff import (
    EXACT,
    MODEL_TOLERANCE,
    DecisionChange,
    TimedDecision,
    compare_decisions,
    later_changes_text,
)
from agent.replay.modes import ReplayMode
from agent.replay.run import (
    ReplayRun,
    ReplayTarget,
    SessionReplay,
    StepCallback,
    is_identical,
    recorded_decisions,
    replay_strictly,
)

ReplayVerdict = Literal["identical", "same", "different", "error"]


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """The result of replaying one recording. `first_differing_row` is the first row with the same
    decisions but another digest, or None."""

    name: str
    session: str
    mode: ReplayMode
    run: ReplayRun
    changes: tuple[DecisionChange, ...]
    is_identical: bool
    duration_s: float  # length of the conversation
    replay_s: float  # time that the replay took
    first_differing_row: int | None = None
    known_changes: tuple[str, ...] = field(default=())  # known changes since the recording

    @property
    def verdict(self) -> ReplayVerdict:
        if self.run.missing_answers:
            return "error"
        if self.changes:
            return "different"
        if self.mode != "strict":
            return "same"
        return "identical" if self.is_identical else "different"

    @property
    def has_passed(self) -> bool:
        return self.verdict in ("identical", "same")

    def report_lines(self) -> list[str]:
        """Lines for people: missing answers, the first divergence, counts of later ones, and known
        changes since the recording; empty when all is as recorded."""
        out = [f"not recorded: {one}" for one in self.run.missing_answers]
        if self.changes:
            out.append(f"first: {self.changes[0]}")
            if rest := later_changes_text(self.changes):
                out.append(f"then: {rest}")
        elif self.first_differing_row is not None and not self.run.missing_answers:
            out.append(
                f"the same decisions, but what followed from input {self.first_differing_row} "
                "differs in a detail (a message's or a note's field)"
            )
        return [*out, *(f"since: {one}" for one in self.known_changes if not self.has_passed)]


def replay_recording(
    recording: Recording,
    target: ReplayTarget,
    mode: ReplayMode = "strict",
    source_factory: Callable[[Recording], AnswerSource] | None = None,
    on_step: StepCallback | None = None,
) -> ReplayResult:
    """Replay a recording against `target` and compare the decisions.

    `source_factory` gives the models' answers; needed for modes other than strict. `on_step` is
    called after each input.
    """
    started_at = time.perf_counter()
    run = _run(recording, target, mode, source_factory, on_step)
    replay_s = time.perf_counter() - started_at
    is_same = mode == "strict" and is_identical(recording, run)
    tolerance = EXACT if mode == "strict" else MODEL_TOLERANCE
    changes = (
        []
        if is_same
        else compare_decisions(recorded_decisions(recording), run.decisions, tolerance)
    )
    return ReplayResult(
        recording.name,
        recording.record.id,
        mode,
        run,
        tuple(changes),
        is_same,
        recording.duration_s,
        replay_s,
        None if is_same or mode != "strict" else _first_differing_row(recording, run),
    )


def _run(
    recording: Recording,
    target: ReplayTarget,
    mode: ReplayMode,
    source_factory: Callable[[Recording], AnswerSource] | None,
    on_step: StepCallback | None,
) -> ReplayRun:
    if mode == "strict":
        return replay_strictly(recording, target, on_step)
    assert source_factory is not None, "models are needed for this mode"
    return SessionReplay(
        recording, target, source_factory(recording), mode == "late", True, on_step
    ).run()


def compare_replays(
    mode: ReplayMode, ours: Sequence[TimedDecision], theirs: Sequence[TimedDecision]
) -> list[DecisionChange]:
    """The decisions of another build (`theirs`) that differ from those of this one (`ours`)."""
    return compare_decisions(ours, theirs, EXACT if mode == "strict" else MODEL_TOLERANCE)


def _first_differing_row(recording: Recording, run: ReplayRun) -> int | None:
    """The number of the first row whose digest differs; None for none."""
    for row, step in zip(recording.rows, run.steps, strict=False):
        if row.digest != step.digest and is_comparable(row.digest):
            return row.n
    return None
