"""Comparison of the decisions of two runs: every difference, in order of time.

Decisions are aligned by their subject (the second slot of this name, the result of that rule), so
that one decision more or less does not make all later ones look changed. Numbers of turns, requests
and keys only identify, and are not compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from agent.core.decisions import REASON_FIELDS, DecisionRecord

IDENTIFIER_FIELDS = frozenset({"turn", "ask", "key", "id"}) | REASON_FIELDS
POSITION_FIELDS = frozenset({"until", "end"})
SUBJECT_FIELD = {
    "slot": "name",
    "rule": "rule",
    "action": "name",
    "escalation": "rule",
    "turn": "leg",
    "transcript": "leg",
    "turn_end": "leg",
    "hand_over": "state",
    "notice": "code",
    "reply": "step",
}

TimedDecision = tuple[float, DecisionRecord]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far values may differ and still count as the same: samples for positions, and a fraction
    of 1 for other numbers."""

    samples: int = 0
    probability: float = 0.0


EXACT = Tolerance()
MODEL_TOLERANCE = Tolerance(samples=4000, probability=0.02)  # 0.25 s; rounding


@dataclass(frozen=True, slots=True)
class DecisionChange:
    """One decision that differs. `fields` maps each differing field to (before, after); `before` or
    `after` is None for a decision that is new or gone."""

    change_type: Literal["changed", "gone", "new"]
    kind: str
    turn: int
    at: float
    before: DecisionRecord | None
    after: DecisionRecord | None
    fields: Mapping[str, tuple[Any, Any]]

    def __str__(self) -> str:
        head = f"turn {self.turn} at {_clock_text(self.at)}, {self.kind.replace('_', ' ')}"
        if self.change_type != "changed":
            decision = self.before if self.before is not None else self.after
            change = "is gone" if self.change_type == "gone" else "is new"
            return f"{head} {change}: {_decision_text(decision or {})}"
        field_texts = "; ".join(
            f"{name}: {_value_text(a)} -> {_value_text(b)}" for name, (a, b) in self.fields.items()
        )
        subject_field = SUBJECT_FIELD.get(self.kind)
        if (
            subject_field
            and subject_field not in self.fields
            and self.before
            and self.before.get(subject_field)
        ):
            head += f" {self.before[subject_field]}"
        return f"{head}: {field_texts}"


def compare_decisions(
    before: Sequence[TimedDecision], after: Sequence[TimedDecision], tolerance: Tolerance = EXACT
) -> list[DecisionChange]:
    """Every decision that differs, by time; the first one is the first divergence."""
    pairs = SequenceMatcher(
        None,
        [_subject(one) for _, one in before],
        [_subject(one) for _, one in after],
        autojunk=False,
    )
    changes: list[DecisionChange] = []
    for tag, a, b, c, d in pairs.get_opcodes():
        if tag == "equal":
            for (at, old), (_, new) in zip(before[a:b], after[c:d], strict=True):
                if fields := _differing_fields(old, new, tolerance):
                    changes.append(_decision_change("changed", at, old, new, fields))
            continue
        changes += _paired_changes(before[a:b], after[c:d])
    return sorted(changes, key=lambda one: one.at)


def later_changes_text(changes: Sequence[DecisionChange]) -> str:
    """Counts of the changes after the first one: "2 replies changed, 1 escalation gone"."""
    counted = Counter((one.kind, one.change_type) for one in changes[1:])
    parts = []
    for (kind, change_type), number in counted.items():
        name = kind.replace("_", " ")
        name = name if number == 1 else name.removesuffix("y") + ("ies" if name[-1] == "y" else "s")
        parts.append(f"{number} {name} {change_type}")
    return ", ".join(parts)


def _paired_changes(
    before: Sequence[TimedDecision], after: Sequence[TimedDecision]
) -> list[DecisionChange]:
    """Changes of a stretch that was replaced: decisions of the same kind are paired in order."""
    unpaired = list(after)
    changes: list[DecisionChange] = []
    for at, old in before:
        index = next((i for i, (_, new) in enumerate(unpaired) if new["kind"] == old["kind"]), None)
        if index is None:
            changes.append(_decision_change("gone", at, old, None, {}))
            continue
        _, new = unpaired.pop(index)
        changes.append(
            _decision_change("changed", at, old, new, _differing_fields(old, new, EXACT))
        )
    return [*changes, *(_decision_change("new", at, None, new, {}) for at, new in unpaired)]


def _decision_change(
    change_type: Literal["changed", "gone", "new"],
    at: float,
    before: DecisionRecord | None,
    after: DecisionRecord | None,
    fields: Mapping[str, tuple[Any, Any]],
) -> DecisionChange:
    decision = before if before is not None else after
    assert decision is not None
    return DecisionChange(
        change_type, decision["kind"], decision["turn"], at, before, after, fields
    )


def _subject(decision: DecisionRecord) -> tuple[str, str]:
    field_name = SUBJECT_FIELD.get(decision["kind"])
    return decision["kind"], str(decision.get(field_name, "")) if field_name else ""


def _differing_fields(
    old: DecisionRecord, new: DecisionRecord, tolerance: Tolerance
) -> dict[str, tuple[Any, Any]]:
    """The fields that differ; of a dictionary, only the differing entries, as "field.entry"."""
    differences: dict[str, tuple[Any, Any]] = {}
    for name in {**old, **new}:
        if name in IDENTIFIER_FIELDS:
            continue
        a, b = old.get(name), new.get(name)
        if isinstance(a, dict) and isinstance(b, dict):
            parts = {part: (a.get(part), b.get(part)) for part in {**a, **b}}
            differences |= {
                f"{name}.{part}": pair
                for part, pair in parts.items()
                if not _is_same(name, *pair, tolerance)
            }
        elif not _is_same(name, a, b, tolerance):
            differences[name] = (a, b)
    return differences


def _is_same(name: str, a: Any, b: Any, tolerance: Tolerance) -> bool:
    if a == b:
        return True
    if isinstance(a, bool) or isinstance(b, bool):
        return False
    if not (isinstance(a, int | float) and isinstance(b, int | float)):
        return False
    max_difference = tolerance.samples if name in POSITION_FIELDS else tolerance.probability
    return abs(a - b) <= max_difference


def _clock_text(at: float) -> str:
    return f"{int(at // 60)}:{at % 60:04.1f}"


def _decision_text(decision: DecisionRecord) -> str:
    fields = {
        name: value
        for name, value in decision.items()
        if name not in IDENTIFIER_FIELDS | {"kind"} and value
    }
    return ", ".join(f"{name} {_value_text(value)}" for name, value in fields.items())


def _value_text(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case str():
            return f'"{value}"'
        case float():
            return f"{value:g}"
        case dict():
            return (
                "{" + ", ".join(f"{name} {_value_text(one)}" for name, one in value.items()) + "}"
            )
    return str(value)
