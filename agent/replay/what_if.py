"""Effect of another escalation policy, or of other settings, on recorded conversations.

Each recording is replayed with the current and with the other policy, and the escalations of both
are compared: gained, lost, earlier, later. The cost follows from the pack's costs and from the
recording's label `needed_person`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agent.config import Settings, load_settings
from agent.recordings.recording import Recording, RecordingError
from agent.replay.answer_sources import AnswerSource, RecordedAnswerSource
from agent.replay.builds import LocalBuild
from agent.replay.diff import TimedDecision
from agent.replay.run import ReplayTarget, SessionReplay
from dialogs.pack.loader import load_pack
from dialogs.pack.model import ErrorCosts
from dialogs.pack.yaml_source import PackError

POLICY_FILE = "escalation.yaml"
PERSON_NEEDED_LABEL = "needed_person"
SAME_TIME_S = 0.5

AnswerSourceFactory = Callable[[Recording], AnswerSource]


@dataclass(frozen=True, slots=True)
class EscalationPoint:
    """One escalation: the rule, turn, session second and probability with which a person was
    called."""

    rule: str
    turn: int
    at: float
    probability: float


@dataclass(frozen=True, slots=True)
class EscalationShift:
    """One escalation that differs between two policies, with the point before and after."""

    shift_type: Literal["gained", "lost", "earlier", "later"]
    before: EscalationPoint | None
    after: EscalationPoint | None

    def __str__(self) -> str:
        match self.before, self.after:
            case None, EscalationPoint() as new_point:
                return f"gained: {_point_text(new_point)}"
            case EscalationPoint() as old_point, None:
                return f"lost: {_point_text(old_point)}"
            case EscalationPoint() as old_point, EscalationPoint() as new_point:
                points = f"{_point_text(old_point)} -> {_point_text(new_point)}"
                return f"{self.shift_type} by {abs(new_point.at - old_point.at):.1f} s: {points}"
        raise AssertionError("a shift has at least one side")


@dataclass(frozen=True, slots=True)
class PolicyComparison:
    """Escalations of one recording under the current (`before`) and the other policy (`after`).

    `person_needed` is the label; None when the recording has none.
    """

    name: str
    person_needed: bool | None
    before: tuple[EscalationPoint, ...]
    after: tuple[EscalationPoint, ...]
    missing: tuple[str, ...]

    @property
    def shifts(self) -> list[EscalationShift]:
        return _escalation_shifts(self.before, self.after)

    def costs_before_and_after(self, costs: ErrorCosts) -> tuple[float, float] | None:
        """The cost before and after; None when the label is missing."""
        if self.person_needed is None:
            return None
        return _cost(self.person_needed, self.before, costs), _cost(
            self.person_needed, self.after, costs
        )


def compare_policies(
    recording: Recording,
    current: ReplayTarget,
    other: ReplayTarget,
    source_factory: AnswerSourceFactory | None,
) -> PolicyComparison:
    """Replay a recording with both targets and compare the escalations.

    `source_factory` gives the models' answers, needed where turns may end elsewhere; without it the
    recorded answers are used.
    """
    runs = []
    for build in (current, other):
        answer_source: AnswerSource = (
            source_factory(recording) if source_factory else RecordedAnswerSource()
        )
        runs.append(
            SessionReplay(
                recording,
                build,
                answer_source,
                keep_latency=True,
                with_audio=source_factory is not None,
            ).run()
        )
    label = recording.labels.get(PERSON_NEEDED_LABEL)
    return PolicyComparison(
        recording.name,
        None if label is None else label == "yes",
        escalation_points(runs[0].decisions),
        escalation_points(runs[1].decisions),
        runs[1].missing_answers,
    )


def escalation_points(decisions: Sequence[TimedDecision]) -> tuple[EscalationPoint, ...]:
    """The escalations among these decisions."""
    return tuple(
        EscalationPoint(one["rule"], one["turn"], at, one["probability"])
        for at, one in decisions
        if one["kind"] == "escalation"
    )


@contextmanager
def build_with_policy(file: Path, settings: Settings) -> Iterator[tuple[LocalBuild, bool]]:
    """This build with another policy (a pack's escalation.yaml) or other settings (.toml), and
    whether turns may end elsewhere with it. RecordingError or SettingsError that names `file`."""
    if not file.is_file():
        raise RecordingError(f"{file}: there is no such file; a policy is a pack's {POLICY_FILE}")
    if file.suffix == ".toml":
        yield LocalBuild.from_settings(load_settings(file), file.name), True
        return
    with tempfile.TemporaryDirectory() as folder:
        pack = Path(folder) / "pack"
        shutil.copytree(load_pack(settings.pack).directory, pack)
        shutil.copyfile(file, pack / POLICY_FILE)
        try:
            build = LocalBuild.from_settings(settings.model_copy(update={"pack": pack}), file.name)
        except PackError as wrong:
            raise RecordingError(str(wrong).replace(str(pack / POLICY_FILE), str(file))) from None
        yield build, False


def _escalation_shifts(
    before: Sequence[EscalationPoint], after: Sequence[EscalationPoint]
) -> list[EscalationShift]:
    """The differing escalations: those of one rule are paired in order, the rest gained or lost."""
    unmatched = list(after)
    shifts: list[EscalationShift] = []
    for old in before:
        new = next((one for one in unmatched if one.rule == old.rule), None)
        if new is None:
            shifts.append(EscalationShift("lost", old, None))
            continue
        unmatched.remove(new)
        if abs(new.at - old.at) > SAME_TIME_S:
            shifts.append(EscalationShift("earlier" if new.at < old.at else "later", old, new))
    return [*shifts, *(EscalationShift("gained", None, one) for one in unmatched)]


def _cost(person_needed: bool, escalations: Sequence[EscalationPoint], costs: ErrorCosts) -> float:
    if person_needed:
        return 0.0 if escalations else costs.missed
    return costs.needless if escalations else 0.0


def _point_text(point: EscalationPoint) -> str:
    minutes, seconds = divmod(point.at, 60)
    where = f"turn {point.turn} at {minutes:.0f}:{seconds:04.1f}"
    return f"{point.rule.replace('_', ' ')}, {where}, {100 * point.probability:.0f} in 100"
