"""Resolution of self-repairs: values that the customer takes back within the same turn.

In "fifty, no, sixty" and "savings, I mean checking" the later value stays; "not fifteen" leaves
none. Held by tests/dialogs/extraction/test_slots.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from dialogs.pack.model import Pack
from dialogs.pack.reserved_names import NUMBER_SLOT, YES_NO_SLOT
from dialogs.values import Slot

_TAKEN_BACK = re.compile(r"\b(?:not|instead of|rather than)(?: (?:the|my|from|to|on|at|a))*\s*\$?$")
_REPAIR = re.compile(
    r"\b(?:no|i mean|i meant|sorry|actually|wait|rather|make that|make it|correction"
    r"|scratch that)\b"
)


@dataclass(frozen=True, slots=True)
class SlotSpan:
    """An extracted slot and its place in the text, end exclusive."""

    slot: Slot
    start: int
    end: int


def resolve_self_repairs(lowered: str, spans: list[SlotSpan], pack: Pack) -> list[SlotSpan]:
    """`spans` without repaired values; of two values around "no, I mean" the later one stays."""
    remaining = [
        f for f in spans if f.slot.name == YES_NO_SLOT or not _TAKEN_BACK.search(lowered[: f.start])
    ]
    corrected: set[int] = set()
    for i, early in enumerate(remaining):
        for late in remaining[i + 1 :]:
            between = lowered[early.end : late.start]
            if _may_replace(early, late, pack) and len(between) < 60 and _REPAIR.search(between):
                corrected.add(i)
                if (
                    late.slot.name in {NUMBER_SLOT, early.slot.name}
                    or early.slot.name == NUMBER_SLOT
                ):
                    continue
                remaining[remaining.index(late)] = replace(
                    late, slot=replace(late.slot, name=early.slot.name)
                )
    return [f for i, f in enumerate(remaining) if i not in corrected]


def _may_replace(early: SlotSpan, late: SlotSpan, pack: Pack) -> bool:
    """Whether the later value can replace the earlier: the same slot, or one without a role."""
    first, second = early.slot.name, late.slot.name
    if first == second or {first, second} == {"amount", NUMBER_SLOT}:
        return True
    spec = pack.slots.get(first)
    return spec is not None and spec.type == "choice" and second == spec.family
