"""How does a conversation get going again after an interruption, a silence or a misunderstanding?

First the question again in other words, then a closed choice, then a person; after silence, a
polite end. Held by tests/dialogs/test_recovering.py.
"""

from __future__ import annotations

from dataclasses import replace

from audio.types import Expectation
from dialogs.escalation.callback import pointless
from dialogs.interpretation.clarification import ask_which
from dialogs.responses.flow_steps import advance, ask_slot, what_else
from dialogs.state import DialogueState, Question
from dialogs.turn_draft import Draft

YES_NO = Expectation("yes_no")


def resume(draft: Draft) -> None:
    """Back to what was being done before an interruption."""
    state = draft.state
    if state.waiting and state.question.kind == "waiting":
        draft.say("waiting")
    elif state.tasks:
        if draft.replies:
            draft.say("back_to")
        advance(draft)
    elif state.done or state.further or state.question.kind == "more":
        what_else(draft)
    else:
        draft.ask(draft.open_question())


def miss(draft: Draft, reply: str) -> None:
    """Not understood: say so, then offer a closed choice, then a person."""
    state, patience = draft.state, draft.house.pack.patience
    draft.state = state = replace(state, misses=state.misses + 1)
    if state.waiting and state.question.kind == "waiting":
        draft.say("waiting")
        return
    if state.misses >= patience.misses_before_person and not pointless(draft):
        offer_person(draft)
        return
    draft.say(reply)
    if reply == "out_of_scope" and not state.tasks:
        draft.state = replace(draft.state, question=menu_question(draft))  # it names the menu
    elif state.question.kind == "slot" and state.task:
        tries = max(state.task.tries + 1, 2 if state.misses >= patience.misses_before_menu else 0)
        draft.state = state.with_task(replace(state.task, tries=tries))
        ask_slot(draft, state.question.name)
    elif state.tasks and state.question.kind != "menu":
        advance(draft)
    elif state.misses >= patience.misses_before_menu:
        ask_menu(draft)
    elif state.question.kind in {"intent", "which", "person", "resume"}:
        draft.state = replace(draft.state, question=draft.open_question())


def ask_menu(draft: Draft, reply: str = "menu") -> None:
    draft.ask(menu_question(draft, reply))


def menu_question(draft: Draft, reply: str = "menu") -> Question:
    pack = draft.house.pack
    choices = tuple(pack.says(name).lower() for name in pack.menu)
    return Question("menu", "", reply, Expectation("choice", choices=choices))


def offer_person(draft: Draft) -> None:
    if draft.state.waiting:
        what_else(draft)
    else:
        draft.ask(Question("person", "", "offer_person", YES_NO))


def nothing_said(draft: Draft) -> None:
    """The customer said nothing: ask again, then offer, then end politely."""
    state, patience = draft.state, draft.house.pack.patience
    draft.state = state = replace(state, silences=state.silences + 1)
    if state.waiting:
        draft.say("waiting")
    elif state.silences >= patience.silences_before_end:
        draft.say("silent_end")
        draft.ends = True
    elif state.silences >= patience.silences_before_offer and not state.tasks:
        ask_menu(draft, "still_there_menu")
    else:
        draft.say("still_there")
        ask_again(draft, state)


def ask_again(draft: Draft, state: DialogueState) -> None:
    """The open question once more, in place."""
    if state.question.kind in {"more", "open", "menu"} and not state.tasks:
        return
    if state.question.kind == "slot":
        ask_slot(draft, state.question.name)
    elif state.question.kind in {"person", "resume"}:
        draft.ask(state.question)
    elif state.question.kind == "which":
        ask_which(draft, state.question.options, again=True)
    elif state.question.kind == "intent":
        draft.ask(state.question, intent=asked_as(draft, state.question.name))
    elif state.tasks:
        advance(draft)


def asked_as(draft: Draft, name: str) -> str:
    """An intent in "Do you want to ...?"."""
    intent = draft.house.pack.intents[name]
    return intent.phrase or intent.short
