"""Dialogue act of a turn: what it does in the conversation, with what it carries.

Plain values: dialogs/interpretation/dialogue_acts.py decides which one a turn is, and
dialogs/responses/by_act.py has a reaction to each (tests/dialogs/test_dialogue_laws.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dialogs.interpretation.slot_filling import SlotAssignment

DialogueActKind = Literal[
    "nothing", "unheard", "unclear", "yes", "no", "unsure_yes", "answer", "no_value", "task",
    "again", "maybe",
    "which", "picked",
    "question", "talk", "person", "cancel", "start_over", "repeat", "go_back", "goodbye",
    "change", "out_of_scope", "wait", "resume", "later", "unsure", "ask_back",
    "declined", "cancel_existing", "change_existing", "undo",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class DialogueAct:
    """What a turn does. `intent` is the intent, or the slot to change for "change";
    `assignments` are the values that answer or correct."""

    kind: DialogueActKind
    intent: str = ""
    confidence: float = 1.0
    assignments: tuple[SlotAssignment, ...] = ()
    yes_no: str = ""  # "yes" or "no" beside an answer
    options: tuple[str, ...] = ()  # possible intents, or those that were picked
