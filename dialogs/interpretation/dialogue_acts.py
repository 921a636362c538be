"""Dialogue-act classification of a turn, given the open question.

A model says which intent the words have; this says what they do in the conversation: an answer, a
correction, another task. A yes or a no is read by the consent grammar, and a model's word for it is
never enough where an action follows. An answer to the open question beats an intent of low or
medium confidence; commands and requests for a person beat both. Held by
tests/dialogs/interpretation/test_dialogue_acts.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from dialogs.extraction.choices import closest_phrase
from dialogs.extraction.farewell import contains_goodbye
from dialogs.extraction.free_text import answer_kind
from dialogs.extraction.yes_no import YesNoAnswer
from dialogs.extraction.yes_no_phrases import UnitKind
from dialogs.interpretation.clarification import askable_options, is_short, resolve_clarification
from dialogs.interpretation.contact_answers import contact_assignment, names_contact
from dialogs.interpretation.polarity import (
    find_taken_back,
    is_question,
    names_undoing,
    request_scope,
)
from dialogs.interpretation.slot_filling import SlotAssignment, assign_slots, assign_to_task
from dialogs.interpretation.yes_no_reply import (
    YES_NO_QUESTIONS,
    asks_back,
    is_consent_asked,
    is_repeated_value,
    is_yes_no_asked,
    read_reply,
)
from dialogs.pack.model import Pack, normalise_text
from dialogs.pack.reserved_names import ENDING_INTENTS, PERSON_INTENT, YES_NO_SLOT
from dialogs.state import DialogueState, Task
from dialogs.values import NOTHING_HEARD, OUT_OF_SCOPE, Slot, Understanding

DialogueActKind = Literal[
    "nothing", "unheard", "unclear", "yes", "no", "unsure_yes", "answer", "no_value", "task",
    "again", "maybe",
    "which", "picked",
    "question", "talk", "person", "cancel", "start_over", "repeat", "go_back", "goodbye",
    "change", "out_of_scope", "wait", "resume", "later", "unsure", "ask_back",
    "declined", "cancel_existing", "change_existing", "undo",
]  # fmt: skip

VALUES_ONLY_SHARE = 0.6  # share of the characters in slot values from which a turn is values only
FILLERS = frozenset({"uh", "um", "er", "erm", "hm", "hmm", "ah", "eh", "mm", "well", "so", "like"})
CLOSED_QUESTIONS = YES_NO_QUESTIONS | {"which", "change"}
# Acts that begin something or call a person.
REQUEST_ACTS = frozenset({"task", "maybe", "person"})
# Acts for which a model may have taken "cancel my appointment".
UNPLACED_ACTS = frozenset({"unclear", "out_of_scope", "cancel", "answer", "talk"})
SIGN_ACTS: dict[str, DialogueActKind] = {
    "yes": "yes", "no": "no", "cancel": "cancel", "unsure": "unsure",
}  # fmt: skip
# Units of an answer against which a model's yes or no counts for nothing.
DECIDING_UNITS: tuple[UnitKind, ...] = (
    "refuse", "cancel", "wait", "postpone", "unsure", "condition", "question", "steer",
)  # fmt: skip
# A spoken "right" may be a question: its intonation is not known.
ASKING_WORDS_WHEN_SPOKEN = frozenset({"right"})
COMMAND_INTENTS: dict[str, DialogueActKind] = {
    PERSON_INTENT: "person",
    "cancel": "cancel",
    "start_over": "start_over",
    "repeat": "repeat",
    "goodbye": "goodbye",
}


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


def interpret(pack: Pack, state: DialogueState, understanding: Understanding) -> DialogueAct:
    """The dialogue act of a turn in this state."""
    text = normalise_text(understanding.text)
    if not text and (sign := _answer_by_sign(pack, state, understanding)):
        return sign
    if text and all(word in FILLERS for word in text.split()):
        return DialogueAct("unclear")  # a filler is no yes, whatever the model says
    reply = read_reply(pack, state, understanding)
    if not text and reply.kind not in {"other", "nothing"}:
        understanding = replace(understanding, heard=1.0)  # a thumb up has no words to be heard
    elif not text or understanding.intent == NOTHING_HEARD:
        return DialogueAct("nothing")
    if understanding.heard < pack.transcript_thresholds.ask_again_below:
        return DialogueAct("unheard")
    if is_yes_no_asked(pack, state) and is_back(reply, state.is_on_hold):
        return DialogueAct("resume")
    if text in pack.go_back_phrases:
        return DialogueAct("go_back")
    intent = pack.intent_by_example.get(text, understanding.intent)
    confidence = 1.0 if text in pack.intent_by_example else understanding.confidence
    if contact := contact_assignment(pack, state, understanding):
        return DialogueAct("answer", intent, confidence, (contact,))
    if state.question.kind == "callback" and names_contact(understanding):
        return DialogueAct("yes")
    if is_free_text_asked(pack, state):
        return (
            _taken_back(pack, state, understanding, reply)
            or (DialogueAct("wait") if reply.kind == "wait" else None)
            or _free_text_answer(pack, state, understanding, intent, confidence)
        )
    if taken_back := _taken_back(pack, state, understanding, reply):
        return taken_back
    slots = tuple(_slots_that_answer(pack, state, understanding, reply))
    assignments = assign_slots(pack, state, slots)
    if no_value := _no_name(pack, state, understanding, assignments):
        return no_value
    act = (
        _whole_answer(pack, state, reply, intent, confidence, assignments, text)
        or _command(pack, state, intent, confidence, assignments, text)
        or _clarification_answer(pack, state, intent, confidence, text)
        or _reply_to_question(pack, state, understanding, intent, confidence, assignments, reply)
        or _menu_choice(pack, state, text, understanding)
        or _repeat_with_new_value(pack, state, understanding, intent)
        or _by_intent(pack, intent, confidence, reply)
    )
    act = _with_scope(pack, state, understanding.text, act)
    is_doubtful = understanding.heard < pack.transcript_thresholds.confirm_below
    if is_doubtful and act.kind == "task":
        act = DialogueAct("maybe", act.intent, act.confidence)
    if is_consent_asked(pack, state):
        act = _with_certain_yes(act, reply, is_doubtful, is_spoken=understanding.cues is not None)
    return _prefer_clarification(pack, state, understanding, act)


def _answer_by_sign(
    pack: Pack, state: DialogueState, understanding: Understanding
) -> DialogueAct | None:
    """An answer in pictures alone, such as a thumb up, which has no words for the models."""
    kind = read_reply(pack, state, understanding).kind
    if not is_yes_no_asked(pack, state) or kind not in {"yes", "no", "cancel", "unsure"}:
        return None
    if state.question.kind == "slot" and kind in {"yes", "no"}:
        slot = Slot(YES_NO_SLOT, kind, understanding.text)
        return DialogueAct("answer", assignments=assign_slots(pack, state, (slot,)))
    return DialogueAct(SIGN_ACTS[kind])


def _slots_that_answer(
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


def _whole_answer(
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
    waiting = " ".join(unit.words for unit in reply.units_of("wait"))
    has_values = any(
        fit.slot.name != YES_NO_SLOT
        and not (reply.kind == "later" and fit.slot.problem)
        and not (reply.kind == "wait" and fit.slot.said in waiting)  # "a second" is no number
        for fit in assignments
    )
    if has_values or is_closing:
        return None
    match reply.kind:
        case "wait" if not (
            contains_goodbye(text) or _is_confident_request(pack, intent, confidence)
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


def _is_confident_request(pack: Pack, intent: str, confidence: float) -> bool:
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


def _with_certain_yes(
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


def _taken_back(
    pack: Pack, state: DialogueState, understanding: Understanding, reply: YesNoAnswer
) -> DialogueAct | None:
    """The act of a turn that takes back the task in progress ("don't block it, I found it"), or
    what was done before ("undo that"); None for any other."""
    text = understanding.text
    if state.done_actions and names_undoing(text):
        return DialogueAct("undo")
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
    if task is None or _is_confident_request(pack, understanding.intent, understanding.confidence):
        return False
    return any(
        fit.task_index == len(state.tasks) - 1 and not is_repeated_value(pack, task, fit.slot)
        for fit in assign_slots(pack, state, understanding.slots)
        if fit.name in task.slots
    )


def _with_scope(pack: Pack, state: DialogueState, text: str, act: DialogueAct) -> DialogueAct:
    """The act of a request whose words stand under a negation, a condition, a report, or a verb
    that cancels or changes: it is not begun, but asked about, or that is done instead."""
    if normalise_text(text) in pack.intent_by_example:
        return act
    if act.kind in REQUEST_ACTS | UNPLACED_ACTS and (found := find_taken_back(pack, text)):
        intent, scope = found
        if act.kind != "cancel" or not _is_same_task(pack, state, intent):
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


def _prefer_clarification(
    pack: Pack, state: DialogueState, understanding: Understanding, act: DialogueAct
) -> DialogueAct:
    """A clarification question instead of a guess or a miss, if few intents are possible.

    While a task is in progress, words that were not understood do not start one.
    """
    is_unlikely = act.kind == "out_of_scope" and OUT_OF_SCOPE not in understanding.possible
    # out of scope only for want of a likely intent
    is_unplaced = act.kind == "unclear" or is_unlikely
    is_guess = act.kind == "maybe" or (is_unplaced and not state.tasks)
    if not is_guess or state.question.kind == "which":
        return act
    options = askable_options(pack, state, understanding.possible)
    return replace(act, kind="which", options=options) if options else act


def _clarification_answer(
    pack: Pack, state: DialogueState, intent: str, confidence: float, text: str
) -> DialogueAct | None:
    """An answer to "Is it about this or that?"; a confident new request wins over a chance word."""
    options = state.question.options
    if state.question.kind != "which":
        return None
    answer = resolve_clarification(pack, options, text)
    if answer is None or not is_short(text):
        if intent in options and confidence >= pack.intent_thresholds.confirm_from:
            return DialogueAct("picked", intent, options=(intent,))
        if answer is None or _is_new_request(pack, state, intent, confidence, is_answered=False):
            return None
    if not answer.intents:
        return DialogueAct("no")
    return DialogueAct("picked", answer.intents[0], options=answer.intents)


# Words before the answer proper: "It was Pulse Gym" names Pulse Gym.
_LEADING_WORDS = re.compile(
    r"^(?:(?:uh|um|well|so|it was|it's|it is|that was|that's|from|at)\b[\s,]*)+", re.IGNORECASE
)


_TRAILING_HEDGE = re.compile(
    r"[\s,.-]+(?:i (?:think|guess|believe|suppose)|or something(?: like that)?|probably|please|"
    r"if i remember right)[\s.!]*$",
    re.IGNORECASE,
)


def is_free_text_asked(pack: Pack, state: DialogueState) -> bool:
    """Whether the open question asks for a slot of type text."""
    spec = pack.slots.get(state.question.name) if state.question.kind == "slot" else None
    return spec is not None and spec.type == "text"


def _no_name(
    pack: Pack,
    state: DialogueState,
    understanding: Understanding,
    assignments: tuple[SlotAssignment, ...],
) -> DialogueAct | None:
    """A question or refusal where a name or contact was asked for; requests go their own way."""
    spec = pack.slots.get(state.question.name) if state.question.kind == "slot" else None
    if spec is None or spec.type not in {"name", "contact"} or assignments:
        return None
    kind = answer_kind(understanding.text)
    if kind == "unknown" or (kind in {"question", "refusal"} and spec.help_reply):
        is_bare_no = understanding.intent in COMMAND_INTENTS
        return None if is_bare_no else DialogueAct("no_value", kind)
    return None


def _free_text_answer(
    pack: Pack, state: DialogueState, understanding: Understanding, intent: str, confidence: float
) -> DialogueAct:
    """The answer to a free-text question: any words, except a confident command or question."""
    if intent in COMMAND_INTENTS and confidence >= pack.intent_thresholds.switch_from:
        return DialogueAct(COMMAND_INTENTS[intent], intent, confidence)
    if (
        intent == "question"
        and confidence >= pack.intent_thresholds.switch_from
        and "?" in understanding.text
    ):
        return DialogueAct("question", intent, confidence)
    name = state.question.name
    assignments = tuple(
        fit for fit in assign_slots(pack, state, understanding.slots) if fit.name != name
    )
    if _is_values_only(assignments, understanding):
        # values for other slots of the task
        return DialogueAct("answer", intent, confidence, assignments)
    kind = answer_kind(understanding.text)
    spec = pack.slots[name]
    if kind == "request" and _is_new_request(pack, state, intent, confidence, is_answered=False):
        return DialogueAct("task", intent, confidence)
    if kind in {"question", "refusal", "unknown", "assent"}:
        if kind == "unknown" and spec.value_if_unknown:
            slot = Slot(name, spec.value_if_unknown, understanding.text.strip())
            given = SlotAssignment(name, slot, len(state.tasks) - 1)
            return DialogueAct("answer", assignments=(given,))
        return DialogueAct("no_value", kind)
    answer = _TRAILING_HEDGE.sub("", _LEADING_WORDS.sub("", understanding.text.strip()))
    answer = answer or understanding.text.strip()
    slot = Slot(name, answer, understanding.text.strip(), understanding.heard)
    return DialogueAct("answer", assignments=(SlotAssignment(name, slot, len(state.tasks) - 1),))


def _command(
    pack: Pack,
    state: DialogueState,
    intent: str,
    confidence: float,
    assignments: tuple[SlotAssignment, ...],
    text: str,
) -> DialogueAct | None:
    if intent not in COMMAND_INTENTS:
        return None
    is_task_command = bool(state.tasks) and intent != PERSON_INTENT
    min_confidence = (
        pack.intent_thresholds.switch_from if is_task_command else pack.intent_thresholds.act_from
    )
    if confidence < min_confidence or (
        assignments and text not in pack.intent_by_example and intent != PERSON_INTENT
    ):
        return None
    return DialogueAct(COMMAND_INTENTS[intent], intent, confidence)


def _reply_to_question(
    pack: Pack,
    state: DialogueState,
    understanding: Understanding,
    intent: str,
    confidence: float,
    assignments: tuple[SlotAssignment, ...],
    reply: YesNoAnswer,
) -> DialogueAct | None:
    question = state.question
    is_sure = confidence >= pack.intent_thresholds.act_from
    yes_no = _polarity(reply, intent if is_sure else "")
    is_repeated = _repeats_read_back(pack, state, understanding)
    if not _is_values_only(assignments, understanding) and _is_new_request(
        pack, state, intent, confidence, is_answered=bool(assignments or yes_no or is_repeated)
    ):
        return None
    if question.kind == "change" and not assignments:
        labels = {pack.slots[name].label.lower(): name for name in _changeable_slots(pack, state)}
        if pick := closest_phrase(normalise_text(understanding.text), labels):
            return DialogueAct("change", pick.value)
    if assignments:
        return DialogueAct("answer", intent, confidence, assignments, yes_no=yes_no)
    if yes_no and question.kind in CLOSED_QUESTIONS:
        return DialogueAct(yes_no)
    if is_repeated:
        return DialogueAct("answer", intent, confidence)  # the same values once more are no yes
    if _is_same_task(pack, state, intent) and confidence >= pack.intent_thresholds.act_from:
        return DialogueAct("answer", intent, confidence)  # names the task in progress again
    return None


def _repeats_read_back(pack: Pack, state: DialogueState, understanding: Understanding) -> bool:
    task = state.task
    return (
        state.question.kind == "confirm"
        and task is not None
        and any(is_repeated_value(pack, task, slot) for slot in understanding.slots)
    )


def _polarity(reply: YesNoAnswer, intent: str) -> Literal["yes", "no", ""]:
    """The yes or no of the turn. The model's counts for words that the grammar does not know, and
    not where it read anything that asks, refuses, conditions or steers."""
    if reply.kind == "yes" or reply.kind == "no":
        return reply.kind
    if reply.kind not in {"other", "nothing"} or reply.units_of(*DECIDING_UNITS):
        return ""
    return "yes" if intent == "affirm" else "no" if intent == "deny" else ""


def _is_values_only(assignments: tuple[SlotAssignment, ...], understanding: Understanding) -> bool:
    """Whether the turn is little but assigned values: an answer, whatever the model says."""
    return sum(len(fit.slot.said) for fit in assignments) > VALUES_ONLY_SHARE * len(
        understanding.text.strip()
    )


def _is_new_request(
    pack: Pack, state: DialogueState, intent: str, confidence: float, is_answered: bool
) -> bool:
    """Whether the intent is another task or a question, confident enough to leave the question."""
    spec = pack.intents.get(intent)
    if spec is None or spec.kind not in {"task", "question"} or _is_same_task(pack, state, intent):
        return False
    if state.question.kind == "intent" and state.question.name == intent:
        return False
    deciding = pack.intent_thresholds
    return confidence >= (deciding.switch_from if is_answered else deciding.act_from)


def _is_same_task(pack: Pack, state: DialogueState, intent: str) -> bool:
    spec = pack.intents.get(intent)
    return spec is not None and any(spec.flow == task.flow for task in state.tasks)


def _changeable_slots(pack: Pack, state: DialogueState) -> tuple[str, ...]:
    return tuple(state.task.slots) if state.task else ()


def _menu_choice(
    pack: Pack, state: DialogueState, text: str, understanding: Understanding
) -> DialogueAct | None:
    """A phrase similar to a menu entry, after "You can say: ..." or an open question."""
    if understanding.also or state.question.kind not in {"menu", "open"}:
        return None
    min_similarity = 72.0 if state.question.kind == "menu" else 92.0
    phrases = {
        pack.menu_phrase(name).lower(): name for name in pack.intents if pack.intents[name].short
    }
    match = closest_phrase(text, phrases, min_similarity)
    if match is None:
        return None
    if match.value == PERSON_INTENT:
        return DialogueAct("person", match.value, match.confidence)
    return DialogueAct("task", match.value, match.confidence)


def _repeat_with_new_value(
    pack: Pack, state: DialogueState, understanding: Understanding, intent: str
) -> DialogueAct | None:
    """The last task again with another value ("And in checking?"); never one to be confirmed."""
    last_task = state.last_task
    if last_task is None or state.tasks or state.question.kind not in {"more", "offer"}:
        return None
    is_same_flow = intent in pack.intents and pack.intents[intent].flow == last_task.flow
    flow = pack.flows[last_task.flow]
    if any(step.kind == "confirm" for step in flow.steps) or not (
        is_same_flow or intent in {"inform", "out_of_scope"}
    ):
        return None
    assigned = assign_to_task(pack, Task(last_task.flow), understanding.slots, "")
    assignments = tuple(SlotAssignment(name, slot, 0) for name, slot in assigned)
    return DialogueAct("again", assignments=assignments) if assignments else None


def _by_intent(pack: Pack, intent: str, confidence: float, reply: YesNoAnswer) -> DialogueAct:
    known = pack.intents.get(intent)
    act_from, confirm_from = pack.intent_thresholds.act_from, pack.intent_thresholds.confirm_from
    if known is None or confidence < confirm_from:
        return DialogueAct("unclear", intent, confidence)
    if known.kind == "task":
        return DialogueAct("task" if confidence >= act_from else "maybe", intent, confidence)
    if known.kind == "question":
        return DialogueAct("question", intent, confidence)
    if confidence < act_from or intent in COMMAND_INTENTS:  # a command of too low confidence
        return DialogueAct("unclear", intent, confidence)
    if known.kind == "talk":
        return DialogueAct("talk", intent, confidence)
    match intent:
        case "out_of_scope":
            return DialogueAct("out_of_scope", intent, confidence)
        case "affirm" | "deny" if polarity := _polarity(reply, intent):
            return DialogueAct(polarity)
        case _:
            return DialogueAct("unclear", intent, confidence)
