"""Progress of a conversation: turns that lead nowhere are counted, and the dialogue acts on them.

A turn makes progress when the customer gives a value, a step is done, a question is answered or a
new task begins. Talk, the same yes or no, and answers that do not fit make none: after some of them
the dialogue asks in another way, after some more it offers a person or what can be had instead.
Held by tests/dialogs/responses/test_progress.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from dialogs.interpretation.dialogue_act import DialogueAct
from dialogs.rendering import format_value
from dialogs.responses.fallback import ask_menu, may_offer_person, offer_person
from dialogs.responses.flow_steps import CHOICES_AFTER_TRIES, ask_slot
from dialogs.state import DialogueState, with_fresh_patience
from dialogs.turn_draft import TurnDraft, format_list
from dialogs.values import Reply

TurnOutcome = Literal["progress", "neutral", "stalled"]

TURNS_BETWEEN_OFFERS = 3  # stalled turns from one offer of a person, or of a way out, to the next
# Acts that are answered as the customer asked, whatever has been tried before.
UNCHANGED_ACTS = frozenset({"nothing", "repeat", "person"})
# Nothing was said, or the customer asked for a moment, or took something back.
PATIENT_ACTS = frozenset({"nothing", "wait", "resume", "declined", "undo"})
HELP_QUESTIONS = frozenset({"person", "callback"})
YES_NO_QUESTIONS = frozenset({"confirm", "resume", "intent"})
# Said only because the question follows: they go when it is asked in another way.
LEADING_REPLIES = frozenset({"back_to", "keypad", "typed", "unclear", "choices"})


def track_progress(draft: TurnDraft, before: DialogueState, act: DialogueAct) -> None:
    """Count this turn of the customer, and change the approach when too many led nowhere.

    `before` is the state at the beginning of the turn.
    """
    outcome = turn_outcome(draft, before, act)
    if outcome == "progress":
        begun = _new_flows(draft, before)
        known = before.flows_begun if begun else frozenset()
        fresh = with_fresh_patience(draft.state)
        draft.state = replace(fresh, flows_begun=known | begun, has_declined_person=False)
    elif outcome == "stalled":
        draft.state = replace(draft.state, stalled_turns=draft.state.stalled_turns + 1)
        change_approach(draft, before, act)


def turn_outcome(draft: TurnDraft, before: DialogueState, act: DialogueAct) -> TurnOutcome:
    """What this turn, which began in the state `before`, did for the customer."""
    state = draft.state
    if draft.action_call or draft.completed_task or draft.forced_rule or _is_answered(draft):
        return "progress"
    if _given_values(state, draft.turn) - _given_values(before):
        return "progress"
    if _confirmed_steps(draft, state) - _confirmed_steps(draft, before):
        return "progress"
    if _new_flows(draft, before):
        return "progress"
    if draft.ends_session or act.kind in PATIENT_ACTS or state.waiting_for_person:
        return "neutral"
    if len(state.tasks) < len(before.tasks) or _given_values(before) - _given_values(state):
        return "neutral"  # something was cancelled or taken back
    if before.question.kind in {"offer", "resume", *HELP_QUESTIONS} and act.kind in {"yes", "no"}:
        return "neutral"
    return "neutral" if before.question.kind == "confirm" and act.kind == "no" else "stalled"


def _is_answered(draft: TurnDraft) -> bool:
    """Whether a question was answered from the documents, and not with what was just said."""
    recent = draft.state.recent_texts
    answers = [reply.text for reply in draft.replies if reply.source is not None]
    return any(all(not text.endswith(one) for one in recent) for text in answers)


def _given_values(state: DialogueState, turn: int = 0) -> set[tuple[str, str, str]]:
    """Flow, slot and value of what the customer has given, in this turn if it is named."""
    return {
        (task.flow, name, filled.value)
        for task in state.tasks
        for name, filled in task.slots.items()
        if filled.turn and turn in {0, filled.turn}
    }


def _confirmed_steps(draft: TurnDraft, state: DialogueState) -> set[tuple[str, int]]:
    flows = draft.context.pack.flows
    return {
        (task.flow, index)
        for task in state.tasks
        for index in task.finished_steps
        if flows[task.flow].steps[index].kind == "confirm"
    }


def _new_flows(draft: TurnDraft, before: DialogueState) -> frozenset[str]:
    """The flows that this turn began and that were not begun since the last progress."""
    under_way = {task.flow for task in before.tasks} | before.flows_begun
    return frozenset(task.flow for task in draft.state.tasks if task.flow not in under_way)


def change_approach(draft: TurnDraft, before: DialogueState, act: DialogueAct) -> None:
    """After many stalled turns: ask in another way, or offer a person."""
    state, limits = draft.state, draft.context.pack.retry_limits
    asks_person = bool({before.question.kind, state.question.kind} & HELP_QUESTIONS)
    if state.stalled_turns < limits.stalled_before_change or act.kind in UNCHANGED_ACTS:
        return
    if state.question.kind in HELP_QUESTIONS:
        return
    beyond = state.stalled_turns - limits.stalled_before_person
    is_offer_due = beyond >= 0 and beyond % TURNS_BETWEEN_OFFERS == 0 and not asks_person
    if is_offer_due and may_offer_person(draft):
        _drop_question(draft)
        offer_person(draft)
    else:
        _ask_otherwise(draft, before)


def _ask_otherwise(draft: TurnDraft, before: DialogueState) -> None:
    """Ask the open question in another way than before, if it is asked again."""
    question = draft.state.question
    is_idle = draft.nothing_in_progress or question.kind in {"open", "more", "menu"}
    if question.kind == "slot" and question.name == before.question.name:
        _ask_slot_otherwise(draft)
    elif question.kind in YES_NO_QUESTIONS and question.kind == before.question.kind:
        closing = _drop_question(draft)
        draft.say("yes_or_no")
        draft.replies += closing
    elif is_idle and not draft.state.tasks:
        _drop_question(draft)
        was_menu = before.question.kind == "menu"
        ask_menu(draft, "few_words" if was_menu else "menu")


def _ask_slot_otherwise(draft: TurnDraft) -> None:
    task, pack = draft.state.task, draft.context.pack
    if task is None:
        return
    name = draft.state.question.name
    asks_choices = bool(draft.replies) and draft.replies[-1].step == "choices"
    _drop_question(draft)
    tries = max(task.misfit_answers, 1 if asks_choices else CHOICES_AFTER_TRIES)
    draft.state = draft.state.with_task(replace(task, misfit_answers=tries))
    beyond = draft.state.stalled_turns - pack.retry_limits.stalled_before_change
    if beyond % TURNS_BETWEEN_OFFERS:
        pass  # was said a turn ago
    elif task.flow == pack.verification_flow:
        draft.say("verify.other_way")
    elif known := _known_values(draft):
        draft.say("so_far", {"known": known})
    elif draft.context.channel == "voice":
        draft.say("typed")
    ask_slot(draft, name)


def _known_values(draft: TurnDraft) -> str:
    """What the customer has given for the task on top, in words: "amount: $50.00"."""
    task, context = draft.state.task, draft.context
    if task is None:
        return ""
    specs = context.pack.slots
    known = [
        f"{specs[name].label}: "
        + format_value(task.slots[name].value, specs[name].type, context.channel, context.today)
        for name in task.fill_order
        if task.slots[name].turn and not specs[name].is_secret
    ]
    return format_list(known, "and")


def _drop_question(draft: TurnDraft) -> list[Reply]:
    """Take back the question at the end of this turn, with the replies that only lead to it."""
    draft.nothing_in_progress = False
    at = len(draft.replies)
    while at and draft.replies[at - 1].step in {draft.state.question.reply, *LEADING_REPLIES}:
        at -= 1
    dropped, draft.replies = draft.replies[at:], draft.replies[:at]
    return dropped
