"""Reading of a contact where one is asked for, or is being read back.

Held by tests/dialogs/responses/test_callbacks.py.
"""

from __future__ import annotations

from dialogs.extraction.contacts import find_contact
from dialogs.interpretation.slot_filling import SlotAssignment
from dialogs.pack.model import Pack
from dialogs.state import DialogueState
from dialogs.values import Slot, Understanding


def contact_assignment(
    pack: Pack, state: DialogueState, understanding: Understanding
) -> SlotAssignment | None:
    """The contact in this turn, for the slot of the task on top that takes one; None without such
    a slot, or without a contact."""
    task = state.task
    names = pack.flows[task.flow].slots if task else ()
    name = next((one for one in names if pack.slots[one].type == "contact"), "")
    if not name or (contact := find_contact(understanding.text)) is None:
        return None
    slot = Slot(name, contact.value, contact.said, understanding.heard)
    return SlotAssignment(name, slot, len(state.tasks) - 1)


def names_contact(understanding: Understanding) -> bool:
    """Whether there is a contact in this turn: at "shall somebody call you back?" it is a yes."""
    return find_contact(understanding.text) is not None
