"""Which of the values said were taken back in the same breath?

"fifty, no, sixty", "not fifteen", "savings, I mean checking": the later one stays. Held by
tests/dialogs/test_slots.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from dialogs.pack.model import Pack
from dialogs.values import Slot

NUMBER = "number"
YES_NO = "yes_no"

_TAKEN_BACK = re.compile(r"\b(?:not|instead of|rather than)(?: (?:the|my|from|to|on|at|a))*\s*\$?$")
_REPAIR = re.compile(
    r"\b(?:no|i mean|i meant|sorry|actually|wait|rather|make that|make it|correction"
    r"|scratch that)\b"
)


@dataclass(frozen=True, slots=True)
class Found:
    slot: Slot
    start: int
    end: int


def repaired(low: str, found: list[Found], pack: Pack) -> list[Found]:
    """What was taken back is gone; of two values around "no, I mean" the later one stays."""
    kept = [f for f in found if f.slot.name == YES_NO or not _TAKEN_BACK.search(low[: f.start])]
    dropped: set[int] = set()
    for i, early in enumerate(kept):
        for late in kept[i + 1 :]:
            between = low[early.end : late.start]
            if _same(early, late, pack) and len(between) < 60 and _REPAIR.search(between):
                dropped.add(i)
                if late.slot.name in {NUMBER, early.slot.name} or early.slot.name == NUMBER:
                    continue
                kept[kept.index(late)] = replace(
                    late, slot=replace(late.slot, name=early.slot.name)
                )
    return [f for i, f in enumerate(kept) if i not in dropped]


def _same(early: Found, late: Found, pack: Pack) -> bool:
    """Could the later one replace the earlier? Its role may be unsaid, but not another one."""
    first, second = early.slot.name, late.slot.name
    if first == second or {first, second} == {"amount", NUMBER}:
        return True
    spec = pack.slots.get(first)
    return spec is not None and spec.type == "choice" and second == spec.family
