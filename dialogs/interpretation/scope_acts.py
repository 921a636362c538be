"""Dialogue acts of requests that are not asked for as they are named, or that are taken back.

What stands under a negation, a condition, a report, or a verb that cancels or changes is not begun:
it is declined, asked about, or that is done instead. Held by
tests/dialogs/interpretation/test_polarity.py.
"""

from __future__ import annotations

from dialogs.extraction.yes_no import YesNoAnswer
from dialogs.interpretation.answer_acts import is_confident_request
from dialogs.interpretation.dialogue_act import DialogueAct, DialogueActKind
from dialogs.interpretation.polarity import (
    find_request,
    find_taken_back,
    is_question,
    request_scope,
)
from dialogs.interpretation.slot_filling import assign_slots, assign_to_task
from dialogs.interpretation.undo_requests import (
    names_bare_undoing,
    names_undoing,
    names_undoing_of,
)
from dialogs.interpretation.yes_no_reply import is_repeated_value, read_reply
from dialogs.pack.model import Pack, normalise_text
from dialogs.pack.reserved_names import COMPLAINT_INTENT, PERSON_INTENT, YES_NO_SLOT
from dialogs.state import DialogueState, Task
from dialogs.values import Understanding

# Acts that begin something or call a person.
REQUEST_ACTS = frozenset({"task", "maybe", "person"})
# Acts for which a model may have taken "cancel my appointment".
UNPLACED_ACTS = frozenset({"unclear", "out_of_scope", "cancel", "answer", "talk"})


def taken_back(
    pack: Pack, state: DialogueState, understanding: Understanding, reply: YesNoAnswer
) -> DialogueAct | None:
    """The act of a turn that takes back the task in progress ("don't block it, I found it"), or
    what was done before ("undo that"); None for any other."""
    text, intent = understanding.text, understanding.intent
    if state.done_actions and (
        names_undoing(text)
        or any(names_undoing_of(pack, one.task.flow, text) for one in state.done_actions)
    ):
        return DialogueAct("undo")
    if names_bare_undoing(text):
        if state.question.kind in {"which", "intent"}:
            return DialogueAct("undo")  # nothing was done here, and it is no answer
        if state.tasks and not (understanding.slots or is_same_task(pack, state, intent)):
            return DialogueAct("cancel", "cancel")
    active = next((t.flow for t in reversed(state.tasks) if t.flow != pack.verification_flow), "")
    names_value = any(slot.name != YES_NO_SLOT for slot in understanding.slots)
    if not active or reply.kind == "yes" or (reply.kind == "no" and names_value):
        return None  # "no, don't pay it from savings" corrects a value
    scopes = {
        request_scope(pack, text, name) for name, one in pack.intents.items() if one.flow == active
    }
    if "negated" in scopes or (active and pack.flows[active].undoes and "cancelled" in scopes):
        return DialogueAct("cancel", "cancel")
    if "cancelled" in scopes:
        done = any(one.task.flow == active for one in state.done_actions)
        return DialogueAct("undo") if done else DialogueAct("cancel", "cancel")
    return None


# Acts that a refusal in one clause of a turn may have made of a turn that asks for something.
_REFUSING_ACTS = frozenset({"no", "declined", "cancel", "goodbye"})
_UNHAPPY_ACTS = frozenset({"talk", "unclear", "out_of_scope"})


def with_request_beside(
    pack: Pack, state: DialogueState, understanding: Understanding, act: DialogueAct
) -> DialogueAct:
    """The task that another clause asks for, where nothing was asked that a no would answer: "no
    time to talk, pay my water bill". A refusal reaches only its own clause."""
    if state.tasks or state.question.kind not in {"open", "more", "menu"} or understanding.also:
        return act
    is_refusal = act.kind in _REFUSING_ACTS or (
        act.kind in _UNHAPPY_ACTS and understanding.intent in {"deny", COMPLAINT_INTENT}
    )
    if not is_refusal:
        return act
    values = {
        name: len(
            {slot for slot, _ in assign_to_task(pack, Task(one.flow), understanding.slots, "")}
        )
        for name, one in pack.intents.items()
        if one.kind == "task" and one.flow and name != act.intent
    }
    name = find_request(pack, understanding.text, values)
    if not name or name in {act.intent, PERSON_INTENT}:
        return act
    return DialogueAct("task", name, pack.intent_thresholds.act_from)


def wants_to_stop(
    pack: Pack, state: DialogueState, understanding: Understanding, has_effect: bool
) -> bool:
    """Whether a turn, while an action runs, takes it back; of an action that has an effect, also
    whether it refuses, waits, or corrects one of its values."""
    reply = read_reply(pack, state, understanding)
    is_sure = understanding.confidence >= pack.intent_thresholds.act_from
    if reply.kind == "cancel" or names_undoing(understanding.text):
        return True
    if not has_effect:
        return understanding.intent == "cancel" and is_sure
    if reply.kind in {"no", "wait", "later"}:
        return True
    if understanding.intent in {"cancel", "deny", "start_over"} and is_sure:
        return True
    task = state.task
    if task is None or is_confident_request(pack, understanding.intent, understanding.confidence):
        return False
    return any(
        fit.task_index == len(state.tasks) - 1 and not is_repeated_value(pack, task, fit.slot)
        for fit in assign_slots(pack, state, understanding.slots)
        if fit.name in task.slots
    )


def with_scope(pack: Pack, state: DialogueState, text: str, act: DialogueAct) -> DialogueAct:
    """The act of a request whose words stand under a negation, a condition, a report, or a verb
    that cancels or changes: it is not begun, but asked about, or that is done instead."""
    if normalise_text(text) in pack.intent_by_example:
        return act
    if act.kind in REQUEST_ACTS | UNPLACED_ACTS and (found := find_taken_back(pack, text)):
        intent, scope = found
        if act.kind != "cancel" or not is_same_task(pack, state, intent):
            kind: DialogueActKind = "change_existing" if scope == "changed" else "cancel_existing"
            return DialogueAct(kind, intent)
    if act.kind not in REQUEST_ACTS:
        return act
    match request_scope(pack, text, act.intent):
        case "negated":
            return DialogueAct("declined", act.intent)
        case "conditional" if is_question(text):
            return DialogueAct("question", act.intent, act.confidence)
        case "conditional" | "reported":
            return DialogueAct("maybe", act.intent, pack.intent_thresholds.confirm_from)
        case _:
            return act


def is_same_task(pack: Pack, state: DialogueState, intent: str) -> bool:
    spec = pack.intents.get(intent)
    return spec is not None and any(spec.flow == task.flow for task in state.tasks)
