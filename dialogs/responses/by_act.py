"""Reactions: one short function for each kind of dialogue act.

Each leaves something asked or said in the draft, so that no turn goes unanswered
(tests/dialogs/test_dialogue_laws.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from audio.types import Expectation
from dialogs.escalation.callback import can_person_come, is_arranging_callback
from dialogs.interpretation.clarification import ask_clarification
from dialogs.interpretation.dialogue_act import DialogueAct
from dialogs.interpretation.slot_filling import SlotAssignment
from dialogs.pack.reserved_names import COMPLAINT_INTENT, PERSON_INTENT, YES_NO_SLOT
from dialogs.responses.callbacks import accept_callback
from dialogs.responses.closing import (
    answer_doubtful_goodbye,
    answer_no_to_more,
    ends_conversation,
)
from dialogs.responses.commands import (
    cancel,
    cancel_all,
    go_back,
    remember_request,
    repeat_replies,
    request_person,
    say_goodbye,
    start_over,
)
from dialogs.responses.consent import record_slot_consent
from dialogs.responses.existing_things import cancel_existing, change_existing, decline_request
from dialogs.responses.fallback import (
    YES_NO_EXPECTATION,
    answer_silence,
    ask_again,
    ask_menu,
    decline_callback,
    decline_person,
    intent_phrase,
    reprompt,
    resume_task,
)
from dialogs.responses.flow_steps import advance, ask_slot, begin_task, confirm_step, fill_slot
from dialogs.responses.offers import accept_offer, decline_offer
from dialogs.responses.undo import undo_last
from dialogs.state import DeferredRequest, Question, Task
from dialogs.turn_draft import TurnDraft, format_list
from dialogs.values import Understanding

# least coverage to answer a question that the model took as out of scope
MIN_ANSWER_COVERAGE = 0.75
SILENCES_ON_HOLD = 2  # silences more than usual for a customer who asked for a moment


def respond(draft: TurnDraft, act: DialogueAct, understanding: Understanding) -> None:
    """Run the reaction to this dialogue act; words that end the conversation come first."""
    if ends_conversation(draft, act, understanding):
        say_goodbye(draft)
        return
    if act.kind not in {"nothing", "unheard"}:
        draft.state = replace(draft.state, is_on_hold=act.kind == "wait")
    REACTIONS[act.kind](draft, act, understanding)


def _react_to_unclear(draft: TurnDraft, act: DialogueAct, understanding: Understanding) -> None:
    """Answer a question from the documents even if the models found no intent; else reprompt."""
    is_open_question = draft.state.question.kind in {"open", "more", "menu"}
    answer = (
        draft.context.pack.knowledge.find_answer(understanding.text)
        if is_open_question and _is_question(understanding.text)
        else None
    )
    if answer is not None and (act.kind == "unclear" or answer.coverage >= MIN_ANSWER_COVERAGE):
        _react_to_question(draft, act, understanding)
        return
    reprompt(draft, act.kind)


def _is_question(text: str) -> bool:
    words = text.lower().split()
    starts = {"what", "what's", "how", "when", "where", "which", "who", "why", "do", "does",
              "can", "is", "are", "will"}  # fmt: skip
    return len(words) > 3 and (text.rstrip().endswith("?") or words[0] in starts)


def _react_to_answer(draft: TurnDraft, act: DialogueAct, understanding: Understanding) -> None:
    filled = [fill_slot(draft, fit) for fit in act.assignments]
    for fit, is_filled in zip(act.assignments, filled, strict=True):
        if is_filled and fit.slot.name == YES_NO_SLOT and fit.slot.value == "yes":
            _record_slot_consent(draft, fit, understanding.text)
    if act.assignments and not any(filled) and draft.state.task:
        task = draft.state.task
        draft.state = draft.state.with_task(replace(task, misfit_answers=task.misfit_answers + 1))
    advance(draft)


def _explain_slot(draft: TurnDraft, act: DialogueAct, _understanding: Understanding) -> None:
    """No value for the slot that was asked for: say what it is for, and ask again. Who refuses to
    say where to call back is promised nothing."""
    if act.intent == "refusal" and is_arranging_callback(draft.state, draft.context.pack):
        decline_callback(draft)
        return
    name, task = draft.state.question.name, draft.state.task
    spec = draft.context.pack.slots[name]
    if task is not None:
        misfits = task.misfit_answers + 1
        draft.state = draft.state.with_task(replace(task, misfit_answers=misfits))
        is_repeated = misfits > 1 or not spec.help_reply
        draft.say("no_value" if is_repeated else spec.help_reply)
    ask_slot(draft, name)


def _record_slot_consent(draft: TurnDraft, fit: SlotAssignment, words: str) -> None:
    """Take a yes to a yes/no slot as the consent to the actions that depend on it."""
    pack, tasks = draft.context.pack, draft.state.tasks
    task = record_slot_consent(pack, tasks[fit.task_index], fit.name, draft.turn, words)
    tasks = (*tasks[: fit.task_index], task, *tasks[fit.task_index + 1 :])
    draft.state = replace(draft.state, tasks=tasks)


def _react_to_task(draft: TurnDraft, act: DialogueAct, understanding: Understanding) -> None:
    intent = draft.context.pack.intents[act.intent]
    if act.intent == PERSON_INTENT:
        request_person(draft, understanding)
        return
    remember_request(draft, understanding)
    begin_task(draft, intent.flow, understanding.slots, understanding.text)
    advance(draft)


def _repeat_task(draft: TurnDraft, act: DialogueAct, understanding: Understanding) -> None:
    """Run the last completed task again with another value."""
    last_task = draft.state.last_task
    if last_task is not None:
        remember_request(draft, understanding)
        task = Task(
            last_task.flow,
            last_task.slots,
            last_task.fill_order,
            start_turn=draft.turn,
            request_text=understanding.text,
        )
        draft.state = replace(draft.state, tasks=(*draft.state.tasks, task))
        for fit in act.assignments:
            fill_slot(draft, fit)
        advance(draft)


def _react_to_maybe(draft: TurnDraft, act: DialogueAct, understanding: Understanding) -> None:
    draft.state = replace(
        draft.state, request_in_question=DeferredRequest(understanding, draft.at, draft.turn)
    )
    question = Question("intent", act.intent, "did_you_mean", YES_NO_EXPECTATION)
    draft.ask(question, intent=intent_phrase(draft, act.intent))


def _ask_which(draft: TurnDraft, act: DialogueAct, understanding: Understanding) -> None:
    """Ask which of two or three intents is meant, unless the documents clearly answer."""
    answer = (
        draft.context.pack.knowledge.find_answer(understanding.text)
        if _is_question(understanding.text)
        else None
    )
    if answer is not None and answer.coverage >= MIN_ANSWER_COVERAGE and "question" in act.options:
        _react_to_question(draft, act, understanding)
        return
    draft.state = replace(
        draft.state, request_in_question=DeferredRequest(understanding, draft.at, draft.turn)
    )
    ask_clarification(draft, act.options)


def _start_picked(draft: TurnDraft, act: DialogueAct, understanding: Understanding) -> None:
    """Start the picked request with its first wording; after "both" the second is deferred."""
    combined = _with_first_wording(draft, understanding)
    first, *others = sorted(act.options, key=lambda option: option != PERSON_INTENT)
    further = [replace(combined, intent=other, confidence=1.0) for other in others]
    draft.deferred_now = tuple(DeferredRequest(other, draft.at, draft.turn) for other in further)
    state = replace(
        draft.state,
        request_in_question=None,
        further_requests=(*draft.deferred_now, *draft.state.further_requests),
    )
    draft.state = replace(state, accepted_person_offer=first == PERSON_INTENT)
    if draft.context.pack.intents[first].kind == "question":
        _react_to_question(draft, DialogueAct("question", first), combined)
    else:
        _react_to_task(draft, DialogueAct("task", first), combined)


def _react_to_yes(draft: TurnDraft, act: DialogueAct, understanding: Understanding) -> None:
    state = draft.state
    match state.question.kind:
        case "confirm":
            confirm_step(draft, understanding.text)
            advance(draft)
        case "intent":
            wants_person = state.question.name == PERSON_INTENT
            combined = _with_first_wording(draft, understanding)
            draft.state = replace(
                state, request_in_question=None, accepted_person_offer=wants_person
            )
            _react_to_task(draft, DialogueAct("task", state.question.name), combined)
        case "which" if state.question.reply != "which_again":
            ask_clarification(draft, state.question.options, is_repeated=True)
        case "which":
            ask_menu(draft)
        case "person":
            draft.state = replace(state, accepted_person_offer=True)
            request_person(draft, understanding)
        case "callback":
            accept_callback(draft, understanding)
        case "resume":
            advance(draft)
        case "offer":
            accept_offer(draft)
        case "more":
            draft.ask(draft.open_question())
        case "slot":
            reprompt(draft, "unclear")
        case _:
            resume_task(draft)


def _with_first_wording(draft: TurnDraft, understanding: Understanding) -> Understanding:
    """The request the question was about, in its first wording, with old and new slot values."""
    request_in_question = draft.state.request_in_question
    if request_in_question is None:
        return understanding
    draft.resumed_request = request_in_question
    slot_names = {slot.name for slot in understanding.slots}
    earlier_slots = tuple(
        slot for slot in request_in_question.understanding.slots if slot.name not in slot_names
    )
    return replace(
        understanding,
        text=request_in_question.understanding.text,
        slots=(*earlier_slots, *understanding.slots),
    )


def _react_to_no(draft: TurnDraft, _act: DialogueAct, understanding: Understanding) -> None:
    state = draft.state
    match state.question.kind:
        case "confirm":
            _ask_change(draft)
        case "intent" | "which":
            draft.state = replace(state, request_in_question=None)
            if state.tasks or state.further_requests:
                resume_task(draft)
            else:
                ask_menu(draft)
        case "resume" | "change":
            cancel(draft)
        case "more":
            answer_no_to_more(draft, understanding)
        case "person":
            decline_person(draft)
        case "callback":
            decline_callback(draft)
        case "offer":
            decline_offer(draft)
        case "slot" if is_arranging_callback(state, draft.context.pack):
            decline_callback(draft)
        case "slot":
            reprompt(draft, "unclear")
        case "menu":
            draft.ask(draft.open_question())
        case _:
            resume_task(draft)


def _ask_change(draft: TurnDraft) -> None:
    """After "no" to a confirmation: ask which part is wrong."""
    task, pack = draft.state.task, draft.context.pack
    filled = [n for n in pack.flows[task.flow].slots if n in task.slots] if task else []
    if not filled:
        cancel(draft)
        return
    labels = [pack.slots[name].label for name in filled]
    expect = Expectation("choice", choices=tuple(label.lower() for label in labels))
    draft.ask(Question("change", "", "change", expect), menu=format_list([*labels, "cancel"]))


def _react_to_change(draft: TurnDraft, act: DialogueAct, _understanding: Understanding) -> None:
    if task := draft.state.task:
        draft.state = draft.state.with_task(task.without_slots(act.intent))
        ask_slot(draft, act.intent)


def _react_to_unsure_yes(
    draft: TurnDraft, _act: DialogueAct, _understanding: Understanding
) -> None:
    """Ask the same again: the next yes must be one to the read-back itself."""
    draft.say("sure")
    ask_again(draft, draft.state)


def _react_to_unsure(draft: TurnDraft, _act: DialogueAct, _understanding: Understanding) -> None:
    if draft.state.question.kind == "confirm":
        draft.say("unsure")
    ask_again(draft, draft.state)


def _ask_back(draft: TurnDraft, _act: DialogueAct, _understanding: Understanding) -> None:
    ask_again(draft, draft.state)


def _hold(draft: TurnDraft, _act: DialogueAct, _understanding: Understanding) -> None:
    """Let the customer have a moment: the question stays open, and is asked again after silence."""
    draft.state = replace(draft.state, silences=-SILENCES_ON_HOLD)
    draft.say("on_hold")


def _postpone(draft: TurnDraft, _act: DialogueAct, _understanding: Understanding) -> None:
    """Do nothing now: ask for another day where the task has one, else leave it."""
    task, pack, kind = draft.state.task, draft.context.pack, draft.state.question.kind
    if kind == "confirm" and task is not None:
        days = [n for n in pack.flows[task.flow].slots if pack.slots[n].type == "date"]
        if days:
            draft.say("postponed")
            draft.state = draft.state.with_task(task.without_slots(*days))
            ask_slot(draft, days[0])
            return
    if kind in {"offer", "person", "intent", "slot"}:
        _react_to_no(draft, DialogueAct("no"), _understanding)
        return
    draft.say("postponed")
    if task is not None:
        draft.state = replace(draft.state, tasks=draft.state.tasks[:-1], question=Question())
        resume_task(draft)


def _react_to_question(draft: TurnDraft, act: DialogueAct, understanding: Understanding) -> None:
    answer = draft.context.pack.knowledge.find_answer(understanding.text)
    if answer is not None:
        remember_request(draft, understanding)
        draft.say("answer", {"answer": answer.text}, answer.source)
    elif act.confidence >= draft.context.pack.intent_thresholds.act_from:
        remember_request(draft, understanding)
        if not (draft.state.tasks or draft.state.waiting_for_person or not can_person_come(draft)):
            draft.ask(Question("person", "", "no_answer_offer", YES_NO_EXPECTATION))
            return
        draft.say("no_answer")
    else:
        reprompt(draft, "unclear")
        return
    resume_task(draft)


def _react_to_talk(draft: TurnDraft, act: DialogueAct, understanding: Understanding) -> None:
    if act.intent == COMPLAINT_INTENT:
        remember_request(draft, understanding)
    is_waiting = draft.state.waiting_for_person and draft.state.question.kind == "waiting"
    if not (is_waiting and act.intent == COMPLAINT_INTENT):  # it would offer the person who comes
        draft.say(f"talk.{act.intent}")
    resume_task(draft)


def _ask_again(draft: TurnDraft, act: DialogueAct, _understanding: Understanding) -> None:
    reprompt(draft, act.kind)


Reaction = Callable[[TurnDraft, DialogueAct, Understanding], None]
REACTIONS: dict[str, Reaction] = {
    "nothing": lambda draft, _act, _understanding: answer_silence(draft),
    "unheard": _ask_again,
    "unclear": _react_to_unclear,
    "out_of_scope": _react_to_unclear,
    "yes": _react_to_yes,
    "no": _react_to_no,
    "unsure_yes": _react_to_unsure_yes,
    "answer": _react_to_answer,
    "no_value": _explain_slot,
    "task": _react_to_task,
    "maybe": _react_to_maybe,
    "which": _ask_which,
    "picked": _start_picked,
    "again": _repeat_task,
    "question": _react_to_question,
    "talk": _react_to_talk,
    "person": lambda draft, _act, understanding: request_person(draft, understanding),
    "cancel": lambda draft, _act, _understanding: cancel_all(draft),
    "start_over": lambda draft, _act, _understanding: start_over(draft),
    "repeat": lambda draft, _act, _understanding: repeat_replies(draft),
    "go_back": lambda draft, _act, _understanding: go_back(draft),
    "goodbye": lambda draft, _act, understanding: answer_doubtful_goodbye(draft, understanding),
    "change": _react_to_change,
    "wait": _hold,
    "resume": _ask_back,
    "later": _postpone,
    "unsure": _react_to_unsure,
    "ask_back": _ask_back,
    "declined": decline_request,
    "cancel_existing": cancel_existing,
    "change_existing": change_existing,
    "undo": lambda draft, _act, understanding: undo_last(draft, understanding.text),
}
