"""Number expressions of a text, each read whole: a sequence of words, numbers and ordinals.

"two and a half thousand", "1.5k", "1 234,56", "a couple hundred" and "15 and two zeros" become one
number. An expression that cannot be read ("1.234", "a few hundred", "two thousand and a half")
becomes a number without a value, never a part of it. The grammar of number words is text2num's.
Held by tests/dialogs/extraction/test_number_items.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from text_to_num import text2num  # type: ignore[import-untyped]

from dialogs.extraction.ear_repairs import HeardNumber, repair_heard_numbers
from dialogs.extraction.tokens import Token, TokenKind, fold_case, tokenise

NumberItemKind = Literal[TokenKind, "number"]
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty thirty forty fourty fifty sixty seventy "
    "eighty ninety"
)
NUMBER_WORDS = frozenset(_UNITS.split())
DIGIT_WORDS = tuple(_UNITS.split()[:10])
SCALES = {
    "hundred": 100, "thousand": 10**3, "grand": 10**3, "k": 10**3, "million": 10**6,
    "mil": 10**6, "m": 10**6, "billion": 10**9,
}  # fmt: skip
_SPOKEN_SCALES = frozenset({"hundred", "thousand", "million", "billion"})
_VAGUE_COUNTS = frozenset("few several some many hundreds thousands millions".split())  # noqa: SIM905
_COUNTS = {"couple": 2, "dozen": 12}
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
ORDINALS = {word: value for value, word in enumerate(_ORDINALS.split(), 1)} | {"thirtieth": 30}
_ZEROS = frozenset({"zero", "zeros", "zeroes", "noughts", "naughts"})
MAX_NUMBER_WORDS = 14  # words of one spoken number
_THOUSANDS = re.compile(r"\d{1,3}(?:([,.'])\d{3})(?:\1\d{3})*(?:[.,]\d{1,2})?")
_DECIMALS = re.compile(r"\d*[.,]\d{1,2}")
_SPACED_THOUSANDS = re.compile(r"\d{3}(?:[.,]\d{1,2})?")


@dataclass(frozen=True, slots=True)
class Item:
    """A token, or several that are one number. `value` is None for an unreadable number, and for
    all other kinds but ordinals. `is_written`: it has digits. `is_scale`: a bare "hundred"."""

    kind: NumberItemKind
    text: str
    start: int
    end: int
    value: Decimal | None = None
    is_written: bool = False
    is_scale: bool = False


class NumberReader:
    """Reads tokens from left to right; every method returns an item and the tokens it took."""

    def __init__(self, folded: str, heard: HeardNumber = "") -> None:
        self.folded = folded
        self.tokens = repair_heard_numbers(tokenise(folded), heard)

    def items(self) -> list[Item]:
        """All items of the text, in order."""
        items: list[Item] = []
        at = 0
        while at < len(self.tokens):
            item, taken = self._read(at, items)
            items.append(item)
            at += taken
        return items

    def _word(self, at: int) -> str:
        return self.tokens[at].text if 0 <= at < len(self.tokens) else ""

    def _item(
        self, at: int, taken: int, value: Decimal | None, is_scale: bool = False
    ) -> tuple[Item, int]:
        first, last = self.tokens[at], self.tokens[at + taken - 1]
        is_written = any(t.kind == "number" for t in self.tokens[at : at + taken])
        text = self.folded[first.start : last.end]
        return Item("number", text, first.start, last.end, value, is_written, is_scale), taken

    def _read(self, at: int, before: list[Item]) -> tuple[Item, int]:
        token = self.tokens[at]
        if ordinal := self._ordinal(at):
            return ordinal
        if number := self._fraction(at) or self._vague(at) or self._count(at):
            return number
        if simple := self._simple(at):
            item, taken = simple
            return self._with_fraction(
                at, *self._with_zeros(at, *self._apply_scale(at, item, taken))
            )
        if token.text in {"oh", "o"} and before and before[-1].kind == "number":
            follows = self._simple(at + 1)
            if follows and not before[-1].is_written:
                return self._item(at, 1, Decimal(0))
        value = Decimal(re.sub(r"\D", "", token.text)) if token.kind == "ordinal" else None
        return Item(token.kind, token.text, token.start, token.end, value, value is not None), 1

    def _ordinal(self, at: int) -> tuple[Item, int] | None:
        """An ordinal in words: "third", "twenty first", "thirty-first"."""
        word, taken, tens = self._word(at), 1, 0
        if word in {"twenty", "thirty"}:
            step = 2 if self._word(at + 1) == "-" else 1
            if ORDINALS.get(self._word(at + step), 99) < 10:
                tens, taken = {"twenty": 20, "thirty": 30}[word], step + 1
                word = self._word(at + step)
        if word not in ORDINALS:
            return None
        item, taken = self._item(at, taken, Decimal(tens + ORDINALS[word]))
        return replace(item, kind="ordinal", is_written=False), taken

    def _simple(self, at: int) -> tuple[Item, int] | None:
        """A written number, or a spoken one as text2num reads it."""
        if at >= len(self.tokens):
            return None
        token = self.tokens[at]
        if token.kind == "number":
            return self._spaced(at) or self._item(at, 1, written_value(token.text))
        words: list[str] = []
        best: tuple[int, int] | None = None
        ahead = at
        while len(words) < MAX_NUMBER_WORDS:
            word = self._word(ahead)
            if word == "-" and words and self._word(ahead + 1) in NUMBER_WORDS:
                ahead += 1
                continue
            is_connector = word in {"and", "a"} and (
                bool(words) if word == "and" else self._word(ahead + 1) in SCALES and not words
            )
            if word not in NUMBER_WORDS and word not in _SPOKEN_SCALES and not is_connector:
                break
            words.append("one" if word == "a" else word)
            ahead += 1
            if (value := _spoken_value(words)) is not None:
                best = (value, ahead)
        if best is None and self._word(at) in {"a", "one"} and self._word(at + 1) == "grand":
            best = (1, at + 1)
        if best is None and self._word(at) == "grand":
            return None
        if best is None:
            return None
        value, ahead = best
        is_scale = ahead == at + 1 and self._word(at) in _SPOKEN_SCALES
        decimals = self._decimals(ahead) if not is_scale else None
        if decimals:
            digits, ahead = decimals
            return self._item(at, ahead - at, Decimal(f"{value}.{digits}"))
        return self._item(at, ahead - at, Decimal(value), is_scale)

    def _decimals(self, at: int) -> tuple[str, int] | None:
        """The digits after "point" and the token behind them."""
        if self._word(at) != "point":
            return None
        digits, ahead = "", at + 1
        while self._word(ahead) in DIGIT_WORDS and len(digits) < 6:
            digits += str(DIGIT_WORDS.index(self._word(ahead)))
            ahead += 1
        if not digits and (rest := _spoken_value([self._word(ahead)])) is not None:
            digits, ahead = str(rest), ahead + 1
        return (digits, ahead) if digits else None

    def _spaced(self, at: int) -> tuple[Item, int] | None:
        """Thousands in groups with one space between: "1 500"."""
        tokens, first = self.tokens, self.tokens[at]
        if not (first.text.isdigit() and len(first.text) <= 3 and first.text != "0"):
            return None
        ahead = at + 1
        while (
            ahead < len(tokens)
            and tokens[ahead].kind == "number"
            and tokens[ahead].start == tokens[ahead - 1].end + 1
            and _SPACED_THOUSANDS.fullmatch(tokens[ahead].text)
            and tokens[ahead - 1].text.isdigit()
        ):
            ahead += 1
        if ahead == at + 1 or (ahead < len(tokens) and tokens[ahead].kind in {"number", "code"}):
            return None
        joined = "".join(token.text for token in tokens[at:ahead])
        return self._item(at, ahead - at, Decimal(joined.replace(",", ".")))

    def _apply_scale(self, at: int, item: Item, taken: int) -> tuple[Item, int]:
        """The number times the scale behind it: "2 grand", "1.5 million", "3 thousand 5 "
        "hundred"."""
        total, scale = item.value, 1
        if item.is_scale:
            return item, taken
        while (factor := self._scale(at + taken)) and total is not None:
            total, scale, taken = total * factor, factor, taken + 1
        if scale >= 1000 and total is not None and (more := self._simple(at + taken)):
            extra, steps = more
            if (extra.is_written or item.is_written) and not extra.is_scale:
                extra, steps = self._apply_scale(at + taken, extra, steps)
                if extra.value is not None and 100 <= extra.value < scale:
                    total, taken = total + extra.value, taken + steps
        if scale == 1 and item.value is None and (factor := self._scale(at + taken)):
            # "1.234k": with a scale the separator can only be a decimal point
            digits = item.text.replace(",", ".")
            if re.fullmatch(r"\d+\.\d+", digits):
                return self._item(at, taken + 1, Decimal(digits) * factor)
        return self._item(at, taken, total) if scale > 1 else (item, taken)

    def _scale(self, at: int) -> int:
        """The scale word at a token, 0 for none; "k" and "m" only directly behind digits."""
        word = self._word(at)
        if word in {"k", "m", "mil"}:
            is_attached = self.tokens[at].start == self.tokens[at - 1].end
            return SCALES[word] if is_attached or word == "k" else 0
        return SCALES.get(word, 0)

    def _with_zeros(self, at: int, item: Item, taken: int) -> tuple[Item, int]:
        """The number with zeros behind it: "15 and two zeros"."""
        ahead = at + taken
        while ahead < at + taken + 3 and self._word(ahead) in {
            "and",
            "with",
            "then",
            "followed",
            "by",
        }:
            ahead += 1
        count = self._simple(ahead) if ahead > at + taken else None
        if count is None or self._word(ahead + count[1]) not in _ZEROS or item.value is None:
            return item, taken
        zeros = count[0].value
        if zeros is None or zeros > 6 or item.value != int(item.value):
            return self._item(at, ahead + count[1] + 1 - at, None)
        return self._item(at, ahead + count[1] + 1 - at, item.value * 10 ** int(zeros))

    def _with_fraction(self, at: int, item: Item, taken: int) -> tuple[Item, int]:
        """The number with "and a half" behind it, and perhaps a scale: "two and a half "
        "thousand"."""
        ahead = at + taken
        if self._word(ahead) == "-":
            ahead += 1
        if self._word(ahead) != "and":
            return item, taken
        ahead += 1
        while self._word(ahead) in {"a", "one", "-"} and ahead < at + taken + 4:
            ahead += 1
        part = {"half": Decimal("0.5"), "quarter": Decimal("0.25")}.get(self._word(ahead))
        if self._word(ahead) == "three" and self._word(ahead + 1) == "quarters":
            part, ahead = Decimal("0.75"), ahead + 1
        if part is None or self._word(ahead + 1) in {"past", "to", "of"}:
            return item, taken
        ahead += 1
        scale = self._scale(ahead)
        is_clear = item.value is not None and item.value == int(item.value) and item.value < 100
        value = (item.value + part) * (scale or 1) if is_clear and item.value is not None else None
        return self._item(at, ahead + bool(scale) - at, value)

    def _fraction(self, at: int) -> tuple[Item, int] | None:
        """A part of a scale: "half a million", "a quarter million", "three quarters of a "
        "million"."""
        ahead = at + (self._word(at) in {"a", "one"})
        part = {"half": Decimal("0.5"), "quarter": Decimal("0.25")}.get(self._word(ahead))
        if self._word(at) == "three" and self._word(at + 1) == "quarters":
            part, ahead = Decimal("0.75"), at + 1
        if part is None:
            return None
        ahead += 1
        while self._word(ahead) in {"of", "a", "one"} and ahead < at + 5:
            ahead += 1
        scale = SCALES.get(self._word(ahead), 0) if self._word(ahead) not in {"k", "m"} else 0
        if self._word(ahead) == "dozen":
            scale = 12
        return self._item(at, ahead + 1 - at, part * scale) if scale else None

    def _vague(self, at: int) -> tuple[Item, int] | None:
        """A vague number, which has no value: "a few hundred", "thousands"."""
        ahead = at + (self._word(at) == "a")
        word = self._word(ahead)
        if word not in _VAGUE_COUNTS:
            return None
        ahead += 1
        has_scale = word.endswith("s") and word not in {"several"} and word != "some"
        while self._word(ahead) in {*_SPOKEN_SCALES, "grand", "of"} and ahead < at + 5:
            has_scale = has_scale or self._word(ahead) != "of"
            ahead += 1
        if self._word(ahead - 1) == "of":
            ahead -= 1
        return self._item(at, ahead - at, None) if has_scale else None

    def _count(self, at: int) -> tuple[Item, int] | None:
        """A couple or a dozen, perhaps of hundreds."""
        ahead = at + (self._word(at) in {"a", "one"})
        count = _COUNTS.get(self._word(ahead))
        if count is None:
            return None
        ahead += 1
        if self._word(ahead) == "of":
            ahead += 1
        scale = 1
        while (factor := SCALES.get(self._word(ahead), 0)) and ahead < at + 6:
            scale, ahead = scale * factor, ahead + 1
        return self._item(at, ahead - at, Decimal(count * scale))


def read_items(text: str, heard: HeardNumber = "") -> list[Item]:
    """The items of a text in any case; `heard` as in `repair_heard_numbers`."""
    return NumberReader(fold_case(text), heard).items()


def _spoken_value(words: list[str]) -> int | None:
    """What text2num reads in these words, which must all be one number."""
    if not words or words[-1] == "and" or (words[0] == "zero" and len(words) > 1):
        return None
    try:
        return int(text2num(" ".join(words), "en"))
    except ValueError:
        return None


def written_value(text: str) -> Decimal | None:
    """The value of digits with separators; None where they can be read in two ways or in none.

    "1,234.50", "1.234,50" and "1'234" are clear, and so are "12,5" and "12.50"; "1.234" is not.
    """
    digits = text.replace("o", "0").replace("l", "1")
    if digits.isdigit():
        return Decimal(digits) if len(digits) == 1 or digits[0] != "0" else None
    if thousands := _THOUSANDS.fullmatch(digits):
        separator = thousands.group(1)
        is_single_dot = separator == "." and digits.count(".") == 1
        if not is_single_dot or digits.rfind(",") > digits.rfind("."):
            whole, decimals = _split_decimals(digits, separator)
            digits = whole.replace(separator, "") + (f".{decimals}" if decimals else "")
            return Decimal(digits)
        return None
    if _DECIMALS.fullmatch(digits):
        return Decimal(digits.replace(",", "."))
    return None


def _split_decimals(digits: str, separator: str) -> tuple[str, str]:
    """The whole part and the decimals of a number with thousands separated by `separator`."""
    other = max(digits.rfind(mark) for mark in ",." if mark != separator)
    return (digits[:other], digits[other + 1 :]) if other > 0 else (digits, "")


def adjacent(first: Item | Token, second: Item | Token) -> bool:
    """Whether nothing stands between two items."""
    return first.end == second.start
