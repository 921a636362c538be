"""Text-based endpointing: whether the words so far look like a complete turn.

Closed questions are judged by rule: a yes, one of the choices, all the digits. Everything else is
judged by counts of how often customers' turns ended after the last word or the last two: "to" and
"my account number is" never end a turn, "thanks" often does (`TurnEndings`, counted by `hearken
tune endings`, stored in endings.json, readable line by line). The partial text of a small model is
often misspelled: words without counts give "unknown", which leaves the silence limit unchanged.

Held by tests/audio/test_text_endpointing.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal

from audio.answer_phrases import NO_PHRASES, YES_PHRASES
from audio.types import AudioError, Expectation

ENDINGS_FILE = Path(__file__).with_name("endings.json")

# "spelling": inside a number that was not asked for, or inside a spelled name.
Completeness = Literal["answered", "complete", "unknown", "incomplete", "spelling"]

# digits at the end of an open answer from which it is a number that may go on
MIN_UNASKED_DIGITS = 3
SMOOTHING = 5.0  # prior observations: of the base rate for a word, of its last word for a pair


@dataclass(frozen=True, slots=True)
class TurnEndings:
    """Statistics of the words after which turns end: counts of (turns that ended, times seen).

    A key is a word, or a pair of words with a space between; "^" stands before a turn's first
    word. An empty table calls everything "unknown".
    """

    counts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    base_rate: float = 0.2  # share of all word positions at which a turn ends
    incomplete_below: float = 0.04  # below this probability of an end, a turn looks incomplete,
    complete_above: float = 0.35  # and above this one, complete

    @staticmethod
    def load(path: Path = ENDINGS_FILE) -> TurnEndings:
        """The counts in a file; AudioError when it is not one that `hearken tune endings` wrote."""
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            counts = {
                words: (int(ended), int(seen)) for words, (ended, seen) in stored["counts"].items()
            }
            shares = (float(stored[name]) for name in ("usual", "unlikely", "likely"))
            return TurnEndings(counts, *shares)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
            raise AudioError(
                f"{path}: not a table of endings ({type(problem).__name__}); "
                "write it with `hearken tune endings`"
            ) from None

    def end_probability(self, text: str) -> float | None:
        """Probability that a turn ends here. None when the last two words are not both known.

        One known word in a garbled text is more often a piece of another word than itself. Numbers
        have no counts.
        """
        words = ["^", *words_of(text)]
        counts_of_last = self.counts.get(words[-1])
        if counts_of_last is None or not self._is_known_word(words[-2]):
            return None
        ended, total = counts_of_last
        by_last_word = (ended + SMOOTHING * self.base_rate) / (total + SMOOTHING)
        ended, total = self.counts.get(f"{words[-2]} {words[-1]}", (0, 0))
        return (ended + SMOOTHING * by_last_word) / (total + SMOOTHING)

    def _is_known_word(self, word: str) -> bool:
        return word == "^" or word in self.counts or is_number_word(word)

    def completeness(self, text: str) -> Completeness:
        """How complete the text looks by its last words alone."""
        probability = self.end_probability(text)
        if probability is None or self.incomplete_below <= probability <= self.complete_above:
            return "unknown"
        return "incomplete" if probability < self.incomplete_below else "complete"


def text_completeness(expectation: Expectation, text: str, endings: TurnEndings) -> Completeness:
    """How complete the text so far looks as an answer to what was asked."""
    digits, at_end = count_digits(text)
    if expectation.kind == "digits":
        return "answered" if 0 < expectation.length <= digits else "unknown"
    if expectation.kind == "open" and at_end >= MIN_UNASKED_DIGITS:
        return "spelling"
    words = words_of(text)
    if not words:
        return "unknown"
    if expectation.kind == "name" and len(words[-1]) == 1:
        return "spelling"
    counted = endings.completeness(text)
    if (answer := _answer_completeness(expectation, words)) == "answered" and expectation.kind in (
        "amount",
        "date",
    ):
        return answer  # these rules already look at the last word
    if counted == "incomplete":
        return counted  # "yes but" is a yes, but not the whole answer
    return answer or counted


def _answer_completeness(expectation: Expectation, words: Sequence[str]) -> Completeness | None:
    match expectation.kind:
        case "yes_no":
            return "answered" if _contains_phrase(words, (*YES_PHRASES, *NO_PHRASES)) else None
        case "choice":
            return "answered" if _contains_phrase(words, expectation.choices) else None
        case "name" | "open":
            return "complete" if _ends_with_phrase(words, expectation.choices) else None
        case "amount":
            return "answered" if words[-1] in _UNITS and len(words) > 1 else None
        case "date":
            return _date_completeness(words)
        case "digits":
            return None


def words_of(text: str) -> list[str]:
    """The words and numbers of a text, lower case, without punctuation."""
    return re.findall(r"[a-z]+(?:'[a-z]+)*|\d+", text.lower())


def _contains_phrase(words: Sequence[str], phrases: Sequence[str]) -> bool:
    text = f" {' '.join(words)} "
    return any(f" {phrase} " in text for phrase in phrases if phrase)


def _ends_with_phrase(words: Sequence[str], phrases: Sequence[str]) -> bool:
    text = f" {' '.join(words)}"
    return any(text.endswith(f" {phrase}") for phrase in phrases if phrase)


def _date_completeness(words: Sequence[str]) -> Completeness | None:
    """Complete with a month and a day, since a year may follow; answered with the year."""
    if words[-1] in _DAYS:
        return "answered"
    if not _MONTHS & set(words):
        return None
    numbers = [word for word in words if is_number_word(word) or word in _ORDINALS]
    # "twenty first" is one number, and so is the "eighty four" of "nineteen eighty four".
    inside = sum(a in _TENS and (b in _ONE_TO_NINE or b in _ORDINALS) for a, b in pairwise(numbers))
    if len(numbers) - inside >= 3 or any(word.isdigit() and len(word) == 4 for word in numbers):
        return "answered"
    return "complete" if numbers else None


def is_number_word(word: str) -> bool:
    """Whether a lower-case word is written in digits or is a number word."""
    return word.isdigit() or word in _ZERO | _ONE_TO_NINE | _TEENS | _TENS | _MORE


_ZERO = {"zero", "oh", "o"}
_ONE_TO_NINE = {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
_TENS = {"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"}
_TEENS = {"ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen"} | {
    f"{stem}teen" for stem in ("six", "seven", "eigh", "nine")
}
_MORE = {"hundred", "thousand", "million", "double", "triple"}
_MULTIPLIERS = {"double": 2, "triple": 3}
_NUMBER_FILLERS = {"and", "dash", "uh", "um"}
_UNITS = {"dollar", "dollars", "bucks", "cent", "cents"}
_MONTHS = {"january", "february", "march", "april", "may", "june", "july", "august"} | {
    "september",
    "october",
    "november",
    "december",
}
_DAYS = {"today", "tomorrow", "yesterday"} | {
    f"{stem}day" for stem in ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")
}
_ORDINALS = {"first", "second", "third", "fifth", "eighth", "ninth", "twelfth"} | {
    *(f"{stem}th" for stem in ("four", "six", "seven", "ten", "eleven", "twentie", "thirtie")),
    *(f"{stem}teenth" for stem in ("thir", "four", "fif", "six", "seven", "eigh", "nine")),
}


def count_digits(text: str) -> tuple[int, int]:
    """The number of digits in the text, and how many of them form one run at its end.

    Words that only sound like digits ("to", "for") and "hundred" are not counted: a count that is
    too low only makes the turn end a little later.
    """
    total = run = 0
    times, before = 1, ""
    for word in re.findall(r"[a-z]+|\d+", text.lower()):
        if word in _MULTIPLIERS:
            times = _MULTIPLIERS[word]
            continue
        second = before in _TENS and word in _ONE_TO_NINE  # of "twenty one"; counted already
        if word.isdigit():
            count = len(word)
        elif word in _TENS | _TEENS:
            count = 2
        else:
            count = int(word in _ZERO | _ONE_TO_NINE and not second)
        if not count and not second and word not in _NUMBER_FILLERS:
            run = 0
        total, run = total + count * times, run + count * times
        times, before = 1, word
    return total, run
