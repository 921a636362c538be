"""Slot filling: assignment of extracted values to the slots of a task, and their validation.

A value whose role is known goes to the slot of that name; any other goes to the slot that was
asked for, then to one still missing, then it corrects the one filled last. Beside an amount with
its currency a bare number is no amount, and of two different values for one slot neither is taken:
the customer is asked. Held by tests/dialogs/interpretation/test_slot_filling.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation

from dialogs.pack.model import Pack, SlotSpec
from dialogs.pack.reserved_names import COUNT_SLOT, DIGITS_SLOT, NUMBER_SLOT, YES_NO_SLOT
from dialogs.state import DialogueState, Task
from dialogs.values import Slot


@dataclass(frozen=True, slots=True)
class SlotAssignment:
    """The value `slot` goes to the slot `name` of the task at `task_index` of the stack."""

    name: str
    slot: Slot
    task_index: int


def assign_slots(
    pack: Pack, state: DialogueState, slots: Iterable[Slot]
) -> tuple[SlotAssignment, ...]:
    """Values assigned to the task on top, or, if none fits there, to the nearest task below."""
    values = tuple(slots)
    for index in range(len(state.tasks) - 1, -1, -1):
        on_top = index == len(state.tasks) - 1
        asked_slot = state.question.name if on_top and state.question.kind == "slot" else ""
        assigned = assign_to_task(pack, state.tasks[index], values, asked_slot)
        if assigned:
            return tuple(SlotAssignment(name, slot, index) for name, slot in assigned)
    return ()


def with_identity_named(
    pack: Pack, state: DialogueState, slots: Iterable[Slot]
) -> tuple[Slot, ...]:
    """The slots, with bare digits named as the missing part of a begun identity: its length fits,
    and the open question asks for nothing else that they could be."""
    asked = pack.slots.get(state.question.name) if state.question.kind == "slot" else None
    is_taken = asked is not None and asked.type in {"amount", "digits", "contact", "date", "time"}
    is_begun = bool(state.identity_claims) and not state.identity_verified
    if is_taken or not is_begun or state.identity_locked:
        return tuple(slots)
    missing = {
        spec.length: spec.name
        for spec in (pack.slots[name] for name in pack.flows[pack.verification_flow].slots)
        if spec.length and spec.name not in state.identity_claims
    }
    return tuple(
        replace(slot, name=missing[len(slot.value)])
        if slot.name == DIGITS_SLOT and len(slot.value) in missing
        else slot
        for slot in slots
    )


def assign_to_task(
    pack: Pack, task: Task, slots: Iterable[Slot], asked_slot: str
) -> list[tuple[str, Slot]]:
    """Slot names of `task` with their values; `asked_slot` is the one asked for, or empty."""
    values = tuple(slots)
    has_amount = any(s.name in pack.slots and pack.slots[s.name].type == "amount" for s in values)
    assigned: dict[str, Slot] = {}
    for slot in values:
        if has_amount and slot.name == NUMBER_SLOT:
            slot = replace(slot, name=COUNT_SLOT)
        assignment = _assign(pack, task, slot, asked_slot, assigned)
        if assignment is None:
            assignment = _second_value(pack, task, slot, assigned)
        if assignment is not None:
            name, value = assignment
            first = assigned.get(name)
            if first is not None and (first.value, first.problem) != (value.value, value.problem):
                value = replace(value, value="", problem="several")
            assigned[name] = value
    return list(assigned.items())


def _second_value(
    pack: Pack, task: Task, slot: Slot, assigned: dict[str, Slot]
) -> tuple[str, Slot] | None:
    """A second value for the only slot of its family, as "pay the water and the power company".

    Of choices in a flow that needs no identity the first counts: nothing is lost by it.
    """
    spec, flow = pack.slots.get(slot.name), pack.flows[task.flow]
    if spec is None or (spec.type == "choice" and not flow.needs_identity):
        return None
    family = [n for n in flow.slots if pack.slots[n].family == spec.family]
    return (family[0], slot) if len(family) == 1 and family[0] in assigned else None


def _assign(
    pack: Pack, task: Task, slot: Slot, asked_slot: str, assigned: dict[str, Slot]
) -> tuple[str, Slot] | None:
    names = pack.flows[task.flow].slots
    asked_spec = pack.slots.get(asked_slot)
    if slot.name == YES_NO_SLOT:
        return (asked_slot, slot) if asked_spec and asked_spec.type == "yes_no" else None
    if slot.name in {NUMBER_SLOT, DIGITS_SLOT, COUNT_SLOT}:
        return _assign_number(pack, names, slot, asked_spec, task)
    spec = pack.slots.get(slot.name)
    if spec is None:
        return None
    same_family = [n for n in names if pack.slots[n].family == spec.family and n not in assigned]
    if spec.type == "digits":
        return _assign_digits(spec, same_family, slot, asked_spec)
    if slot.name in same_family and (slot.name not in _family_names(pack) or len(same_family) == 1):
        return slot.name, slot
    if asked_slot in same_family:
        return asked_slot, slot
    missing = [n for n in same_family if n not in task.slots]
    if missing:
        return missing[0], slot
    filled = [n for n in reversed(task.fill_order) if n in same_family]
    differing = [n for n in filled if task.slots[n].value != slot.value]
    return (differing[0], slot) if differing else (filled[0], slot) if filled else None


def _family_names(pack: Pack) -> set[str]:
    """Names of choice slots that state only the kind of value, not its role."""
    return {spec.family for spec in pack.slots.values() if spec.type == "choice"}


def _assign_digits(
    spec: SlotSpec, same_family: list[str], slot: Slot, asked_spec: SlotSpec | None
) -> tuple[str, Slot] | None:
    if spec.name in same_family:
        return spec.name, slot
    return (asked_spec.name, slot) if asked_spec and asked_spec.name in same_family else None


def _assign_number(
    pack: Pack, names: tuple[str, ...], slot: Slot, asked_spec: SlotSpec | None, task: Task
) -> tuple[str, Slot] | None:
    """A bare number fills the slot asked for; otherwise it can only be an amount.

    Exception: a number that is a known choice value may correct a filled slot. A number of things
    ("2 boxes") fills nothing else.
    """
    if slot.problem:
        amounts = [name for name in names if pack.slots[name].type == "amount"]
        is_asked = asked_spec is not None and asked_spec.name in amounts
        name = asked_spec.name if is_asked and asked_spec else next(iter(amounts), "")
        return (name, slot) if name and slot.name == NUMBER_SLOT else None
    digits = slot.value.replace(".", "")
    is_count = slot.name == COUNT_SLOT
    match asked_spec.type if asked_spec and not is_count else "":
        case "digits":
            assert asked_spec is not None
            return asked_spec.name, Slot(asked_spec.name, digits, slot.said)
        case "amount":
            assert asked_spec is not None
            return asked_spec.name, Slot(asked_spec.name, f"{Decimal(slot.value):.2f}", slot.said)
        case "time":
            assert asked_spec is not None
            clock = _clock_time(slot.value)
            return (asked_spec.name, Slot(asked_spec.name, clock, slot.said)) if clock else None
    for name in names:
        values = pack.slots[name].choices or {}
        if digits in values and (
            is_count or name == (asked_spec.name if asked_spec else "") or name in task.slots
        ):
            return name, Slot(name, digits, slot.said)
    amounts = [n for n in names if pack.slots[n].type == "amount"]
    unfilled = [n for n in amounts if n not in task.slots]
    name = (unfilled or amounts or [""])[0]
    if not name or slot.name != NUMBER_SLOT:
        return None  # digits that nobody asked for may be a repeated passcode
    return name, Slot(name, f"{Decimal(slot.value):.2f}", slot.said)


def _clock_time(value: str) -> str:
    """A number as HH:MM: "3" is 15:00, "10.30" and "1030" are 10:30; empty when it is no time."""
    hour_digits, _, minute_digits = value.partition(".")
    if len(hour_digits) in {3, 4} and not minute_digits:
        hour_digits, minute_digits = hour_digits[:-2], hour_digits[-2:]
    hour, minute = int(hour_digits), int(minute_digits or 0)
    hour += 12 if 1 <= hour <= 6 else 0
    return f"{hour:02d}:{minute:02d}" if hour < 24 and minute < 60 else ""


def slot_error(spec: SlotSpec, slot: Slot, today: date) -> str:
    """The name of the reply that says why the slot cannot be filled so, or the empty string."""
    return f"wrong.{slot.problem}" if slot.problem else validation_error(spec, slot.value, today)


def validation_error(spec: SlotSpec, value: str, today: date) -> str:
    """The name of the reply that says why `value` is invalid, or the empty string."""
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
            if spec.must_be_past:
                return "wrong.future" if day > today else ""
            return "wrong.past" if day < today else ""
        case _:
            return ""
