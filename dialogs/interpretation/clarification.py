"""Clarification question between two or three intents, and the reading of its answer.

It is asked when the model cannot rule out two or three intents. An answer names one, gives its
position ("the second one"), or says both or neither. Held by
tests/dialogs/interpretation/test_clarification.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from audio.types import Expectation
from dialogs.extraction.choices import closest_phrase
from dialogs.pack.model import Pack, normalise_text
from dialogs.state import DialogueState, Question
from dialogs.turn_draft import TurnDraft, format_list

MIN_OPTIONS, MAX_OPTIONS = 2, 3  # more than three would be a menu
# up to so many words, a name or position is an answer, whatever the model says
MAX_DIRECT_ANSWER_WORDS = 6
_FUNCTION_WORDS = frozenset(
    ["a", "an", "and", "at", "between", "in", "is", "it", "my", "of", "on", "or", "the", "to"]
    + ["with", "you", "your", "about", "for", "from", "do", "not"]
)
_POSITION = re.compile(
    r"\b(?:the )?(first|former|second|latter|third|last)(?: (?:one|thing))?\b"
    r"|\b(?:number|option) (one|two|three|1|2|3)\b|^(one|two|three|1|2|3)$"
)
_POSITION_INDEX = {"first": 0, "former": 0, "one": 0, "1": 0, "second": 1, "two": 1, "2": 1,
           "third": 2, "three": 2, "3": 2, "latter": -1, "last": -1}  # fmt: skip
_BOTH = re.compile(r"\b(?:both|all (?:three|of (?:them|it|that)))\b")
_NEITHER = re.compile(r"\b(?:neither|none|nothing|something else)\b")
_NOT = re.compile(r"\bnot (?:about )?(?:the|a|my)\b|\bisn't\b")


@dataclass(frozen=True, slots=True)
class ClarificationAnswer:
    """The intents that an answer selects: none, one, or several."""

    intents: tuple[str, ...]


def askable_options(
    pack: Pack, state: DialogueState, possible_intents: Sequence[str]
) -> tuple[str, ...]:
    """The possible intents that can be asked about; empty unless there are two or three."""
    under_way = {task.flow for task in state.tasks}
    options = tuple(
        name
        for name in possible_intents
        if (intent := pack.intents.get(name)) is not None
        and intent.kind in {"task", "question"}
        and (intent.about or intent.phrase)
        and intent.flow not in under_way
    )
    return options if MIN_OPTIONS <= len(options) <= MAX_OPTIONS else ()


def ask_clarification(
    draft: TurnDraft, options: tuple[str, ...], is_repeated: bool = False
) -> None:
    """Ask "Is it about your balance or a transfer?"."""
    pack = draft.context.pack
    about = [pack.intents[name].about for name in options]
    descriptions = (
        about if all(about) else [pack.intents[n].phrase or pack.menu_phrase(n) for n in options]
    )
    reply = "which_again" if is_repeated else "which" if all(about) else "which_to_do"
    answer_phrases = tuple(dict.fromkeys(p for name in options for p in _phrases(pack, name)))
    question = Question("which", "", reply, Expectation("choice", choices=answer_phrases), options)
    draft.ask(question, intent=format_list(descriptions))


def resolve_clarification(
    pack: Pack, options: tuple[str, ...], text: str
) -> ClarificationAnswer | None:
    """The options that `text` (normalised) selects; None when it does not say."""
    if _BOTH.search(text):
        return ClarificationAnswer(options)
    if name := _find_option(pack, options, text):
        others = tuple(option for option in options if option != name)
        if not _NOT.search(text):
            return ClarificationAnswer((name,))
        return ClarificationAnswer(others) if len(others) == 1 else None
    if match := _POSITION.search(text):
        place = _POSITION_INDEX[next(filter(None, match.groups()))]
        return ClarificationAnswer((options[place],)) if place < len(options) else None
    return ClarificationAnswer(()) if _NEITHER.search(text) else None


def is_short(text: str) -> bool:
    """Whether `text` is short enough to be only an answer."""
    return len(text.split()) <= MAX_DIRECT_ANSWER_WORDS


def _phrases(pack: Pack, name: str) -> tuple[str, ...]:
    intent = pack.intents[name]
    return tuple(p.lower() for p in (intent.about, intent.short, intent.phrase) if p)


def _find_option(pack: Pack, options: tuple[str, ...], text: str) -> str:
    """The option whose distinctive words, or similar ones, occur; empty for none or several."""
    words = {
        o: {w for p in _phrases(pack, o) for w in normalise_text(p).split()} - _FUNCTION_WORDS
        for o in options
    }
    distinctive_words = {
        o: words[o] - set().union(*(words[x] for x in options if x != o)) for o in options
    }
    words_said = set(text.split())
    hits = [option for option in options if distinctive_words[option] & words_said]
    if hits:
        return hits[0] if len(hits) == 1 else ""
    option_by_phrase = {word: option for option in options for word in distinctive_words[option]}
    option_by_phrase |= {phrase: option for option in options for phrase in _phrases(pack, option)}
    match = closest_phrase(text, option_by_phrase)
    return match.value if match else ""
