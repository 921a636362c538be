"""Which decisions are other ones, which is the first of them, and what followed?

Decisions are laid beside each other by what they are about (the second slot of this name, the
verdict of that rule), so that one more or one less does not make all others look changed. Numbers
of turns, questions and keys are names, not decisions: they do not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from agent.core.decisions import Decision

NAMES = frozenset({"turn", "ask", "key", "id"})
POSITIONS = frozenset({"until", "end"})
ABOUT = {"slot": "name", "rule": "rule", "action": "name", "escalation": "rule", "turn": "leg",
         "transcript": "leg", "turn_end": "leg", "hand_over": "state", "notice": "code",
         "reply": "step"}  # fmt: skip

Timed = tuple[float, Decision]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What counts as the same: samples of a turn's end, and parts of a probability."""

    samples: int = 0
    probability: float = 0.0


EXACT = Tolerance()
MODELS = Tolerance(samples=4000, probability=0.02)  # a quarter of a second; what rounding may move


@dataclass(frozen=True, slots=True)
class Change:
    """One decision that is another one now. `fields` are those that differ, as (before, after)."""

    what: Literal["changed", "gone", "new"]
    kind: str
    turn: int
    at: float
    before: Decision | None
    after: Decision | None
    fields: Mapping[str, tuple[Any, Any]]

    def __str__(self) -> str:
        head = f"turn {self.turn} at {_clock(self.at)}, {self.kind.replace('_', ' ')}"
        if self.what != "changed":
            told = self.before if self.before is not None else self.after
            return f"{head} {'is gone' if self.what == 'gone' else 'is new'}: {_told(told or {})}"
        said = "; ".join(
            f"{name}: {_said(a)} -> {_said(b)}" for name, (a, b) in self.fields.items()
        )
        about = ABOUT.get(self.kind)
        if about and about not in self.fields and self.before and self.before.get(about):
            head += f" {self.before[about]}"
        return f"{head}: {said}"


def compare(
    before: Sequence[Timed], after: Sequence[Timed], tolerance: Tolerance = EXACT
) -> list[Change]:
    """Every decision that differs, in order; the first is the first divergence."""
    pairs = SequenceMatcher(
        None, [_about(one) for _, one in before], [_about(one) for _, one in after], autojunk=False
    )
    found: list[Change] = []
    for tag, a, b, c, d in pairs.get_opcodes():
        if tag == "equal":
            for (at, old), (_, new) in zip(before[a:b], after[c:d], strict=True):
                if fields := _differing(old, new, tolerance):
                    found.append(_change("changed", at, old, new, fields))
            continue
        found += _replaced(before[a:b], after[c:d])
    return sorted(found, key=lambda one: one.at)


def followed(changes: Sequence[Change]) -> str:
    """What came after the first divergence, counted: "2 replies changed, 1 escalation gone"."""
    counted = Counter((one.kind, one.what) for one in changes[1:])
    told = []
    for (kind, what), number in counted.items():
        name = kind.replace("_", " ")
        name = name if number == 1 else name.removesuffix("y") + ("ies" if name[-1] == "y" else "s")
        told.append(f"{number} {name} {what}")
    return ", ".join(told)


def _replaced(before: Sequence[Timed], after: Sequence[Timed]) -> list[Change]:
    """Of a stretch that became another: the same kind one after the other is one that changed."""
    left = list(after)
    found: list[Change] = []
    for at, old in before:
        index = next((i for i, (_, new) in enumerate(left) if new["kind"] == old["kind"]), None)
        if index is None:
            found.append(_change("gone", at, old, None, {}))
            continue
        _, new = left.pop(index)
        found.append(_change("changed", at, old, new, _differing(old, new, EXACT)))
    return [*found, *(_change("new", at, None, new, {}) for at, new in left)]


def _change(
    what: Literal["changed", "gone", "new"],
    at: float,
    before: Decision | None,
    after: Decision | None,
    fields: Mapping[str, tuple[Any, Any]],
) -> Change:
    told = before if before is not None else after
    assert told is not None
    return Change(what, told["kind"], told["turn"], at, before, after, fields)


def _about(one: Decision) -> tuple[str, str]:
    name = ABOUT.get(one["kind"])
    return one["kind"], str(one.get(name, "")) if name else ""


def _differing(old: Decision, new: Decision, tolerance: Tolerance) -> dict[str, tuple[Any, Any]]:
    """The fields that differ; of fields with parts, only the parts that do."""
    found: dict[str, tuple[Any, Any]] = {}
    for name in {**old, **new}:
        if name in NAMES:
            continue
        a, b = old.get(name), new.get(name)
        if isinstance(a, dict) and isinstance(b, dict):
            parts = {part: (a.get(part), b.get(part)) for part in {**a, **b}}
            found |= {
                f"{name}.{part}": pair
                for part, pair in parts.items()
                if not _same(name, *pair, tolerance)
            }
        elif not _same(name, a, b, tolerance):
            found[name] = (a, b)
    return found


def _same(name: str, a: Any, b: Any, tolerance: Tolerance) -> bool:
    if a == b:
        return True
    if isinstance(a, bool) or isinstance(b, bool):
        return False
    if not (isinstance(a, int | float) and isinstance(b, int | float)):
        return False
    most = tolerance.samples if name in POSITIONS else tolerance.probability
    return abs(a - b) <= most


def _clock(at: float) -> str:
    return f"{int(at // 60)}:{at % 60:04.1f}"


def _told(one: Decision) -> str:
    fields = {name: value for name, value in one.items() if name not in NAMES | {"kind"} and value}
    return ", ".join(f"{name} {_said(value)}" for name, value in fields.items())


def _said(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case str():
            return f'"{value}"'
        case float():
            return f"{value:g}"
        case dict():
            return "{" + ", ".join(f"{name} {_said(one)}" for name, one in value.items()) + "}"
    return str(value)
