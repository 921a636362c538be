"""Which of the known words did the customer mean, although perhaps misheard?

An exact word counts anywhere; a similar one only where a choice was asked for. Number words count
as a choice only where they were asked for. Held by tests/dialogs/test_slots.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from audio.types import Expectation
from dialogs.extraction.numbers import UNITS

SIMILAR = 78.0  # of 100, for a choice that was asked for
_PLACES = ("first", "second", "third", "fourth", "fifth", "sixth")
_NO_NAMES = (
    "yes no yeah please thanks thank you hello hi it is the a an my name under put and of i'm im "
    "am this just can call me sure ok okay uh um calling from with here to want need i would like "
    "account number on at who that be speaking again pin code mother's maiden but so because"
)
_NO_NAME = frozenset(_NO_NAMES.split())


@dataclass(frozen=True, slots=True)
class Pick:
    value: str
    start: int
    end: int
    confidence: float = 1.0


def chosen(low: str, values: Mapping[str, Sequence[str]], expect: Expectation) -> list[Pick]:
    phrases = {p.lower(): value for value in values for p in (value, *values[value])}
    asked = expect.kind == "choice" and any(choice in phrases for choice in expect.choices)
    picks: list[Pick] = []
    for phrase in sorted(phrases, key=len, reverse=True):
        if not asked and (phrase in UNITS or phrase.isdigit() or phrase in _VAGUE):
            continue
        for match in re.finditer(rf"(?<![\w'$.]){re.escape(phrase)}(?![\w'])", low):
            if not any(match.start() < p.end and p.start < match.end() for p in picks):
                picks.append(Pick(phrases[phrase], match.start(), match.end()))
    if not picks and asked:
        found = _place(low, values) or closest(low, phrases)
        return [found] if found else []
    return sorted(picks, key=lambda pick: pick.start)


_VAGUE = frozenset({"other", "anything else", "other things", "in general", "general"})


def _place(low: str, values: Mapping[str, Sequence[str]]) -> Pick | None:
    """ "the second one" """
    match = re.search(rf"\b(?:the )?({'|'.join(_PLACES)}|last)(?: one)?\b", low)
    if not match:
        return None
    every = list(values)
    place = len(every) - 1 if match.group(1) == "last" else _PLACES.index(match.group(1))
    return Pick(every[place], match.start(), match.end()) if place < len(every) else None


def closest(low: str, phrases: Mapping[str, str], least: float = SIMILAR) -> Pick | None:
    """The known phrase most like some words of the text; None when nothing is like one."""
    words = list(re.finditer(r"[\w']+", low))
    best: tuple[float, Pick] | None = None
    for phrase, value in phrases.items():
        if len(phrase) < 4:
            continue  # too short to be told apart by likeness
        size = len(phrase.split())
        for width in {max(1, size - 1), size, size + 1}:
            for i in range(len(words) - width + 1):
                start, end = words[i].start(), words[i + width - 1].end()
                said = low[start:end]
                score = max(
                    fuzz.ratio(said, phrase),
                    fuzz.ratio(said.replace(" ", ""), phrase.replace(" ", "")),
                )
                if score >= least and (best is None or score > best[0]):
                    best = (score, Pick(value, start, end, score / 100))
    return best[1] if best else None


def named(low: str, cues: Sequence[str], asked: bool) -> tuple[int, int, str] | None:
    """A person's name after a cue such as "my name is", or the whole answer when it was asked."""
    after = next((m for cue in cues if (m := re.search(rf"\b{re.escape(cue)}\s+", low))), None)
    if after is None and not asked:
        return None
    if after is not None and not asked and "name" not in after.group():
        return None  # "this is wrong" introduces nobody
    start = after.end() if after else 0
    words: list[re.Match[str]] = []
    for word in re.finditer(r"[^\W\d_][^\W\d_'.-]*(?:['-][^\W\d_]+)*", low[start:]):
        if word.group() in _NO_NAME:
            if words:
                break
            continue
        words.append(word)
        if len(words) == 3:
            break
    if not words:
        return None
    name = " ".join(word.group().capitalize() for word in words)
    return start + words[0].start(), start + words[-1].end(), name
