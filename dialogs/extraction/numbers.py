"""Extraction of numbers, spoken or written, as runs of digit groups.

"two hundred and fifty", "one oh four double seven", "$1,200.50", "5k" and "thirty nine ninety
nine" all become runs of digit groups; the caller decides what a run means (an amount, digits, a
time). The grammar of number words is text2num's. Held by tests/dialogs/extraction/test_slots.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from text_to_num import alpha2digit  # type: ignore[import-untyped]

from dialogs.extraction.ear_repairs import (
    MISHEARD_DIGITS,
    UNIT_NAMES,
    HeardNumber,
    repair_heard_numbers,
)

__all__ = ["UNIT_NAMES", "Number", "find_numbers"]

SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9,
          "trillion": 10**12, "quadrillion": 10**15}  # fmt: skip
DIGIT_CHARACTERS = frozenset("0123456789")
ZERO_WORDS = {"oh", "o", "nought", "naught"}
REPEAT_WORDS = {"double": 2, "triple": 3}
PLURAL_DIGITS = {
    f"{name}{'es' if name in {'zero', 'six'} else 's'}": name for name in UNIT_NAMES[:10]
}
PLURAL_DIGITS |= {"zeros": "zero", "ohs": "zero", "noughts": "zero"}
MAX_REPEATS = 6  # of one digit: "two zeros"

TOKEN_PATTERN = re.compile(
    r"\d+(?:,\d+)*(?:\.\d+)?k?(?![a-z0-9])|\d+|[a-z]+(?:'[a-z]+)?|[^\sa-z\d]", re.ASCII
)
_DECIMAL = re.compile(r"\d+(?:\.\d+)?")
_NUMBER_WORDS = {*UNIT_NAMES, *SCALES, *ZERO_WORDS, *REPEAT_WORDS, "point", "grand", "fourty"}


@dataclass(frozen=True, slots=True)
class Number:
    """A run of digit groups in lower-case text. `has_digits`: not only words were written."""

    start: int
    end: int
    groups: tuple[str, ...]
    has_digits: bool

    @property
    def digits(self) -> str:
        """All digits of the run, without decimal points."""
        return "".join(part.replace(".", "") for part in self.groups)

    @property
    def whole_number(self) -> int | None:
        """The number as an integer; None for several groups or a decimal."""
        only = self.groups[0] if len(self.groups) == 1 else ""
        return int(only) if only.isdigit() else None

    def amount(self) -> Decimal | None:
        """The quantity ("two fifty" is 250, "thirty nine ninety nine" 39.99); None when unclear."""
        values = [Decimal(part) for part in self.groups]
        if len(values) == 1:
            return values[0]
        if len(values) == 2 and 10 <= values[1] < 100 and values[1] == int(values[1]):
            if values[0] < 10 and not self.has_digits:
                return values[0] * 100 + values[1]
            if values[0] == int(values[0]):
                return values[0] + values[1] / 100
        return None


@dataclass(frozen=True, slots=True)
class NumberToken:
    """A word or number, perhaps corrected, with its place in the text."""

    text: str
    start: int
    end: int


def find_numbers(text: str, heard: HeardNumber = "") -> list[Number]:
    """All runs of numbers in lower-case `text`, left to right.

    When digits or an amount were asked for and the text was `heard`, words that sound like numbers
    count as numbers.
    """
    tokens = [NumberToken(m.group(), m.start(), m.end()) for m in TOKEN_PATTERN.finditer(text)]
    tokens = repair_heard_numbers(tokens, heard)
    runs: list[list[NumberToken]] = [[]]
    for i, token in enumerate(tokens):
        after = tokens[i + 1].text if i + 1 < len(tokens) else ""
        if token.text == "-" and runs[-1]:
            continue
        is_repeat = token.text in PLURAL_DIGITS and bool(runs[-1]) and _is_count(runs[-1][-1].text)
        if (
            is_repeat
            or _is_number(token.text, heard == "digits")
            or _is_connector(token.text, runs[-1], after)
        ):
            runs[-1].append(token)
        elif runs[-1]:
            runs.append([])
    if all(token.text in MISHEARD_DIGITS for run in runs for token in run):
        if sum(map(len, runs)) < len(text.split()):
            return []  # "I couldn't remember, too": words, not digits
    else:
        runs = [run for run in runs if any(token.text not in MISHEARD_DIGITS for token in run)]
    return [number for run in runs if (number := _number_of_run(_trim_run(run)))]


def _is_count(word: str) -> bool:
    """Whether the word says how often a digit is repeated: "two zeros", "2 zeros"."""
    return word in UNIT_NAMES[2 : MAX_REPEATS + 1] or (word.isdigit() and 2 <= int(word[:2]) <= 6)


def _is_number(word: str, digits_expected: bool) -> bool:
    return (
        word[0] in DIGIT_CHARACTERS
        or word in _NUMBER_WORDS
        or (digits_expected and word in MISHEARD_DIGITS)
    )


def _is_connector(word: str, current: list[NumberToken], after: str) -> bool:
    if word == "a":
        return after in SCALES
    # "two hundred and six" is one number, "two and six" is two
    return word == "and" and bool(current) and current[-1].text in SCALES and after in UNIT_NAMES


def _trim_run(run: list[NumberToken]) -> list[NumberToken]:
    """`run` without trailing connectors; empty when only "oh" or "point" are left."""
    end = len(run)
    while end and run[end - 1].text in {"point", "and", "double", "triple"}:
        end -= 1
    run = run[:end]
    if run and run[0].text in ZERO_WORDS and any(t.text[0] in DIGIT_CHARACTERS for t in run):
        run = run[1:]  # "oh, 50"
    if all(token.text in ZERO_WORDS | {"point"} for token in run) and len(run) < 3:
        return []
    return run


def _number_of_run(run: list[NumberToken]) -> Number | None:
    parts = _digit_groups(_normal_words([token.text for token in run]))
    if not parts:
        return None
    written = any(token.text[0] in DIGIT_CHARACTERS for token in run)
    return Number(run[0].start, run[-1].end, tuple(parts), written)


def _normal_words(words: list[str]) -> list[str]:
    out: list[str] = []
    copies = 1
    for word in words:
        word = MISHEARD_DIGITS.get(word, word)
        if word in PLURAL_DIGITS and out:
            count = out.pop()
            repeats = int(count) if count.isdigit() else UNIT_NAMES.index(count)
            out += [PLURAL_DIGITS[word]] * repeats
            continue
        if word in REPEAT_WORDS:
            copies = REPEAT_WORDS[word]
            continue
        if word in ZERO_WORDS:
            word = "zero"
        word = {"a": "one", "grand": "thousand", "fourty": "forty"}.get(word, word)
        out += [word] * copies
        copies = 1
    return out


def _digit_groups(words: list[str]) -> list[str]:
    """Digit groups of a run: text2num converts the words, written numbers stay as they are."""
    parts: list[str] = []
    spoken: list[str] = []
    for word in [*words, ""]:
        if word and word[0] not in DIGIT_CHARACTERS:
            spoken.append(word)
            continue
        for one in _split_hundreds(spoken):
            parts += _words_to_groups(one, parts)
        spoken = []
        if word:
            parts.append(_expand_written(word))
    return parts


def _split_hundreds(words: list[str]) -> list[list[str]]:
    """Words cut before a second hundred: "one hundred four hundred twenty one" is two numbers."""
    cuts = [
        at - 1
        for at in range(3, len(words))
        if words[at] == words[at - 2] == "hundred" and words[at - 1] in UNIT_NAMES
    ]
    edges = [0, *cuts, len(words)]
    return [words[a:b] for a, b in zip(edges, edges[1:], strict=False)]


def _words_to_groups(words: list[str], before: list[str]) -> list[str]:
    if not words:
        return []
    if words == ["hundred"] or words == ["thousand"]:
        words = ["one", *words]
    if all(word in UNIT_NAMES[:10] for word in words):
        converted_groups = [str(UNIT_NAMES.index(word)) for word in words]
    else:
        converted = alpha2digit(" ".join(words), "en", 0.0)
        converted_groups = [part for part in converted.split() if _DECIMAL.fullmatch(part)]
    scaled: list[str] = []
    for part in converted_groups:
        last = scaled[-1] if scaled else (before[-1] if before else "")
        if part in _POWERS and ("." in last or (not scaled and last)):
            value = _without_trailing_zeros(Decimal(last) * Decimal(part))
            (scaled if scaled else before)[-1] = value
        else:
            scaled.append(part)
    return scaled


_POWERS = {str(power) for power in SCALES.values()}


def _expand_written(word: str) -> str:
    if word.endswith("k"):
        return _without_trailing_zeros(Decimal(word[:-1].replace(",", "")) * 1000)
    return word.replace(",", "")


def _without_trailing_zeros(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
