"""Dialogue acts of an answer to a yes/no question, and of a request to wait.

The consent grammar reads the whole turn; a model's yes or no counts for words that it does not
know, and never where an action follows. Held by tests/dialogs/interpretation/test_answer_acts.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from dialogs.extraction.farewell import contains_goodbye
from dialogs.extraction.plain_words import plain_words
from dialogs.extraction.yes_no import YesNoAnswer
from dialogs.extraction.yes_no_phrases import UnitKind
from dialogs.interpretation.dialogue_act import DialogueAct, DialogueActKind
from dialogs.interpretation.slot_filling import SlotAssignment, assign_slots
from dialogs.interpretation.yes_no_reply import (
    YES_NO_QUESTIONS,
    asks_back,
    is_consent_asked,
    is_repeated_value,
    is_yes_no_asked,
    read_reply,
)
from dialogs.pack.model import Pack
from dialogs.pack.reserved_names import ENDING_INTENTS, YES_NO_SLOT
from dialogs.state import DialogueState
from dialogs.values import Slot, Understanding

CLOSED_QUESTIONS = YES_NO_QUESTIONS | {"which", "change"}
SIGN_ACTS: dict[str, DialogueActKind] = {
    "yes": "yes", "no": "no", "cancel": "cancel", "unsure": "unsure",
}  # fmt: skip
# Units of an answer against which a model's yes or no counts for nothing.
DECIDING_UNITS: tuple[UnitKind, ...] = (
    "refuse", "cancel", "wait", "postpone", "unsure", "condition", "question", "steer",
)  # fmt: skip
# A spoken "right" may be a question: its intonation is not known.
ASKING_WORDS_WHEN_SPOKEN = frozenset({"right"})


def answer_by_sign(
    pack: Pack, state: DialogueState, understanding: Understanding
) -> DialogueAct | None:
    """An answer in pictures alone, such as a thumb up, which has no words for the models; where
    nothing asks for a yes or a no, it is not understood."""
    kind = read_reply(pack, state, understanding).kind
    if kind not in SIGN_ACTS:
        return None
    if not is_yes_no_asked(pack, state):
        return DialogueAct("unclear")
    if state.question.kind == "slot" and kind in {"yes", "no"}:
        slot = Slot(YES_NO_SLOT, kind, understanding.text)
        return DialogueAct("answer", assignments=assign_slots(pack, state, (slot,)))
    return DialogueAct(SIGN_ACTS[kind])


def slots_that_answer(
    pack: Pack, state: DialogueState, understanding: Understanding, reply: YesNoAnswer
) -> Iterator[Slot]:
    """The slots of the turn, with the yes or no that the consent grammar read in it; without the
    values that only repeat what was read back."""
    task = state.task if state.question.kind == "confirm" else None
    for slot in understanding.slots:
        if slot.name != YES_NO_SLOT and not (task and is_repeated_value(pack, task, slot)):
            yield slot
    if reply.kind in {"yes", "no"}:
        yield Slot(YES_NO_SLOT, reply.kind, understanding.text[slice(*reply.span)].lower())


def whole_answer(
    pack: Pack,
    state: DialogueState,
    reply: YesNoAnswer,
    intent: str,
    confidence: float,
    assignments: tuple[SlotAssignment, ...],
    text: str,
) -> DialogueAct | None:
    """The act of a turn that is nothing but an answer to a yes/no question, or asks to wait."""
    is_asked = is_yes_no_asked(pack, state)
    is_closing = (
        state.question.kind == "more"
        and intent in ENDING_INTENTS - {"cancel"}
        and reply.kind not in {"cancel", "wait", "later"}
        and _is_plain(reply)
    )
    # "a second" and "100 %" are no values of their own here
    idiom = " ".join(unit.words for unit in reply.units_of("wait", "agree"))
    has_values = any(
        fit.slot.name != YES_NO_SLOT
        and not (reply.kind == "later" and fit.slot.problem)
        and not (reply.kind in {"wait", "yes"} and _is_within(fit.slot.said, idiom))
        for fit in assignments
    )
    if has_values or is_closing:
        return None
    match reply.kind:
        case "wait" if not (
            contains_goodbye(text) or is_confident_request(pack, intent, confidence)
        ):
            return DialogueAct("wait")
        case "cancel" if is_asked or state.tasks:
            return DialogueAct("cancel", "cancel")
        case "later" if is_asked:
            return DialogueAct("later")
        case "unsure" if is_asked:
            leans_to_yes = reply.leans_to_yes and not is_consent_asked(pack, state)
            return DialogueAct("yes" if leans_to_yes else "unsure")
        case "question" if is_asked and asks_back(reply) and intent != "repeat":
            return DialogueAct("ask_back")
        case "no" if state.question.kind == "more" and state.done_actions and not _is_plain(reply):
            return DialogueAct("cancel", "cancel")  # "no, that was wrong" is no goodbye
        case "yes" | "no" if state.question.kind in CLOSED_QUESTIONS and not reply.has_leftover:
            return DialogueAct(reply.kind)
    return None


def _is_within(said: str, idiom: str) -> bool:
    words = " ".join(word.text for word in plain_words(said))
    return bool(words) and f" {words} " in f" {idiom} "


def is_confident_request(pack: Pack, intent: str, confidence: float) -> bool:
    """Whether "let me check my balance" asks for something rather than for a moment."""
    spec = pack.intents.get(intent)
    is_request = spec is not None and spec.kind in {"task", "question"}
    return is_request and confidence >= pack.intent_thresholds.switch_from


# All that a "no" to "Is there anything else?" may say; "no, that's wrong" says more.
_PLAIN_REFUSALS = frozenset(
    ["no", "nope", "nah", "no thanks", "no thank you", "not really", "n", "nothing", "none"]
    + ["no need", "not at all", "no thank you very much", "no i am good", "na", "nay", "naw"]
)


def _is_plain(reply: YesNoAnswer) -> bool:
    refusals = reply.units_of("refuse")
    return all(unit.words in _PLAIN_REFUSALS for unit in refusals) and not reply.units_of("wait")


def with_certain_yes(
    act: DialogueAct, reply: YesNoAnswer, is_doubtful: bool, is_spoken: bool
) -> DialogueAct:
    """The act where a yes lets something happen: it must be a whole-turn yes, and heard well."""
    is_yes = act.kind == "yes" or any(
        fit.slot.name == YES_NO_SLOT and fit.slot.value == "yes" for fit in act.assignments
    )
    if not is_yes:
        return act
    agreements = [unit.words for unit in reply.units if unit.kind == "agree"]
    may_ask = is_spoken and ASKING_WORDS_WHEN_SPOKEN.issuperset(agreements)
    is_certain = reply.kind == "yes" and not is_doubtful and not may_ask
    return act if is_certain else DialogueAct("unsure_yes")


# Words of "ok, i'm back" and "ready now", which end a wait but answer nothing.
_BACK_WORDS = frozenset(
    ["i", "am", "back", "now", "ok", "okay", "alright", "right", "ready", "here", "again", "done"]
    + ["so", "go", "on", "continue", "hello", "hi", "got", "it", "found", "have", "sorry", "about"]
    + ["that", "thanks", "for", "waiting", "and", "we", "can", "let", "us", "k", "well", "where"]
    + ["were", "carry", "proceed", ","]
)


def is_back(reply: YesNoAnswer, is_on_hold: bool) -> bool:
    """Whether a customer says no more than that they are there again; of one who asked for a
    moment, an "ok" says no more either."""
    words = [word for unit in reply.units for word in unit.words.split()]
    says_so = is_on_hold or ("back" in words and "i" in words) or words == ["back"]
    return bool(words) and says_so and all(word in _BACK_WORDS for word in words)


def repeats_read_back(pack: Pack, state: DialogueState, understanding: Understanding) -> bool:
    task = state.task
    return (
        state.question.kind == "confirm"
        and task is not None
        and any(is_repeated_value(pack, task, slot) for slot in understanding.slots)
    )


def polarity_of(reply: YesNoAnswer, intent: str) -> Literal["yes", "no", ""]:
    """The yes or no of the turn. The model's counts for words that the grammar does not know, and
    not where it read anything that asks, refuses, conditions or steers."""
    if reply.kind == "yes" or reply.kind == "no":
        return reply.kind
    if reply.kind not in {"other", "nothing"} or reply.units_of(*DECIDING_UNITS):
        return ""
    return "yes" if intent == "affirm" else "no" if intent == "deny" else ""
