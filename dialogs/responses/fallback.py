"""Fallbacks after an interruption, a silence or a misunderstanding.

First the question is asked again in other words, then as a closed choice, then a person is
offered; after repeated silence the conversation ends politely. Held by
tests/dialogs/responses/test_fallback.py.
"""

from __future__ import annotations

from dataclasses import replace

from audio.types import Expectation
from dialogs.escalation.callback import can_person_come, may_offer_callback
from dialogs.interpretation.clarification import ask_clarification
from dialogs.responses.flow_steps import advance, ask_slot, mark_nothing_in_progress
from dialogs.state import DialogueState, Question, with_fresh_patience
from dialogs.turn_draft import TurnDraft

YES_NO_EXPECTATION = Expectation("yes_no")


def resume_task(draft: TurnDraft) -> None:
    """Go back to the task before an interruption, else ask what else the customer wants."""
    state = draft.state
    if state.waiting_for_person and state.question.kind == "waiting":
        draft.say("waiting")
    elif state.tasks:
        if draft.replies:
            draft.say("back_to")
        advance(draft)
    elif state.action_records or state.further_requests or state.question.kind == "more":
        mark_nothing_in_progress(draft)
    else:
        draft.ask(draft.open_question())


def reprompt(draft: TurnDraft, reply: str) -> None:
    """React to a turn that was not understood: `reply`, later a closed choice, then a person (once:
    a customer who said no to one is not asked again before there is progress)."""
    state, limits = draft.state, draft.context.pack.retry_limits
    draft.state = state = replace(state, misses=state.misses + 1)
    if state.waiting_for_person and state.question.kind == "waiting":
        draft.say("waiting")
        return
    is_asked = state.question.kind == "callback"
    if state.misses >= limits.misses_before_person and not is_asked and may_offer_person(draft):
        offer_person(draft)
        return
    if state.question.kind == "callback" and state.misses >= limits.misses_before_menu:
        decline_callback(draft)  # nothing that was said is a yes
        return
    draft.say(reply)
    if state.question.kind == "callback":
        draft.ask(state.question)
    elif reply == "out_of_scope" and not state.tasks:
        draft.state = replace(draft.state, question=menu_question(draft))  # the reply names it
    elif state.question.kind == "slot" and state.task:
        tries = max(
            state.task.misfit_answers + 1, 2 if state.misses >= limits.misses_before_menu else 0
        )
        draft.state = state.with_task(replace(state.task, misfit_answers=tries))
        ask_slot(draft, state.question.name)
    elif state.tasks and state.question.kind != "menu":
        advance(draft)
    elif state.misses >= limits.misses_before_menu:
        ask_menu(draft)
    elif state.question.kind in {"intent", "which", "person", "resume", "callback"}:
        draft.state = replace(draft.state, question=draft.open_question())


def ask_menu(draft: TurnDraft, reply: str = "menu") -> None:
    """Ask the customer to choose from the menu."""
    draft.ask(menu_question(draft, reply))


def menu_question(draft: TurnDraft, reply: str = "menu") -> Question:
    """The question that expects one of the menu's phrases."""
    pack = draft.context.pack
    choices = tuple(pack.menu_phrase(name).lower() for name in pack.menu_intents)
    return Question("menu", "", reply, Expectation("choice", choices=choices))


def may_offer_person(draft: TurnDraft) -> bool:
    """Whether a person, or a call back where none can come, may be offered: the customer has not
    declined it."""
    if can_person_come(draft):
        return not draft.state.has_declined_person
    return may_offer_callback(draft)


def decline_person(draft: TurnDraft) -> None:
    """Go on without a person, as the customer wants, and with fresh patience."""
    fresh = with_fresh_patience(draft.state)
    draft.state = replace(fresh, has_declined_person=True)
    resume_task(draft)


def offer_person(draft: TurnDraft, reply: str = "offer_person") -> None:
    """Ask whether the customer wants a person, unless they already wait for one; where nobody can
    come, whether they want to be called back."""
    if draft.state.waiting_for_person:
        mark_nothing_in_progress(draft)
    elif can_person_come(draft):
        draft.ask(Question("person", "", reply, YES_NO_EXPECTATION))
    elif may_offer_callback(draft):
        offer_callback(draft)
    else:
        resume_task(draft)


def offer_callback(draft: TurnDraft) -> None:
    """Ask whether somebody shall call back."""
    reply = "callback.offer" if draft.state.unmet_handoff else "unreached.offer"
    draft.state = replace(draft.state, is_callback_due=False)
    draft.ask(Question("callback", "", reply, YES_NO_EXPECTATION))


def decline_callback(draft: TurnDraft) -> None:
    """Promise nothing, say how the business can be reached, and go on."""
    pack, state = draft.context.pack, draft.state
    leaving = {pack.opening_hours.callback_flow, pack.verification_flow}
    tasks = tuple(task for task in state.tasks if task.flow not in leaving)
    draft.state = replace(
        state, tasks=tasks, has_declined_callback=True, is_callback_due=False, misses=0
    )
    draft.say("callback.other_ways")
    go_on_with_tasks(draft)


def go_on_with_tasks(draft: TurnDraft) -> None:
    """Ask whether to go on with the unfinished task; without one nothing is in progress."""
    if draft.state.tasks:
        draft.ask(Question("resume", "", "go_on", YES_NO_EXPECTATION))
    else:
        mark_nothing_in_progress(draft)


def answer_silence(draft: TurnDraft) -> None:
    """React to silence: ask again, then show the menu, then end the conversation politely."""
    state, limits = draft.state, draft.context.pack.retry_limits
    draft.state = state = replace(state, silences=state.silences + 1)
    if state.waiting_for_person:
        draft.say("waiting")
    elif state.silences >= limits.silences_before_end:
        draft.say("silent_end")
        draft.ends_session = True
    elif state.silences >= limits.silences_before_offer and not state.tasks:
        ask_menu(draft, "still_there_menu")
    else:
        draft.say("still_there")
        ask_again(draft, state)


def ask_again(draft: TurnDraft, state: DialogueState) -> None:
    """Ask the open question again without changing the task."""
    if state.question.kind in {"more", "open", "menu"} and not state.tasks:
        if not draft.replies:
            draft.ask(draft.open_question(state.question.reply))
        return
    if state.question.kind == "slot":
        ask_slot(draft, state.question.name)
    elif state.question.kind in {"person", "resume", "callback", "offer"}:
        draft.ask(state.question)
    elif state.question.kind == "which":
        ask_clarification(draft, state.question.options, is_repeated=True)
    elif state.question.kind == "intent":
        draft.ask(state.question, intent=intent_phrase(draft, state.question.name))
    elif state.tasks:
        advance(draft)


def intent_phrase(draft: TurnDraft, intent_name: str) -> str:
    """The words for an intent in "Do you want to ...?"."""
    intent = draft.context.pack.intents[intent_name]
    return intent.phrase or intent.short
