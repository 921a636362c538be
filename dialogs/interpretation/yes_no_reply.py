"""Reply of a customer to a yes/no question of the dialogue, read by the consent grammar alone.

The grammar is told what the question named: its values, by slot, and its words. Held by
tests/dialogs/interpretation/test_dialogue_acts.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from dialogs.extraction.plain_words import plain_words
from dialogs.extraction.tokens import fold_case
from dialogs.extraction.yes_no import YesNoAnswer, read_answer
from dialogs.pack.model import Pack
from dialogs.pack.reserved_names import COUNT_SLOT, DIGITS_SLOT, NUMBER_SLOT, YES_NO_SLOT
from dialogs.state import DialogueState, Task
from dialogs.values import Slot, Understanding

YES_NO_QUESTIONS = frozenset({"confirm", "intent", "person", "more", "resume", "offer", "callback"})
# Words for "at once": no mere politeness where another day was read back.
_AT_ONCE = frozenset({"now", "immediately", "asap", "today", "tonight"})
# Words that only ask the question back: "yes?", "is that right?", "sorry, what?"
_ASKING_BACK = frozenset(
    ["?", "is", "are", "it", "that", "this", "right", "correct", "true", "ok", "yes", "really"]
    + ["sure", "you", "do", "i", "so", "what", "huh", "pardon", "was", "again", "say", "come"]
    + ["sorry", "excuse", "me", "did", "wait", "eh", "seriously", "mean", "does", "no", "hey"]
    + ["and", "but", "all", "alright", "fine", "meaning", "repeat", "would", "can", "could"]
)


def is_yes_no_asked(pack: Pack, state: DialogueState) -> bool:
    """Whether the open question is one that a yes or a no answers."""
    question = state.question
    if question.kind == "slot":
        return pack.slots[question.name].type == "yes_no"
    return question.kind in YES_NO_QUESTIONS


def is_consent_asked(pack: Pack, state: DialogueState) -> bool:
    """Whether a yes to the open question lets an action happen."""
    return state.question.kind == "confirm" or (
        state.question.kind == "slot" and is_yes_no_asked(pack, state)
    )


def read_reply(pack: Pack, state: DialogueState, understanding: Understanding) -> YesNoAnswer:
    """What the turn answers to the open question."""
    repeated = tuple(_repeated_values(pack, state, understanding))
    topic = _topic_words(pack, state) if is_yes_no_asked(pack, state) else frozenset()
    new_words = {
        word.text
        for slot in understanding.slots
        if slot not in repeated
        and slot.name != YES_NO_SLOT
        and not _is_at_once(pack, state.task, slot)
        for word in plain_words(slot.said)
    }
    places = tuple(p for slot in repeated for p in _places(slot.said, understanding.text))
    if _is_for_another_day(pack, state.task):
        new_words |= _AT_ONCE
    return read_answer(understanding.text, places, topic - new_words, frozenset(new_words))


def asks_back(answer: YesNoAnswer) -> bool:
    """Whether the turn is a question that only asks the question back, as "is that right?"."""
    words = [word for unit in answer.units if unit.kind != "filler" for word in unit.words.split()]
    return answer.kind == "question" and all(word in _ASKING_BACK for word in words)


def is_repeated_value(pack: Pack, task: Task, slot: Slot) -> bool:
    """Whether the task has this value already: in this role, or in any where none was said."""
    if slot.problem:
        return False
    filled = task.slots.get(slot.name)
    if filled is not None:
        return filled.value == slot.value
    if slot.name in {NUMBER_SLOT, DIGITS_SLOT, COUNT_SLOT}:
        return any(_same_number(slot.value, one.value) for one in task.slots.values())
    spec = pack.slots.get(slot.name)
    return spec is not None and any(
        pack.slots[name].family == spec.family and one.value == slot.value
        for name, one in task.slots.items()
    )


def _repeated_values(
    pack: Pack, state: DialogueState, understanding: Understanding
) -> Iterator[Slot]:
    task = state.task
    for slot in understanding.slots:
        if task is not None and slot.name != YES_NO_SLOT and is_repeated_value(pack, task, slot):
            yield slot


def _same_number(said: str, value: str) -> bool:
    try:
        return float(said) == float(value)
    except ValueError:
        return False


def _places(said: str, text: str) -> Iterator[tuple[int, int]]:
    folded, words = fold_case(text), fold_case(said)
    at = folded.find(words) if words else -1
    if at >= 0:
        yield at, at + len(words)


def _is_at_once(pack: Pack, task: Task | None, slot: Slot) -> bool:
    """Whether the slot is only "right away", for a task that no day belongs to."""
    words = {word.text for word in plain_words(slot.said)}
    has_day = task is not None and any(
        pack.slots[name].type == "date" for name in pack.flows[task.flow].slots
    )
    return not has_day and words <= _AT_ONCE | {"right", "away", "straight", "at", "once"}


def _topic_words(pack: Pack, state: DialogueState) -> frozenset[str]:
    """The words of the question, of its task's names, and the agent's name."""
    texts = [reply.text for reply in state.last_replies[-1:]] + [pack.agent_name, pack.bank_name]
    if task := state.task:
        texts.append(pack.flows[task.flow].title)
        for intent in pack.intents.values():
            if intent.flow == task.flow:
                texts += [intent.phrase, intent.short, intent.about]
    return frozenset(
        word.text for text in texts for word in plain_words(text) if word.text.isalpha()
    )


def _is_for_another_day(pack: Pack, task: Task | None) -> bool:
    """Whether money is to move on a day that the customer named, and not as "today"."""
    if task is None or not pack.flows[task.flow].moves_money:
        return False
    days = [one for name, one in task.slots.items() if pack.slots[name].type == "date" and one.turn]
    return any(not _AT_ONCE & {word.text for word in plain_words(day.text)} for day in days)
