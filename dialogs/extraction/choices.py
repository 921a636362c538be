"""Matching of a customer's words with known phrases, exact or similar, and with person names.

An exact phrase counts anywhere; a similar one only when a choice was asked for, because speech
recognition may have misheard it. Number words count as a choice only when the question asked for
one. Held by tests/dialogs/extraction/test_slots.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from audio.types import Expectation
from dialogs.extraction.numbers import UNIT_NAMES

MIN_SIMILARITY = 78.0  # least similarity, 0 to 100, when a choice was asked for
MIN_TELLING_LETTERS = 4  # of a word without which a phrase is another one
MIN_REST_SIMILARITY = 50.0  # of what two phrases have beside the words that are in both
_ORDINAL_WORDS = ("first", "second", "third", "fourth", "fifth", "sixth")
_NOT_NAME_WORDS = (
    "yes no yeah please thanks thank you hello hi it is the a an my name under put and of i'm im "
    "am this just can call me sure ok okay uh um calling from with here to want need i would like "
    "account number on at who that be speaking again pin code mother's maiden but so because"
)
_NOT_NAMES = frozenset(_NOT_NAME_WORDS.split())


@dataclass(frozen=True, slots=True)
class PhraseMatch:
    """A known value, its place in the text (end exclusive) and the similarity, 0 to 1."""

    value: str
    start: int
    end: int
    confidence: float = 1.0


def find_choices(
    lowered: str, values: Mapping[str, Sequence[str]], expectation: Expectation
) -> list[PhraseMatch]:
    """The choices in lower-case text, left to right, without overlaps.

    `values` maps each value to its synonyms. When a choice was asked for and none occurs, a
    position ("the second one") or the most similar phrase counts.
    """
    phrases = {p.lower(): value for value in values for p in (value, *values[value])}
    is_asked = expectation.kind == "choice" and any(
        choice in phrases for choice in expectation.choices
    )
    matches: list[PhraseMatch] = []
    said = [phrase for phrase in phrases if phrase in lowered]
    for phrase in sorted(said, key=len, reverse=True):
        if not is_asked and (phrase in UNIT_NAMES or phrase.isdigit() or phrase in _VAGUE_PHRASES):
            continue
        for match in re.finditer(rf"(?<![\w'$.]){re.escape(phrase)}(?![\w'])", lowered):
            if not any(match.start() < p.end and p.start < match.end() for p in matches):
                matches.append(PhraseMatch(phrases[phrase], match.start(), match.end()))
    if not matches and is_asked:
        nearest = _choice_by_position(lowered, values) or closest_phrase(lowered, phrases)
        return [nearest] if nearest else []
    return sorted(matches, key=lambda pick: pick.start)


_VAGUE_PHRASES = frozenset({"other", "anything else", "other things", "in general", "general"})


def _choice_by_position(lowered: str, values: Mapping[str, Sequence[str]]) -> PhraseMatch | None:
    """The choice at a spoken position ("the second one"); None without one."""
    match = re.search(rf"\b(?:the )?({'|'.join(_ORDINAL_WORDS)}|last)(?: one)?\b", lowered)
    if not match:
        return None
    every = list(values)
    place = len(every) - 1 if match.group(1) == "last" else _ORDINAL_WORDS.index(match.group(1))
    return PhraseMatch(every[place], match.start(), match.end()) if place < len(every) else None


def closest_phrase(
    lowered: str, phrases: Mapping[str, str], min_similarity: float = MIN_SIMILARITY
) -> PhraseMatch | None:
    """The known phrase most similar to some words of the text; None when none reaches
    `min_similarity`.

    `phrases` maps a phrase to the value it stands for; similarity runs from 0 to 100.
    """
    words = list(re.finditer(r"[\w']+", lowered))
    best: tuple[float, PhraseMatch] | None = None
    # As many words side by side as a phrase may have, as they are written and run together.
    said_by_width: dict[int, tuple[list[str], list[str]]] = {}
    for phrase, value in phrases.items():
        if len(phrase) < 4:
            continue  # too short for similarity to tell it from another word
        size = len(phrase.split())
        for width in {max(1, size - 1), size, size + 1}:
            if width not in said_by_width:
                said = [
                    lowered[words[i].start() : words[i + width - 1].end()]
                    for i in range(len(words) - width + 1)
                ]
                said_by_width[width] = (said, [text.replace(" ", "") for text in said])
            for score, i in _similar(phrase, said_by_width[width], min_similarity):
                if best is None or score > best[0]:
                    start, end = words[i].start(), words[i + width - 1].end()
                    best = (score, PhraseMatch(value, start, end, score / 100))
    return best[1] if best else None


def _similar(
    phrase: str, said: tuple[Sequence[str], Sequence[str]], min_similarity: float
) -> Iterator[tuple[float, int]]:
    """The similarity of what resembles `phrase` most, and its place in `said`; once as it is
    written, once run together."""
    for name, texts in zip((phrase, phrase.replace(" ", "")), said, strict=True):
        found = process.extract(name, texts, scorer=fuzz.ratio, score_cutoff=min_similarity)
        for _, score, place in found:
            if _resembles_beyond(phrase, said[0][place]):
                yield float(score), int(place)
                break


def _resembles_beyond(phrase: str, said: str) -> bool:
    """Whether what was said resembles a phrase in more than the words that both have: "a branch"
    is no "main branch"."""
    words, said_words = phrase.split(), said.split()
    common = set(words) & set(said_words)
    rest = [word for word in words if word not in common]
    if not common or all(len(word) < MIN_TELLING_LETTERS for word in rest):
        return True  # "talk to person" lacks only the "a"
    said_rest = "".join(word for word in said_words if word not in common)
    return fuzz.ratio("".join(rest), said_rest) >= MIN_REST_SIMILARITY


def find_person_name(
    lowered: str, cues: Sequence[str], is_expected: bool
) -> tuple[int, int, str] | None:
    """Start, end and capitalised name: after a cue ("my name is"), or anywhere if it was asked for.

    At most three words; None when there is no name.
    """
    after = next((m for cue in cues if (m := re.search(rf"\b{re.escape(cue)}\s+", lowered))), None)
    if after is None and not is_expected:
        return None
    if after is not None and not is_expected and "name" not in after.group():
        return None  # "this is wrong" is no introduction
    start = after.end() if after else 0
    words: list[re.Match[str]] = []
    for word in re.finditer(r"[^\W\d_][^\W\d_'.-]*(?:['-][^\W\d_]+)*", lowered[start:]):
        if word.group() in _NOT_NAMES:
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
