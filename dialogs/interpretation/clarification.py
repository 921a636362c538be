"""Which of a few things was meant, and how does a customer answer that?

Asked where the model cannot rule out two or three intents. An answer names one, says its place
("the second one"), or says both or neither. Held by tests/dialogs/test_which.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from audio.types import Expectation
from dialogs.extraction.choices import closest
from dialogs.pack.model import Pack, plain
from dialogs.state import DialogueState, Question
from dialogs.turn_draft import Draft, listed

FEWEST, MOST = 2, 3  # more than three is not a choice but a menu
SHORT = 6  # words: in a short answer a name or a place is an answer, whatever a model takes it for
_SMALL = frozenset(
    ["a", "an", "and", "at", "between", "in", "is", "it", "my", "of", "on", "or", "the", "to"]
    + ["with", "you", "your", "about", "for", "from", "do", "not"]
)
_PLACE = re.compile(
    r"\b(?:the )?(first|former|second|latter|third|last)(?: (?:one|thing))?\b"
    r"|\b(?:number|option) (one|two|three|1|2|3)\b|^(one|two|three|1|2|3)$"
)
_PLACES = {"first": 0, "former": 0, "one": 0, "1": 0, "second": 1, "two": 1, "2": 1,
           "third": 2, "three": 2, "3": 2, "latter": -1, "last": -1}  # fmt: skip
_BOTH = re.compile(r"\b(?:both|all (?:three|of (?:them|it|that)))\b")
_NEITHER = re.compile(r"\b(?:neither|none|nothing|something else)\b")
_NOT = re.compile(r"\bnot (?:about )?(?:the|a|my)\b|\bisn't\b")


@dataclass(frozen=True, slots=True)
class Picked:
    """The intents an answer means: none of them, one, or all."""

    intents: tuple[str, ...]


def askable(pack: Pack, state: DialogueState, possible: Sequence[str]) -> tuple[str, ...]:
    """Those of the possible intents that can be asked about; empty when that is no choice."""
    under_way = {task.flow for task in state.tasks}
    found = tuple(
        name
        for name in possible
        if (intent := pack.intents.get(name)) is not None
        and intent.kind in {"task", "question"}
        and (intent.about or intent.phrase)
        and intent.flow not in under_way
    )
    return found if FEWEST <= len(found) <= MOST else ()


def ask_which(draft: Draft, options: tuple[str, ...], again: bool = False) -> None:
    """ "Is it about your balance or a transfer?" """
    pack = draft.house.pack
    about = [pack.intents[name].about for name in options]
    said = about if all(about) else [pack.intents[n].phrase or pack.says(n) for n in options]
    reply = "which_again" if again else "which" if all(about) else "which_to_do"
    spoken = tuple(dict.fromkeys(p for name in options for p in _phrases(pack, name)))
    question = Question("which", "", reply, Expectation("choice", choices=spoken), options)
    draft.ask(question, intent=listed(said))


def picked(pack: Pack, options: tuple[str, ...], text: str) -> Picked | None:
    """What `text` (plain words) picks of `options`; None when it does not say."""
    if _BOTH.search(text):
        return Picked(options)
    if name := _named(pack, options, text):
        others = tuple(option for option in options if option != name)
        if not _NOT.search(text):
            return Picked((name,))
        return Picked(others) if len(others) == 1 else None
    if match := _PLACE.search(text):
        place = _PLACES[next(filter(None, match.groups()))]
        return Picked((options[place],)) if place < len(options) else None
    return Picked(()) if _NEITHER.search(text) else None


def is_short(text: str) -> bool:
    return len(text.split()) <= SHORT


def _phrases(pack: Pack, name: str) -> tuple[str, ...]:
    intent = pack.intents[name]
    return tuple(p.lower() for p in (intent.about, intent.short, intent.phrase) if p)


def _named(pack: Pack, options: tuple[str, ...], text: str) -> str:
    """The option whose own words were said, or words like them."""
    words = {o: {w for p in _phrases(pack, o) for w in plain(p).split()} - _SMALL for o in options}
    own = {o: words[o] - set().union(*(words[x] for x in options if x != o)) for o in options}
    said = set(text.split())
    hits = [option for option in options if own[option] & said]
    if hits:
        return hits[0] if len(hits) == 1 else ""
    like = {word: option for option in options for word in own[option]}
    like |= {phrase: option for option in options for phrase in _phrases(pack, option)}
    found = closest(text, like)
    return found.value if found else ""
