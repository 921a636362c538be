"""Dialogue-act classification of a turn, given the open question.

A model says which intent the words have; this says what they do in the conversation: an answer, a
correction, another task. A yes or a no is read by the consent grammar, and a model's word for it is
never enough where an action follows. An answer to the open question beats an intent of low or
medium confidence; commands and requests for a person beat both. Held by
tests/dialogs/interpretation/test_dialogue_acts.py.
"""

from __future__ import annotations

import re
from dataclasses import replace

from dialogs.extraction.choices import closest_phrase
from dialogs.extraction.free_text import answer_kind
from dialogs.extraction.yes_no import YesNoAnswer
from dialogs.interpretation.answer_acts import (
    CLOSED_QUESTIONS,
    answer_by_sign,
    is_back,
    polarity_of,
    repeats_read_back,
    slots_that_answer,
    whole_answer,
    with_certain_yes,
)
from dialogs.interpretation.clarification import askable_options, is_short, resolve_clarification
from dialogs.interpretation.contact_answers import contact_assignment, names_contact
from dialogs.interpretation.dialogue_act import DialogueAct, DialogueActKind
from dialogs.interpretation.scope_acts import (
    is_same_task,
    taken_back,
    with_request_beside,
    with_scope,
)
from dialogs.interpretation.slot_filling import SlotAssignment, assign_slots, assign_to_task
from dialogs.interpretation.yes_no_reply import (
    is_consent_asked,
    is_yes_no_asked,
    read_reply,
)
from dialogs.pack.model import Pack, normalise_text
from dialogs.pack.reserved_names import PERSON_INTENT
from dialogs.state import DialogueState, Task
from dialogs.values import NOTHING_HEARD, OUT_OF_SCOPE, Slot, Understanding

VALUES_ONLY_SHARE = 0.6  # share of the characters in slot values from which a turn is values only
FILLERS = frozenset({"uh", "um", "er", "erm", "hm", "hmm", "ah", "eh", "mm", "well", "so", "like"})
COMMAND_INTENTS: dict[str, DialogueActKind] = {
    PERSON_INTENT: "person",
    "cancel": "cancel",
    "start_over": "start_over",
    "repeat": "repeat",
    "goodbye": "goodbye",
}


def interpret(pack: Pack, state: DialogueState, understanding: Understanding) -> DialogueAct:
    """The dialogue act of a turn in this state."""
    text = normalise_text(understanding.text)
    if not text and (sign := answer_by_sign(pack, state, understanding)):
        return sign
    reply = read_reply(pack, state, understanding)
    if text and reply.kind != "yes" and all(word in FILLERS for word in text.split()):
        return DialogueAct("unclear")  # a filler is no yes, whatever the model says
    if not text or understanding.intent == NOTHING_HEARD:
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
            taken_back(pack, state, understanding, reply)
            or (DialogueAct("wait") if reply.kind == "wait" else None)
            or _free_text_answer(pack, state, understanding, intent, confidence)
        )
    if was_taken_back := taken_back(pack, state, understanding, reply):
        return was_taken_back
    slots = tuple(slots_that_answer(pack, state, understanding, reply))
    assignments = assign_slots(pack, state, slots)
    if no_value := _no_name(pack, state, understanding, assignments):
        return no_value
    act = (
        whole_answer(pack, state, reply, intent, confidence, assignments, text)
        or _command(pack, state, intent, confidence, assignments, text)
        or _clarification_answer(pack, state, intent, confidence, text)
        or _reply_to_question(pack, state, understanding, intent, confidence, assignments, reply)
        or _menu_choice(pack, state, text, understanding)
        or _repeat_with_new_value(pack, state, understanding, intent)
        or _by_intent(pack, intent, confidence, reply)
    )
    act = with_scope(pack, state, understanding.text, act)
    act = with_request_beside(pack, state, understanding, act)
    is_doubtful = understanding.heard < pack.transcript_thresholds.confirm_below
    if is_doubtful and act.kind == "task":
        act = DialogueAct("maybe", act.intent, act.confidence)
    if is_consent_asked(pack, state):
        act = with_certain_yes(act, reply, is_doubtful, is_spoken=understanding.cues is not None)
    return _prefer_clarification(pack, state, understanding, act)


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
    yes_no = polarity_of(reply, intent if is_sure else "")
    is_repeated = repeats_read_back(pack, state, understanding)
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
    if is_same_task(pack, state, intent) and confidence >= pack.intent_thresholds.act_from:
        return DialogueAct("answer", intent, confidence)  # names the task in progress again
    return None


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
    if spec is None or spec.kind not in {"task", "question"} or is_same_task(pack, state, intent):
        return False
    if state.question.kind == "intent" and state.question.name == intent:
        return False
    deciding = pack.intent_thresholds
    return confidence >= (deciding.switch_from if is_answered else deciding.act_from)


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
        case "affirm" | "deny" if polarity := polarity_of(reply, intent):
            return DialogueAct(polarity)
        case _:
            return DialogueAct("unclear", intent, confidence)
