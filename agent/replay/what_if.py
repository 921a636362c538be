"""What would another escalation policy, or other patience, have changed?

Recordings are run anew, once as things are and once as they would be, and the calls for a person
are laid beside each other: gained, lost, earlier, later. What that costs follows from the policy's
own costs and from what is noted about a recording (`needed_person`).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agent.config import Settings, load
from agent.recordings.recording import Recording, RecordingError
from agent.replay.answer_sources import Answers, AsRecorded
from agent.replay.builds import Here
from agent.replay.diff import Timed
from agent.replay.run import Again, Build
from dialogs.pack.model import Costs, Pack, PackError

POLICY = "escalation.yaml"
LABEL = "needed_person"
SAME_S = 0.5

Answering = Callable[[Recording], Answers]


@dataclass(frozen=True, slots=True)
class Call:
    """Where a person was called."""

    rule: str
    turn: int
    at: float
    probability: float


@dataclass(frozen=True, slots=True)
class Shift:
    """One call that is another one, or in another place."""

    what: Literal["gained", "lost", "earlier", "later"]
    before: Call | None
    after: Call | None

    def __str__(self) -> str:
        match self.before, self.after:
            case None, Call() as now:
                return f"gained: {_said(now)}"
            case Call() as then, None:
                return f"lost: {_said(then)}"
            case Call() as then, Call() as now:
                return (
                    f"{self.what} by {abs(now.at - then.at):.1f} s: {_said(then)} -> {_said(now)}"
                )
        raise AssertionError("a shift has at least one side")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One recording as it is and as it would be. `needed` is None when nobody has noted it."""

    name: str
    needed: bool | None
    before: tuple[Call, ...]
    after: tuple[Call, ...]
    missing: tuple[str, ...]

    @property
    def shifts(self) -> list[Shift]:
        return _shifts(self.before, self.after)

    def costs(self, costs: Costs) -> tuple[float, float] | None:
        """Before and after; None when it is not noted whether a person was needed."""
        if self.needed is None:
            return None
        return _cost(self.needed, self.before, costs), _cost(self.needed, self.after, costs)


def outcome(recording: Recording, now: Build, then: Build, answering: Answering | None) -> Outcome:
    """`now` is this build, `then` what it would be; `answering` models, where turns may end
    elsewhere, else the answers are those that were recorded."""
    runs = []
    for build in (now, then):
        answers: Answers = answering(recording) if answering else AsRecorded()
        runs.append(Again(recording, build, answers, late=True, sound=answering is not None).run())
    needed = recording.labels.get(LABEL)
    return Outcome(
        recording.name,
        None if needed is None else needed == "yes",
        calls(runs[0].decisions),
        calls(runs[1].decisions),
        runs[1].missing,
    )


def calls(decided: Sequence[Timed]) -> tuple[Call, ...]:
    """Where a person was called, in what was decided."""
    return tuple(
        Call(one["rule"], one["turn"], at, one["probability"])
        for at, one in decided
        if one["kind"] == "escalation"
    )


@contextmanager
def policy(file: Path, settings: Settings) -> Iterator[tuple[Here, bool]]:
    """This build under another policy (a pack's escalation.yaml) or other settings (.toml), and
    whether turns may end elsewhere with it. PackError or SettingsError in terms of `file`."""
    if not file.is_file():
        raise RecordingError(f"{file}: there is no such file; a policy is a pack's {POLICY}")
    if file.suffix == ".toml":
        yield Here.of(load(file), file.name), True
        return
    with tempfile.TemporaryDirectory() as folder:
        pack = Path(folder) / "pack"
        shutil.copytree(Pack.load(settings.pack).directory, pack)
        shutil.copyfile(file, pack / POLICY)
        try:
            here = Here.of(settings.model_copy(update={"pack": pack}), file.name)
        except PackError as wrong:
            raise RecordingError(str(wrong).replace(str(pack / POLICY), str(file))) from None
        yield here, False


def _shifts(before: Sequence[Call], after: Sequence[Call]) -> list[Shift]:
    """Calls of the same rule belong together in their order; the rest is gained or lost."""
    left = list(after)
    found: list[Shift] = []
    for old in before:
        new = next((one for one in left if one.rule == old.rule), None)
        if new is None:
            found.append(Shift("lost", old, None))
            continue
        left.remove(new)
        if abs(new.at - old.at) > SAME_S:
            found.append(Shift("earlier" if new.at < old.at else "later", old, new))
    return [*found, *(Shift("gained", None, one) for one in left)]


def _cost(needed: bool, called: Sequence[Call], costs: Costs) -> float:
    if needed:
        return 0.0 if called else costs.missed
    return costs.needless if called else 0.0


def _said(call: Call) -> str:
    minutes, seconds = divmod(call.at, 60)
    where = f"turn {call.turn} at {minutes:.0f}:{seconds:04.1f}"
    return f"{call.rule.replace('_', ' ')}, {where}, {100 * call.probability:.0f} in 100"
