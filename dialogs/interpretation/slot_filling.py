"""Which value belongs to which slot of the task, and does it fit?

A slot that is named goes where its name says; one that is not goes to what was asked, then to
what is still missing, then it corrects what was given last. Held by tests/dialogs/test_fitting.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from dialogs.extraction.slots import NUMBER, YES_NO
from dialogs.pack.model import Pack, SlotSpec
from dialogs.state import DialogueState, Task
from dialogs.values import Slot


@dataclass(frozen=True, slots=True)
class Fit:
    """`slot` belongs under `name` in the task at `place` of the stack."""

    name: str
    slot: Slot
    place: int


def fitting(pack: Pack, state: DialogueState, slots: Iterable[Slot]) -> tuple[Fit, ...]:
    """The slots that belong to the task on top, or else to the nearest one below it."""
    given = tuple(slots)
    for place in range(len(state.tasks) - 1, -1, -1):
        on_top = place == len(state.tasks) - 1
        asked = state.question.name if on_top and state.question.kind == "slot" else ""
        found = placed(pack, state.tasks[place], given, asked)
        if found:
            return tuple(Fit(name, slot, place) for name, slot in found)
    return ()


def placed(pack: Pack, task: Task, slots: Iterable[Slot], asked: str) -> list[tuple[str, Slot]]:
    found: dict[str, Slot] = {}
    for slot in slots:
        made = _place(pack, task, slot, asked, found)
        if made is not None:
            found[made[0]] = made[1]
    return list(found.items())


def _place(
    pack: Pack, task: Task, slot: Slot, asked: str, found: dict[str, Slot]
) -> tuple[str, Slot] | None:
    names = pack.flows[task.flow].slots
    wanted = pack.slots.get(asked)
    if slot.name == YES_NO:
        return (asked, slot) if wanted and wanted.type == "yes_no" else None
    if slot.name in {NUMBER, "digits"}:
        return _number(pack, names, slot, wanted, task)
    spec = pack.slots.get(slot.name)
    if spec is None:
        return None
    alike = [n for n in names if pack.slots[n].family == spec.family and n not in found]
    if spec.type == "digits":
        return _digits(spec, alike, slot, wanted)
    if slot.name in alike and (slot.name not in _roots(pack) or len(alike) == 1):
        return slot.name, slot
    if asked in alike:
        return asked, slot
    missing = [n for n in alike if n not in task.slots]
    if missing:
        return missing[0], slot
    given = [n for n in reversed(task.order) if n in alike]
    other = [n for n in given if task.slots[n].value != slot.value]
    return (other[0], slot) if other else (given[0], slot) if given else None


def _roots(pack: Pack) -> set[str]:
    """Slots whose name says only the kind, not the role."""
    return {spec.family for spec in pack.slots.values() if spec.type == "choice"}


def _digits(
    spec: SlotSpec, alike: list[str], slot: Slot, wanted: SlotSpec | None
) -> tuple[str, Slot] | None:
    if spec.name in alike:
        return spec.name, slot
    return (wanted.name, slot) if wanted and wanted.name in alike else None


def _number(
    pack: Pack, names: tuple[str, ...], slot: Slot, wanted: SlotSpec | None, task: Task
) -> tuple[str, Slot] | None:
    """A bare number is what was asked; unasked it can only be an amount."""
    digits = slot.value.replace(".", "")
    match wanted.type if wanted else "":
        case "digits":
            assert wanted is not None
            return wanted.name, Slot(wanted.name, digits, slot.said)
        case "amount":
            assert wanted is not None
            return wanted.name, Slot(wanted.name, f"{Decimal(slot.value):.2f}", slot.said)
        case "time":
            assert wanted is not None
            clock = _clock(slot.value)
            return (wanted.name, Slot(wanted.name, clock, slot.said)) if clock else None
    for name in names:
        values = pack.slots[name].values or {}
        if digits in values and (name == (wanted.name if wanted else "") or name in task.slots):
            return name, Slot(name, digits, slot.said)
    amounts = [n for n in names if pack.slots[n].type == "amount"]
    open_ones = [n for n in amounts if n not in task.slots]
    name = (open_ones or amounts or [""])[0]
    corrects = name in task.slots
    if not name or slot.name != NUMBER or (corrects and len(digits) > 3):
        return None  # a long number nobody asked for may be a code said once more
    return name, Slot(name, f"{Decimal(slot.value):.2f}", slot.said)


def _clock(value: str) -> str:
    """ "3" is three in the afternoon, "10.30" and "1030" half past ten."""
    whole, _, part = value.partition(".")
    if len(whole) in {3, 4} and not part:
        whole, part = whole[:-2], whole[-2:]
    hour, minute = int(whole), int(part or 0)
    hour += 12 if 1 <= hour <= 6 else 0
    return f"{hour:02d}:{minute:02d}" if hour < 24 and minute < 60 else ""


def problem(spec: SlotSpec, value: str, today: date) -> str:
    """The reply that says why this value cannot be, or the empty string."""
    match spec.type:
        case "digits":
            return "wrong.length" if spec.length and len(value) != spec.length else ""
        case "amount":
            try:
                amount = Decimal(value)
            except InvalidOperation:
                return "unclear"
            if amount <= 0:
                return "wrong.zero"
            return "wrong.too_much" if spec.limit and amount > Decimal(str(spec.limit)) else ""
        case "date":
            day = date.fromisoformat(value)
            if spec.past:
                return "wrong.future" if day > today else ""
            return "wrong.past" if day < today else ""
        case _:
            return ""
