"""Repeated requests of one turn: the same thing asked for twice with other values.

"Pay 40 dollars to city water and 25 to valley power" are two bill payments: the second becomes a
further request, so that neither value replaces the other. Only where each part has the values that
make it a request of its own; anything else is left to the slot filling, which asks. Held by
tests/dialogs/interpretation/test_repeated_requests.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from dialogs.pack.model import Flow, Pack
from dialogs.pack.reserved_names import NUMBER_SLOT
from dialogs.state import DialogueState
from dialogs.values import FurtherRequest, Slot, Understanding


def split_repeated_requests(
    pack: Pack, state: DialogueState, understanding: Understanding
) -> Understanding:
    """The understanding with the first of the requests, and the repeated ones as further ones."""
    intent = _intent(pack, state, understanding)
    if not intent:
        return understanding
    flow = pack.flows[pack.intents[intent].flow]
    named = [_with_flow_name(pack, flow, slot) for slot in understanding.slots]
    first, *others = _parts(pack, flow, named)
    if not others or not all(_is_complete(pack, flow, part) for part in (first, *others)):
        return understanding
    further = tuple(
        FurtherRequest(" ".join(slot.said for slot in part), intent, understanding.confidence, part)
        for part in others
    )
    return replace(understanding, slots=first, also=(*further, *understanding.also))


def _intent(pack: Pack, state: DialogueState, understanding: Understanding) -> str:
    """The intent whose task the values are for: that of the turn, or of the task in progress."""
    spec = pack.intents.get(understanding.intent)
    if spec is not None and spec.flow:
        return spec.name
    task = state.task
    if task is None or spec is None or spec.kind not in {"control", "talk"}:
        return ""
    return next((i.name for i in pack.intents.values() if i.flow == task.flow), "")


def _with_flow_name(pack: Pack, flow: Flow, slot: Slot) -> Slot:
    """The slot under the name that the flow has for it, where there is only one."""
    spec = pack.slots.get(slot.name)
    if slot.name == NUMBER_SLOT:
        spec = next((one for one in pack.slots.values() if one.type == "amount"), None)
    if spec is None or spec.type not in {"amount", "choice"} or slot.problem:
        return slot
    names = [name for name in flow.slots if pack.slots[name].family == spec.family]
    if len(names) != 1 or slot.name == names[0]:
        return slot
    value = f"{Decimal(slot.value):.2f}" if spec.type == "amount" else slot.value
    return replace(slot, name=names[0], value=value)


def _parts(pack: Pack, flow: Flow, slots: Sequence[Slot]) -> list[tuple[Slot, ...]]:
    """The slots cut where a kind of value comes again with another value."""
    parts: list[list[Slot]] = [[]]
    for slot in slots:
        kind = _kind(pack, flow, slot)
        previous = [one for one in parts[-1] if kind and _kind(pack, flow, one) == kind]
        if previous and all(one.value != slot.value for one in previous):
            parts.append([])
        parts[-1].append(slot)
    return [tuple(part) for part in parts]


def _kind(pack: Pack, flow: Flow, slot: Slot) -> str:
    """What a value of the flow is for; empty for a value of something else."""
    if slot.name == NUMBER_SLOT:
        return "amount"
    spec = pack.slots.get(slot.name)
    if spec is None or spec.type not in {"amount", "choice"}:
        return ""
    names = [name for name in flow.slots if pack.slots[name].family == spec.family]
    if spec.type == "amount":
        return "amount" if names else ""
    return slot.name if slot.name in names else spec.family if names else ""


def _is_complete(pack: Pack, flow: Flow, part: Sequence[Slot]) -> bool:
    """Whether the values make a request: a choice, and an amount where the flow has one. A flow
    without an amount is split only if it changes nothing, so that nothing is done twice."""
    kinds = {_kind(pack, flow, slot) for slot in part} - {""}
    has_amount = any(pack.slots[name].type == "amount" for name in flow.slots)
    if has_amount:
        return "amount" in kinds and len(kinds) > 1
    return bool(kinds) and not any(step.kind == "confirm" for step in flow.steps)
