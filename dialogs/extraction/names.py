"""Names of people in a customer's words, as they are written.

A name in capitals and small letters stays as it was typed; one in small letters or in capitals
only gets those that names have ("o'brien-mccarthy" is O'Brien-McCarthy). A spelling decides what
was said before it. A question, a refusal or a request is no name.
Held by tests/dialogs/extraction/test_names.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from dialogs.extraction.free_text import answer_kind
from dialogs.extraction.tokens import word_set

MAX_NAME_WORDS = 7
MIN_SPELLED_LETTERS = 3
MIN_SPELLED_SIMILARITY = 55.0  # of a spelling and the name it spells; rapidfuzz's 0 to 100
_NAME_WORD = re.compile(r"[^\W\d_]+(?:['\u2019.-]+[^\W\d_]+)*\.?|\S")
_NOT_NAME_WORDS = (
    "yes no yeah yep please thanks thank you hello hi hey it is the a an my name names under put "
    "and of "
    "i'm im am this just can could call me sure ok okay uh um er calling from with here to want "
    "need i "
    "would like account number on at who that be speaking again pin code mother's maiden but so "
    "because it's its that's what why how when where which do does did don't dont not know "
    "remember "
    "have tell give rather won't use you're your customer are for first last full surname given "
    "spelled spelt spell or in is's well actually sorry as said mr mrs ms miss dr sir madam "
    "he she they we was were will good morning afternoon evening go by"
)
_NOT_NAMES = frozenset(_NOT_NAME_WORDS.split())
# Words of that list that are names, too, when they are written or placed like one.
_ALSO_NAMES = frozenset({"an", "so", "in", "will", "may", "do", "you", "am", "my", "ha", "dr"})
_PARTICLES = word_set("de del della der den di da dos du la le van von vom zu bin ibn al el y e")
_PARTS_OF_NAME = frozenset({"first", "last", "name", "surname"})  # "first name ann last name lee"
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "sir", "madam"})
_AS_IN = re.compile(r"\b([a-z])\W+(?:as in|for|like(?: in)?|is for)\W+[^\W\d_]+", re.IGNORECASE)
_SPELLING = re.compile(
    r"(?<![\w'])(?:double[ -][a-z]|[a-z])(?:[\s,-]+(?:double[ -][a-z]"
    r"|[a-z](?![\w'.]))){2,}(?![\w'.])",
    re.IGNORECASE,
)
_ENDING_IN = re.compile(r"\bwith an? ([a-z])(?: at the end)?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NameSpan:
    """A name and its place in the text, end exclusive."""

    start: int
    end: int
    value: str


def find_person_name(text: str, cues: Sequence[str], is_expected: bool) -> NameSpan | None:
    """The name after a cue ("my name is"), or anywhere in a short answer if one was asked for."""
    folded = text.lower() if len(text.lower()) == len(text) else text
    after = _last_cue(folded, cues)
    if after is None and not is_expected:
        return None
    if after is not None and not is_expected and "name" not in after.group():
        return None  # "this is wrong" is no introduction
    is_introduced = after is not None and "name" in after.group()
    if not is_introduced and answer_kind(text) != "value":
        return None
    start = after.end() if after else 0
    rest = text[start:]
    spelled, spoken_end = _spelled_words(rest)
    said = _words_of_name(rest[:spoken_end], is_alone=start == 0)
    words = [word for _, _, word in said]
    if spelled:
        words = _with_spelling(words, spelled)
        end = len(text)
    elif said:
        end = start + said[-1][1]
        if (letter := _ENDING_IN.match(text[end:].lstrip(" ,"))) is not None:
            words[-1] += letter.group(1)
    if not words:
        return None
    begin = start + (said[0][0] if said else 0)
    return NameSpan(begin, end, " ".join(capitalise_name(words)))


def _last_cue(folded: str, cues: Sequence[str]) -> re.Match[str] | None:
    for cue in cues:
        said = re.escape(cue).replace("name\\ is", "name(?:\\ is|'s|:)?")
        if match := re.search(rf"\b{said}(?!\w)[\s:,]*", folded):
            return match
    return None


def _words_of_name(text: str, is_alone: bool) -> list[tuple[int, int, str]]:
    """The first words of a text that can be a name: start, end and word."""
    matches = list(_NAME_WORD.finditer(text[:200]))
    is_short = is_alone and sum(m.group()[0].isalpha() for m in matches) <= 3
    is_mixed = any(c.islower() for c in text) and any(c.isupper() for c in text)
    words: list[tuple[int, int, str]] = []
    for at, match in enumerate(matches):
        word = match.group()
        low = word.lower().rstrip(".")
        if not word[0].isalpha():
            if words and word not in {".", "'"}:
                break
            continue
        follows = any(m.group()[0].isalpha() for m in matches[at + 1 : at + 2])
        is_placed = (
            low in _ALSO_NAMES
            and not words
            and follows
            and (is_short or (is_mixed and word[0].isupper() and at > 0))
        )
        is_capital = low in _ALSO_NAMES and is_mixed and word[0].isupper() and bool(words)
        if low in _NOT_NAMES and not (is_placed or is_capital):
            if words and low not in _PARTS_OF_NAME:
                break
            continue
        if low in _TITLES and not words:
            continue
        words.append((match.start(), match.end(), word))
        if len(words) == MAX_NAME_WORDS:
            break
    while words and words[-1][2].lower() in _PARTICLES and len(words) > 1:
        words.pop()
    return words


def _spelled_words(text: str) -> tuple[list[str], int]:
    """Words that are spelled letter by letter, and where the spelling begins (or the text ends)."""
    letters = list(_AS_IN.finditer(text))
    first = letters[0].start() if letters else len(text)
    if len(letters) >= MIN_SPELLED_LETTERS:
        return ["".join(match.group(1).lower() for match in letters)], first
    spelled = []
    for match in _SPELLING.finditer(text):
        word = re.sub(r"double[ -]([a-z])", r"\1\1", match.group().lower())
        word = re.sub(r"[^a-z]", "", word)
        if len(word) >= MIN_SPELLED_LETTERS:
            spelled.append(word)
            first = min(first, match.start())
    return spelled, first


def _with_spelling(words: list[str], spelled: list[str]) -> list[str]:
    """The name with each spelled word in the place of the one it spells."""
    result = list(words)
    for word in spelled:
        begins = [said for said in result if said[:1].lower() == word[0]]
        scores = [100.0 if begins == [said] else fuzz.ratio(word, said.lower()) for said in result]
        if scores and max(scores) >= MIN_SPELLED_SIMILARITY:
            result[scores.index(max(scores))] = word
        else:
            result.append(word)
    return result[:MAX_NAME_WORDS]


def capitalise_name(words: Sequence[str]) -> list[str]:
    """The words of a name: as they are when they mix capitals and small letters."""
    is_mixed = any(word != word.lower() and word != word.upper() for word in words)
    last = len(words) - 1
    capitalised = []
    for at, word in enumerate(words):
        if is_mixed and word != word.lower():
            capitalised.append(word)
        elif 0 < at < last and word.lower() in _PARTICLES:
            capitalised.append(word.lower())
        else:
            capitalised.append("-".join(map(_capitalise_part, word.lower().split("-"))))
    return capitalised


def _capitalise_part(part: str) -> str:
    pieces = re.split(r"(['\u2019])", part)
    if len(pieces) == 3 and len(pieces[0]) <= 2 and len(pieces[2]) > 1:  # o'brien, d'arcy
        return pieces[0].capitalize() + pieces[1] + _capitalise_part(pieces[2])
    if re.fullmatch(r"mc[^\W\d_]{3,}", part):
        return "Mc" + part[2:].capitalize()
    return part[:1].upper() + part[1:]
