"""Which numbers are in these words, spoken or written?

"two hundred and fifty", "one oh four double seven", "$1,200.50", "5k" and "thirty nine ninety
nine" all become runs of digit groups; what a run means (an amount, digits, a time) is decided by
the caller. The grammar of number words is text2num's. Held by tests/dialogs/test_slots.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from rapidfuzz.distance import DamerauLevenshtein
from text_to_num import alpha2digit  # type: ignore[import-untyped]

_UNIT_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty "
    "ninety"
)
UNITS = _UNIT_WORDS.split()
SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9,
          "trillion": 10**12, "quadrillion": 10**15}  # fmt: skip
DIGITS = frozenset("0123456789")
Asked = Literal["", "digits", "amount"]
ZEROS = {"oh", "o", "nought", "naught"}
COPIES = {"double": 2, "triple": 3}
# How a recogniser spells a digit it mistook for a word; believed only where digits were asked for.
MISHEARD = {"to": "two", "too": "two", "for": "four", "fore": "four", "ate": "eight",
            "won": "one", "tree": "three", "free": "three", "sex": "six", "nein": "nine",
            "niner": "nine", "sics": "six", "fife": "five", "hundreds": "hundred"}  # fmt: skip

TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?k?(?![a-z0-9])|\d+|[a-z]+(?:'[a-z]+)?|[^\sa-z\d]", re.ASCII)
# Common words that look like a digit word with a letter wrong, and are none.
_NO_NUMBER = frozenset(
    {"is", "it", "in", "so", "no", "or", "my", "an", "the", "then", "ton", "wine"}
)
_PLAIN = re.compile(r"\d+(?:\.\d+)?")
_WORDS = {*UNITS, *SCALES, *ZEROS, *COPIES, "point", "grand", "fourty"}


@dataclass(frozen=True, slots=True)
class Number:
    """A run of digit groups in lower-case text. `written`: it had digits, not only words."""

    start: int
    end: int
    parts: tuple[str, ...]
    written: bool

    @property
    def digits(self) -> str:
        return "".join(part.replace(".", "") for part in self.parts)

    @property
    def whole(self) -> int | None:
        only = self.parts[0] if len(self.parts) == 1 else ""
        return int(only) if only.isdigit() else None

    def amount(self) -> Decimal | None:
        """The quantity: "two fifty" is 250, "thirty nine ninety nine" is 39.99."""
        values = [Decimal(part) for part in self.parts]
        if len(values) == 1:
            return values[0]
        if len(values) == 2 and 10 <= values[1] < 100 and values[1] == int(values[1]):
            if values[0] < 10 and not self.written:
                return values[0] * 100 + values[1]
            if values[0] == int(values[0]):
                return values[0] + values[1] / 100
        return None


@dataclass(frozen=True, slots=True)
class Token:
    """A word or number as it is taken to have been said, and where it stands."""

    text: str
    start: int
    end: int


def find(text: str, asked: Asked = "") -> list[Number]:
    """All runs of numbers in lower-case `text`, left to right.

    Where digits or an amount were asked for, words that sound like them are believed.
    """
    tokens = [Token(m.group(), m.start(), m.end()) for m in TOKEN.finditer(text)]
    if asked:
        units = UNITS[:10] if asked == "digits" else [*UNITS[1:], "hundred", "thousand"]
        tokens = _likened(tokens, units)
    runs: list[list[Token]] = [[]]
    for i, token in enumerate(tokens):
        after = tokens[i + 1].text if i + 1 < len(tokens) else ""
        if token.text == "-" and runs[-1]:
            continue
        if _is_number(token.text, asked == "digits") or _joins(token.text, runs[-1], after):
            runs[-1].append(token)
        elif runs[-1]:
            runs.append([])
    if all(token.text in MISHEARD for run in runs for token in run):
        if sum(map(len, runs)) < len(text.split()):
            return []  # "I couldn't remember, too": words, not digits
    else:
        runs = [run for run in runs if any(token.text not in MISHEARD for token in run)]
    return [number for run in runs if (number := _number(_trimmed(run)))]


def _likened(tokens: list[Token], units: list[str]) -> list[Token]:
    """ "zerno" beside number words is "zero".

    Only one letter may be wrong, and only one number word may be that near.
    """
    heard = list(tokens)
    sure = [t.text[0] in DIGITS or t.text in _WORDS or t.text in MISHEARD for t in tokens]
    for _ in tokens:  # one that is settled may settle its neighbours
        for i, token in enumerate(heard):
            near = "" if sure[i] else _near(token.text, units)
            if near and ((i > 0 and sure[i - 1]) or (i + 1 < len(sure) and sure[i + 1])):
                heard[i], sure[i] = Token(near, token.start, token.end), True
    return heard


def _near(word: str, units: list[str]) -> str:
    if len(word) < 2 or not word.isalpha() or word in _NO_NUMBER:
        return ""
    near = [unit for unit in units if DamerauLevenshtein.distance(word, unit) == 1]
    return near[0] if len(near) == 1 else ""


def _is_number(word: str, digits_asked: bool) -> bool:
    return word[0] in DIGITS or word in _WORDS or (digits_asked and word in MISHEARD)


def _joins(word: str, current: list[Token], after: str) -> bool:
    if word == "a":
        return after in SCALES
    # "two hundred and six" is one number, "two and six" is two
    return word == "and" and bool(current) and current[-1].text in SCALES and after in UNITS


def _trimmed(run: list[Token]) -> list[Token]:
    """A lone "oh", "point" or "double" is no number; "o" and "and" at the edge neither."""
    while run and run[-1].text in {"point", "and", "double", "triple"}:
        run = run[:-1]
    if all(token.text in ZEROS | {"point"} for token in run) and len(run) < 3:
        return []
    return run


def _number(run: list[Token]) -> Number | None:
    parts = _parts(_spelled([token.text for token in run]))
    if not parts:
        return None
    written = any(token.text[0] in DIGITS for token in run)
    return Number(run[0].start, run[-1].end, tuple(parts), written)


def _spelled(words: list[str]) -> list[str]:
    out: list[str] = []
    copies = 1
    for word in words:
        word = MISHEARD.get(word, word)
        if word in COPIES:
            copies = COPIES[word]
            continue
        if word in ZEROS:
            word = "zero"
        word = {"a": "one", "grand": "thousand", "fourty": "forty"}.get(word, word)
        out += [word] * copies
        copies = 1
    return out


def _parts(words: list[str]) -> list[str]:
    """Words in digits; groups of words go to text2num, written groups stay as they are."""
    parts: list[str] = []
    spoken: list[str] = []
    for word in [*words, ""]:
        if word and word[0] not in DIGITS:
            spoken.append(word)
            continue
        parts += _say(spoken, parts)
        spoken = []
        if word:
            parts.append(_written(word))
    return parts


def _say(words: list[str], before: list[str]) -> list[str]:
    if not words:
        return []
    if words == ["hundred"] or words == ["thousand"]:
        words = ["one", *words]
    if all(word in UNITS[:10] for word in words):
        found = [str(UNITS.index(word)) for word in words]
    else:
        converted = alpha2digit(" ".join(words), "en", 0.0)
        found = [part for part in converted.split() if _PLAIN.fullmatch(part)]
    scaled: list[str] = []
    for part in found:
        last = scaled[-1] if scaled else (before[-1] if before else "")
        if part in _POWERS and ("." in last or (not scaled and last)):
            value = _trim(Decimal(last) * Decimal(part))
            (scaled if scaled else before)[-1] = value
        else:
            scaled.append(part)
    return scaled


_POWERS = {str(power) for power in SCALES.values()}


def _written(word: str) -> str:
    if word.endswith("k"):
        return _trim(Decimal(word[:-1].replace(",", "")) * 1000)
    return word.replace(",", "")


def _trim(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
