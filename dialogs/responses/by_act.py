"""What follows from what the customer meant?

One short function for each meaning. Each leaves the draft with something asked or said, so that
a turn is never left without an answer (tests/dialogs/test_dialogue_laws.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from audio.types import Expectation
from dialogs.escalation.callback import pointless
from dialogs.interpretation.clarification import ask_which
from dialogs.interpretation.dialogue_acts import Meaning
from dialogs.responses.commands import (
    cancel,
    cancel_all,
    go_back,
    goodbye,
    note,
    repeat,
    start_over,
    want_person,
)
from dialogs.responses.fallback import YES_NO, ask_menu, asked_as, miss, nothing_said, resume
from dialogs.responses.flow_steps import advance, ask_slot, begin, confirmed, put
from dialogs.responses.offers import accept, decline
from dialogs.responses.request_queue import PERSON
from dialogs.state import DialogueState, Question, Task, Waited
from dialogs.turn_draft import Draft, listed
from dialogs.values import Understanding

SURE_SHARE = 0.75  # of a question's weight, for answering what a model took to be out of scope


def respond(draft: Draft, meaning: Meaning, what: Understanding) -> None:
    if meaning.kind not in {"unclear", "unheard", "out_of_scope", "repeat", "nothing"}:
        draft.state = replace(draft.state, misses=0)
    REACTIONS[meaning.kind](draft, meaning, what)


def _unclear(draft: Draft, meaning: Meaning, what: Understanding) -> None:
    """Words no model could place may still be a question our documents answer."""
    free = draft.state.question.kind in {"open", "more", "menu"}
    found = draft.house.pack.knowledge.answer(what.text) if free and _asks(what.text) else None
    if found is not None and (meaning.kind == "unclear" or found.share >= SURE_SHARE):
        _question(draft, meaning, what)
        return
    miss(draft, meaning.kind)


def _asks(text: str) -> bool:
    words = text.lower().split()
    starts = {"what", "what's", "how", "when", "where", "which", "who", "why", "do", "does",
              "can", "is", "are", "will"}  # fmt: skip
    return len(words) > 3 and (text.rstrip().endswith("?") or words[0] in starts)


def _answer(draft: Draft, meaning: Meaning, _what: Understanding) -> None:
    before = draft.state
    good = [put(draft, fit) for fit in meaning.fits]
    if meaning.fits and not any(good) and draft.state.task:
        task = draft.state.task
        draft.state = draft.state.with_task(replace(task, tries=task.tries + 1))
    changed = values_of(before) != values_of(draft.state)
    if meaning.said == "yes" and not changed and before.question.kind == "confirm":
        confirmed(draft)
    advance(draft)


def values_of(state: DialogueState) -> list[dict[str, str]]:
    return [{name: f.value for name, f in task.slots.items()} for task in state.tasks]


def _task(draft: Draft, meaning: Meaning, what: Understanding) -> None:
    intent = draft.house.pack.intents[meaning.intent]
    if meaning.intent == PERSON:
        want_person(draft, what)
        return
    note(draft, what)
    begin(draft, intent.flow, what.slots, what.text)
    advance(draft)


def _again(draft: Draft, meaning: Meaning, what: Understanding) -> None:
    """What was looked up last, once more with another value."""
    last = draft.state.recent
    if last is not None:
        note(draft, what)
        task = Task(last.flow, last.slots, last.order, begun=draft.turn, wanted=what.text)
        draft.state = replace(draft.state, tasks=(*draft.state.tasks, task))
        for fit in meaning.fits:
            put(draft, fit)
        advance(draft)


def _maybe(draft: Draft, meaning: Meaning, what: Understanding) -> None:
    draft.state = replace(draft.state, offered=Waited(what, draft.at, draft.turn))
    question = Question("intent", meaning.intent, "did_you_mean", YES_NO)
    draft.ask(question, intent=asked_as(draft, meaning.intent))


def _which(draft: Draft, meaning: Meaning, what: Understanding) -> None:
    """Two or three things are likely. What the documents surely answer needs no asking."""
    found = draft.house.pack.knowledge.answer(what.text) if _asks(what.text) else None
    if found is not None and found.share >= SURE_SHARE and "question" in meaning.options:
        _question(draft, meaning, what)
        return
    draft.state = replace(draft.state, offered=Waited(what, draft.at, draft.turn))
    ask_which(draft, meaning.options)


def _picked(draft: Draft, meaning: Meaning, what: Understanding) -> None:
    """One of them, with what was said before; of "both", the second waits for the first."""
    said = _as_offered(draft, what)
    first, *others = sorted(meaning.options, key=lambda option: option != PERSON)
    meant = [replace(said, intent=other, confidence=1.0) for other in others]
    draft.noted = tuple(Waited(other, draft.at, draft.turn) for other in meant)
    state = replace(draft.state, offered=None, further=(*draft.noted, *draft.state.further))
    draft.state = replace(state, accepted_person=first == PERSON)
    if draft.house.pack.intents[first].kind == "question":
        _question(draft, Meaning("question", first), said)
    else:
        _task(draft, Meaning("task", first), said)


def _yes(draft: Draft, meaning: Meaning, what: Understanding) -> None:
    state = draft.state
    match state.question.kind:
        case "confirm":
            confirmed(draft)
            advance(draft)
        case "intent":
            wants_person = state.question.name == PERSON
            said = _as_offered(draft, what)
            draft.state = replace(state, offered=None, accepted_person=wants_person)
            _task(draft, Meaning("task", state.question.name), said)
        case "which" if state.question.reply != "which_again":
            ask_which(draft, state.question.options, again=True)
        case "which":
            ask_menu(draft)
        case "person":
            draft.state = replace(state, accepted_person=True)
            want_person(draft, what)
        case "resume":
            advance(draft)
        case "offer":
            accept(draft)
        case "more":
            draft.ask(draft.open_question())
        case "slot":
            miss(draft, "unclear")
        case _:
            resume(draft)


def _as_offered(draft: Draft, what: Understanding) -> Understanding:
    """What was asked about, in the words and with the values it was said with, and new values."""
    before = draft.state.offered
    if before is None:
        return what
    draft.taken = before
    named = {slot.name for slot in what.slots}
    kept = tuple(slot for slot in before.what.slots if slot.name not in named)
    return replace(what, text=before.what.text, slots=(*kept, *what.slots))


def _no(draft: Draft, _meaning: Meaning, what: Understanding) -> None:
    state = draft.state
    match state.question.kind:
        case "confirm":
            _ask_change(draft)
        case "intent" | "which":
            draft.state = replace(state, offered=None, misses=0 if state.further else 1)
            if state.tasks or state.further:
                resume(draft)
            else:
                ask_menu(draft)
        case "resume" | "change":
            cancel(draft)
        case "more":
            goodbye(draft)
        case "offer":
            decline(draft)
        case "slot":
            miss(draft, "unclear")
        case "menu":
            draft.ask(draft.open_question())
        case _:
            resume(draft)


def _ask_change(draft: Draft) -> None:
    """ "No" to what we read back: which part is wrong?"""
    task, pack = draft.state.task, draft.house.pack
    given = [n for n in pack.flows[task.flow].slots if n in task.slots] if task else []
    if not given:
        cancel(draft)
        return
    labels = [pack.slots[name].label for name in given]
    expect = Expectation("choice", choices=tuple(label.lower() for label in labels))
    draft.ask(Question("change", "", "change", expect), menu=listed([*labels, "cancel"]))


def _change(draft: Draft, meaning: Meaning, _what: Understanding) -> None:
    if task := draft.state.task:
        draft.state = draft.state.with_task(task.without(meaning.intent))
        ask_slot(draft, meaning.intent)


def _unsure_yes(draft: Draft, _meaning: Meaning, _what: Understanding) -> None:
    draft.ask(replace(draft.state.question, reply="sure"))


def _question(draft: Draft, meaning: Meaning, what: Understanding) -> None:
    found = draft.house.pack.knowledge.answer(what.text)
    if found is not None:
        draft.state = replace(draft.state, misses=0)
        note(draft, what)
        draft.say("answer", {"answer": found.text}, found.source)
    elif meaning.confidence >= draft.house.pack.deciding.act_from:
        note(draft, what)
        if not (draft.state.tasks or draft.state.waiting or pointless(draft)):
            draft.ask(Question("person", "", "no_answer_offer", YES_NO))
            return
        draft.say("no_answer")
    else:
        miss(draft, "unclear")
        return
    resume(draft)


def _talk(draft: Draft, meaning: Meaning, what: Understanding) -> None:
    if meaning.intent == "complaint":
        note(draft, what)
    draft.say(f"talk.{meaning.intent}")
    resume(draft)


def _missed(draft: Draft, meaning: Meaning, _what: Understanding) -> None:
    miss(draft, meaning.kind)


Reaction = Callable[[Draft, Meaning, Understanding], None]
REACTIONS: dict[str, Reaction] = {
    "nothing": lambda draft, _meaning, _what: nothing_said(draft),
    "unheard": _missed,
    "unclear": _unclear,
    "out_of_scope": _unclear,
    "yes": _yes,
    "no": _no,
    "unsure_yes": _unsure_yes,
    "answer": _answer,
    "task": _task,
    "maybe": _maybe,
    "which": _which,
    "picked": _picked,
    "again": _again,
    "question": _question,
    "talk": _talk,
    "person": lambda draft, _meaning, what: want_person(draft, what),
    "cancel": lambda draft, _meaning, _what: cancel_all(draft),
    "start_over": lambda draft, _meaning, _what: start_over(draft),
    "repeat": lambda draft, _meaning, _what: repeat(draft),
    "go_back": lambda draft, _meaning, _what: go_back(draft),
    "goodbye": lambda draft, _meaning, _what: goodbye(draft),
    "change": _change,
}
