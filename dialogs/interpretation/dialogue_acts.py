"""What does this turn mean here, given what was asked?

A model says which intent the words have; this says what they do in the conversation: an answer,
a correction, another task, a yes. What answers the question beats a weak or middling intent;
steering words and requests for a person beat both. Held by tests/dialogs/test_interpret.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from dialogs.extraction.choices import closest
from dialogs.extraction.slots import YES_NO
from dialogs.interpretation.clarification import askable, is_short, picked
from dialogs.interpretation.slot_filling import Fit, fitting, placed
from dialogs.pack.model import Pack, plain
from dialogs.state import DialogueState, Task
from dialogs.values import NOTHING_HEARD, OUT_OF_SCOPE, Slot, Understanding

Kind = Literal[
    "nothing", "unheard", "unclear", "yes", "no", "unsure_yes", "answer", "task", "again", "maybe",
    "which", "picked",
    "question", "talk", "person", "cancel", "start_over", "repeat", "go_back", "goodbye",
    "change", "out_of_scope",
]  # fmt: skip

WHOLE = 0.6  # share of the letters
FILLERS = frozenset({"uh", "um", "er", "erm", "hm", "hmm", "ah", "eh", "mm", "well", "so", "like"})
CLOSED = frozenset({"confirm", "intent", "which", "person", "more", "change", "resume", "offer"})
STEERING: dict[str, Kind] = {
    "talk_to_person": "person",
    "cancel": "cancel",
    "start_over": "start_over",
    "repeat": "repeat",
    "goodbye": "goodbye",
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """`intent` is the intent meant, or the slot to change; `fits` what answers or corrects."""

    kind: Kind
    intent: str = ""
    confidence: float = 1.0
    fits: tuple[Fit, ...] = ()
    said: str = ""  # "yes" or "no" beside an answer
    options: tuple[str, ...] = ()  # the intents it may be, or those that were picked


def interpret(pack: Pack, state: DialogueState, what: Understanding) -> Meaning:
    text = plain(what.text)
    if text and all(word in FILLERS for word in text.split()):
        return Meaning("unclear")  # thinking aloud is no yes, whatever a model takes it for
    if not text or what.intent == NOTHING_HEARD:
        return Meaning("nothing")
    if what.heard < pack.hearing.ask_again_below:
        return Meaning("unheard")
    if text in pack.go_back:
        return Meaning("go_back")
    intent = pack.exact.get(text, what.intent)
    sure = 1.0 if text in pack.exact else what.confidence
    if free_text_asked(pack, state):
        return _free_text(pack, state, what, intent, sure)
    fits = fitting(pack, state, what.slots)
    meaning = (
        _steering(pack, state, intent, sure, fits, text)
        or _which(pack, state, intent, sure, text)
        or _reply_to_question(pack, state, what, intent, sure, fits)
        or _menu(pack, state, text, what)
        or _once_more(pack, state, what, intent)
        or _by_intent(pack, intent, sure, what)
    )
    doubtful = what.heard < pack.hearing.confirm_below
    if doubtful and meaning.kind == "task":
        meaning = Meaning("maybe", meaning.intent, meaning.confidence)
    if doubtful and meaning.kind == "yes" and state.question.kind == "confirm":
        return Meaning("unsure_yes")
    return _narrowed(pack, state, what, meaning)


def _narrowed(pack: Pack, state: DialogueState, what: Understanding, meaning: Meaning) -> Meaning:
    """Where a guess would be asked about, a choice of the likeliest is a better question.

    A task in progress is not left for words that only might be something else.
    """
    known = meaning.kind == "out_of_scope" and OUT_OF_SCOPE not in what.possible
    lost = meaning.kind == "unclear" or known  # outside, only because no intent was likely enough
    guess = meaning.kind == "maybe" or (lost and not state.tasks)
    if not guess or state.question.kind == "which":
        return meaning
    options = askable(pack, state, what.possible)
    return replace(meaning, kind="which", options=options) if options else meaning


def _which(pack: Pack, state: DialogueState, intent: str, sure: float, text: str) -> Meaning | None:
    """An answer to "is it about this or that?"; a request of its own wins over a passing word."""
    options = state.question.options
    if state.question.kind != "which":
        return None
    answer = picked(pack, options, text)
    if answer is None or not is_short(text):
        if intent in options and sure >= pack.deciding.confirm_from:
            return Meaning("picked", intent, options=(intent,))
        if answer is None or _leads_elsewhere(pack, state, intent, sure, answered=False):
            return None
    if not answer.intents:
        return Meaning("no")
    return Meaning("picked", answer.intents[0], options=answer.intents)


# "It was Pulse Gym" names Pulse Gym.
_LEADING = re.compile(
    r"^(?:(?:uh|um|well|so|it was|it's|it is|that was|that's|from|at)\b[\s,]*)+", re.IGNORECASE
)


def free_text_asked(pack: Pack, state: DialogueState) -> bool:
    asked = pack.slots.get(state.question.name) if state.question.kind == "slot" else None
    return asked is not None and asked.type == "text"


def _free_text(
    pack: Pack, state: DialogueState, what: Understanding, intent: str, sure: float
) -> Meaning:
    """Asked to tell something: whatever is said is the answer, unless it steers."""
    if intent in STEERING and sure >= pack.deciding.switch_from:
        return Meaning(STEERING[intent], intent, sure)
    if intent == "question" and sure >= pack.deciding.switch_from and "?" in what.text:
        return Meaning("question", intent, sure)
    name = state.question.name
    fits = tuple(fit for fit in fitting(pack, state, what.slots) if fit.name != name)
    if _wholly(fits, what):
        return Meaning("answer", intent, sure, fits)  # it answers another question of the task
    said = _LEADING.sub("", what.text.strip()) or what.text.strip()
    slot = Slot(name, said, what.text.strip(), what.heard)
    return Meaning("answer", fits=(Fit(name, slot, len(state.tasks) - 1),))


def _steering(
    pack: Pack, state: DialogueState, intent: str, sure: float, fits: tuple[Fit, ...], text: str
) -> Meaning | None:
    if intent not in STEERING:
        return None
    at_work = bool(state.tasks) and intent != "talk_to_person"
    needed = pack.deciding.switch_from if at_work else pack.deciding.act_from
    if sure < needed or (fits and text not in pack.exact and intent != "talk_to_person"):
        return None
    return Meaning(STEERING[intent], intent, sure)


def _reply_to_question(
    pack: Pack,
    state: DialogueState,
    what: Understanding,
    intent: str,
    sure: float,
    fits: tuple[Fit, ...],
) -> Meaning | None:
    question = state.question
    answers_yes_no = next((s.value for s in what.slots if s.name == YES_NO), "")
    if not answers_yes_no and intent in {"affirm", "deny"} and sure >= pack.deciding.act_from:
        answers_yes_no = "yes" if intent == "affirm" else "no"
    if not _wholly(fits, what) and _leads_elsewhere(
        pack, state, intent, sure, answered=bool(fits or answers_yes_no)
    ):
        return None
    if question.kind == "change" and not fits:
        labels = {pack.slots[name].label.lower(): name for name in _changeable(pack, state)}
        if pick := closest(plain(what.text), labels):
            return Meaning("change", pick.value)
    if fits:
        return Meaning("answer", intent, sure, fits, said=answers_yes_no)
    if answers_yes_no and question.kind in CLOSED:
        return Meaning("yes" if answers_yes_no == "yes" else "no")
    if _same_task(pack, state, intent) and sure >= pack.deciding.act_from:
        return Meaning("answer", intent, sure)  # names again what we are doing
    return None


def _wholly(fits: tuple[Fit, ...], what: Understanding) -> bool:
    """Nothing was said but values we can use: an answer, whatever a model takes it for."""
    return sum(len(fit.slot.said) for fit in fits) > WHOLE * len(what.text.strip())


def _leads_elsewhere(
    pack: Pack, state: DialogueState, intent: str, sure: float, answered: bool
) -> bool:
    """Another task or a question, said surely enough to leave what was asked."""
    known = pack.intents.get(intent)
    if known is None or known.kind not in {"task", "question"} or _same_task(pack, state, intent):
        return False
    if state.question.kind == "intent" and state.question.name == intent:
        return False
    deciding = pack.deciding
    return sure >= (deciding.switch_from if answered else deciding.act_from)


def _same_task(pack: Pack, state: DialogueState, intent: str) -> bool:
    known = pack.intents.get(intent)
    return known is not None and any(known.flow == task.flow for task in state.tasks)


def _changeable(pack: Pack, state: DialogueState) -> tuple[str, ...]:
    return tuple(state.task.slots) if state.task else ()


def _menu(pack: Pack, state: DialogueState, text: str, what: Understanding) -> Meaning | None:
    """After "You can say: ..." a phrase like one of those is enough."""
    if what.also or state.question.kind not in {"menu", "open"}:
        return None
    least = 72.0 if state.question.kind == "menu" else 92.0
    phrases = {pack.says(name).lower(): name for name in pack.intents if pack.intents[name].short}
    pick = closest(text, phrases, least)
    if pick is None:
        return None
    if pick.value == "talk_to_person":
        return Meaning("person", pick.value, pick.confidence)
    return Meaning("task", pick.value, pick.confidence)


def _once_more(
    pack: Pack, state: DialogueState, what: Understanding, intent: str
) -> Meaning | None:
    """ "And in checking?": what was just looked up, with another value. Never money."""
    last = state.recent
    if last is None or state.tasks or state.question.kind not in {"more", "offer"}:
        return None
    same = intent in pack.intents and pack.intents[intent].flow == last.flow
    flow = pack.flows[last.flow]
    if any(step.kind == "confirm" for step in flow.steps) or not (
        same or intent in {"inform", "out_of_scope"}
    ):
        return None
    found = placed(pack, Task(last.flow), what.slots, "")
    fits = tuple(Fit(name, slot, 0) for name, slot in found)
    return Meaning("again", fits=fits) if fits else None


def _by_intent(pack: Pack, intent: str, sure: float, what: Understanding) -> Meaning:
    known = pack.intents.get(intent)
    act, ask = pack.deciding.act_from, pack.deciding.confirm_from
    if known is None or sure < ask:
        return Meaning("unclear", intent, sure)
    if known.kind == "task":
        return Meaning("task" if sure >= act else "maybe", intent, sure)
    if known.kind == "question":
        return Meaning("question", intent, sure)
    if sure < act or intent in STEERING:  # steering that was not sure enough to be followed
        return Meaning("unclear", intent, sure)
    if known.kind == "talk":
        return Meaning("talk", intent, sure)
    match intent:
        case "out_of_scope":
            return Meaning("out_of_scope", intent, sure)
        case "affirm":
            return Meaning("yes")
        case "deny":
            return Meaning("no")
        case _:
            return Meaning("unclear", intent, sure)
