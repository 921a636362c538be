"""Repairs of words that a speech recogniser wrote for spoken numbers.

"to" may be a two and "for" a four when digits were asked for, and a word at edit distance 1 from a
number word is that word beside another number. Only for heard words: typed ones are as they stand.
Held by tests/dialogs/extraction/test_ear_repairs.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Literal, Protocol, TypeVar

from rapidfuzz.distance import DamerauLevenshtein

HeardNumber = Literal["", "digits", "amount"]
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty "
    "ninety"
)
UNIT_NAMES = _UNITS.split()
MISHEARD_DIGITS = {
    "to": "two", "too": "two", "for": "four", "fore": "four", "ate": "eight", "won": "one",
    "tree": "three", "free": "three", "sex": "six", "nein": "nine", "niner": "nine",
    "sics": "six", "fife": "five", "hundreds": "hundred",
}  # fmt: skip
_NUMBER_WORDS = frozenset(
    {*UNIT_NAMES, "hundred", "thousand", "million", "billion", "trillion", "quadrillion", "oh", "o",
     "nought", "naught", "double", "triple", "point", "grand", "fourty"}
)  # fmt: skip
# Common words at edit distance 1 from a number word that are not misheard numbers.
_NOT_NUMBERS = frozenset(
    {"is", "it", "in", "so", "no", "or", "my", "an", "the", "then", "ton", "wine"}
)


class HasText(Protocol):
    """A token with its text, in lower case."""

    @property
    def text(self) -> str: ...


T = TypeVar("T", bound=HasText)


def repair_heard_numbers(tokens: Sequence[T], heard: HeardNumber) -> list[T]:
    """`tokens` with near misses of number words corrected: "zerno" beside a number is "zero".

    The edit distance must be 1, to exactly one number word, and a neighbour must be a number or
    a corrected one. Two passes, one in each direction, see every neighbour.
    """
    repaired = list(tokens)
    if not heard:
        return repaired
    units = "digits" if heard == "digits" else "amount"
    certain = [_is_certain(token.text) for token in tokens]
    forwards = range(len(tokens))
    for order in (forwards, reversed(forwards)):
        previous = False
        for at in order:
            if not certain[at] and previous and (near := _nearest_unit(repaired[at].text, units)):
                repaired[at] = replace(repaired[at], text=near)  # type: ignore[type-var]
                certain[at] = True
            previous = certain[at]
    return repaired


def _is_certain(word: str) -> bool:
    return word[0] in "0123456789" or word in _NUMBER_WORDS or word in MISHEARD_DIGITS


@lru_cache(maxsize=4096)
def _nearest_unit(word: str, units: str) -> str:
    if not 2 <= len(word) <= 10 or not word.isalpha() or word in _NOT_NUMBERS:
        return ""
    names = UNIT_NAMES[:10] if units == "digits" else [*UNIT_NAMES[1:], "hundred", "thousand"]
    near = [unit for unit in names if DamerauLevenshtein.distance(word, unit) == 1]
    return near[0] if len(near) == 1 else ""
