"""Amounts of money in a text, each read whole or with the reason why it was not.

"two and a half thousand dollars", "a dollar fifty", "$1.5k" and "thirty nine ninety nine" have a
value; a choice of two, a share of a balance, a sign, a foreign currency and a number that can be
read in two ways have a problem instead. Held by tests/dialogs/extraction/test_amounts.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from dialogs.extraction import amount_words as words
from dialogs.extraction.number_items import Item, adjacent
from dialogs.extraction.time_words import UNITS, YEARS
from dialogs.extraction.value_spans import Problem, ValueSpan, overlaps

MAX_DIGITS = 9  # more digits without a currency are a number of something
MIN_CODE_DIGITS = 7  # digits of a number that is no amount unless its currency is named
_ENDINGS = frozenset({"ending", "ends", "end", "begins", "beginning", "starting", "starts"})
NumberRole = Literal["money", "amount", "count", "number", "none"]


@dataclass(frozen=True, slots=True)
class AmountSpan:
    """A number with its place and role: `money` names its currency, an `amount` stands where
    amounts stand, a `count` has a noun behind it, a `number` may be anything, `none` is no amount.
    """

    span: ValueSpan
    role: NumberRole


class AmountReader:
    """Reads the amounts in `items`. Items inside `taken` spans (days, times, names) are no numbers,
    and a number may stand beside them as beside a word that moves money."""

    def __init__(
        self, items: Sequence[Item], taken: Collection[ValueSpan], is_expected: bool
    ) -> None:
        self.items, self.is_expected = items, is_expected
        ordered = sorted(taken, key=lambda span: span.start)
        self.is_taken = [False] * len(items)
        at_span = 0
        for at, item in enumerate(items):
            while at_span < len(ordered) and ordered[at_span].end <= item.start:
                at_span += 1
            self.is_taken[at] = at_span < len(ordered) and ordered[at_span].start < item.end

    def read(self) -> list[AmountSpan]:
        """All numbers of the text that no day or time has taken, in order."""
        found: list[AmountSpan] = []
        at = 0
        while at < len(self.items):
            amount = None if self.is_taken[at] else self._amount(at)
            if amount is None:
                at += 1
                continue
            at, one = self._with_range(at, *amount)
            found.append(one)
        return found

    def _text(self, at: int) -> str:
        return self.items[at].text if 0 <= at < len(self.items) else ""

    def _is_number(self, at: int) -> bool:
        return (
            0 <= at < len(self.items) and not self.is_taken[at] and self.items[at].kind == "number"
        )

    # -- one amount -------------------------------------------------------------------------------

    def _amount(self, at: int) -> tuple[int, AmountSpan] | None:
        """The amount whose number begins at an item, and the item behind it."""
        value: Decimal | None
        if self._text(at) in {"a", "one", "another"} and self._text(at + 1) in {"dollar", "buck"}:
            value, end = self._with_cents(Decimal(1), at + 2)
            return end, self._span(at, end, value, "money")
        if not self._is_number(at):
            return None
        end = at + 1
        while self._is_number(end):
            end += 1
        value = self._combined(self.items[at:end])
        start, before = self._currency_before(at)
        value, end, after = self._currency_after(value, end)
        currency = before or after
        problem = self._problem(at, start, end, value)
        if currency == "foreign" or problem == "relative":
            return end, self._span(start, end, None, "money", problem or "currency")
        is_scaled = self.items[at].text.endswith(("k", "grand"))
        role: NumberRole = "money" if currency else self._role(at, end)
        if is_scaled and role in {"amount", "number"}:
            role = "money"
        if value is None and not currency and role != "none":
            role = "amount" if self.is_expected else "number"
        return end, self._span(start, end, value, role, problem)

    def _span(
        self, start: int, end: int, value: Decimal | None, role: NumberRole, problem: Problem = ""
    ) -> AmountSpan:
        if value is None and not problem:
            problem = "unclear_amount"
        text = "" if problem or value is None else f"{value:f}"
        begin, finish = self.items[start].start, self.items[end - 1].end
        return AmountSpan(ValueSpan(begin, finish, text, problem), role)

    def _combined(self, run: Sequence[Item]) -> Decimal | None:
        """The amount of numbers side by side; None when they are several or unclear."""
        values = [item.value for item in run]
        if len(run) == 1:
            return values[0]
        whole = [int(v) for v in values if v is not None and v == int(v)]
        if len(whole) != len(run) or any(item.is_written or item.is_scale for item in run):
            return None
        if len(whole) == 2 and 10 <= whole[1] < 100:
            if 0 < whole[0] < 10:
                return Decimal(whole[0] * 100 + whole[1])  # "two fifty"
            if whole[0] % 10 or whole[1] % 10 or whole[0] < 20 <= whole[1]:
                return whole[0] + Decimal(whole[1]) / 100 if whole[0] < 1000 else None
            return None  # "fifty sixty" may be two amounts
        if len(whole) >= 3 and whole[0] and all(one < 10 for one in whole) and len(whole) <= 5:
            return Decimal("".join(map(str, whole)))  # "one five zero"
        return None

    def _currency_before(self, at: int) -> tuple[int, Literal["", "dollar", "foreign"]]:
        """Where the amount begins with the currency before it, and which that is."""
        place = at - 1
        if self._text(place) == "-" and self._text(place - 1) == "$":
            place -= 1
        word = self._text(place)
        if word in words.CURRENCY_BEFORE and (word == "$" or word == "usd"):
            nation = self._text(place - 1)
            is_near = place > 0 and adjacent(self.items[place - 1], self.items[place])
            if is_near and nation in {"c", "ca", "a", "au", "nz", "hk", "r", "s", "mx"}:
                return place - 1, "foreign"
            return (place - 1 if is_near and nation == "us" else place), "dollar"
        if word in words.FOREIGN:
            return place, "foreign"
        return at, ""

    def _currency_after(
        self, value: Decimal | None, end: int
    ) -> tuple[Decimal | None, int, Literal["", "dollar", "foreign"]]:
        """The value with its cents, the item behind the amount, and the currency behind it."""
        place = end + (self._text(end) == "of" and self._text(end + 1) in words.CURRENCY_AFTER)
        if self._text(place) in words.FOREIGN_NATIONS:
            return value, place + 1 + (self._text(place + 1) in words.CURRENCY_AFTER), "foreign"
        if self._text(place) in words.NATIONS and self._text(place + 1) in words.CURRENCY_AFTER:
            place += 1
        word = self._text(place)
        if word in words.FOREIGN:
            return value, place + 1, "foreign"
        if word in words.CURRENCY_AFTER and not (word == "$" and self._is_number(place + 1)):
            if value is None:
                return None, place + 1, "dollar"
            value, behind = self._with_cents(value, place + 1)
            return value, behind, "dollar"
        is_cents = word in words.CENTS and (
            word != "c" or adjacent(self.items[end - 1], self.items[end])
        )
        if is_cents and value is not None:
            return value / 100, place + 1, "dollar"
        return value, end, ""

    def _with_cents(self, dollars: Decimal, at: int) -> tuple[Decimal, int]:
        """The value with the cents behind its dollars: "fifty", "and 5 cents", "and a half"."""
        has_and = self._text(at) == "and"
        place = at + has_and
        part = {"half": Decimal("0.5"), "quarter": Decimal("0.25")}
        if self._text(place) == "a" and self._text(place + 1) in part and has_and:
            return dollars + part[self._text(place + 1)], place + 2
        if not self._is_number(place) or self._is_number(place + 1):
            return dollars, at
        cents = self.items[place].value
        if cents is None or cents != int(cents) or not 0 < cents < 100:
            return dollars, at
        if self._text(place + 1) in words.CENTS:
            return dollars + cents / 100, place + 2
        behind = self._text(place + 1)
        is_other = behind in words.CURRENCY_AFTER or (
            behind and behind not in words.WORDS_AFTER and behind not in {",", ".", "?", "!"}
        )
        if has_and or cents < 10 or is_other:
            return dollars, at
        return dollars + cents / 100, place + 1

    def _problem(self, at: int, start: int, end: int, value: Decimal | None) -> Problem:
        """What keeps a number from being one amount, by the words around it."""
        behind, before = self._text(end), self._text(start - 1)
        if behind in words.PERCENT or (behind == "per" and self._text(end + 1) == "cent"):
            return "relative"
        share = start - 2 if before in {"of", "the"} else start - 1
        if self._text(share) in words.SHARES or (
            before == "of" and self._text(share) in words.SHARES_OF | words.PERCENT
        ):
            return "relative"
        if behind in words.EACH and value is not None:
            return "unclear_amount"
        sign = start - 1 if before == "-" else at - 1 if self._text(at - 1) == "-" else -1
        if sign >= 0 and value is not None and adjacent(self.items[sign], self.items[sign + 1]):
            touches = sign > 0 and adjacent(self.items[sign - 1], self.items[sign])
            if not touches or self._text(sign - 1) in {"$", "("}:
                return "negative"
        if before in words.SIGNS:
            return "negative"
        for bound in words.BOUNDS:
            if tuple(self._text(start - len(bound) + i) for i in range(len(bound))) == bound:
                return "unclear_amount"
        if self._text(start - 2) + " " + before == "more than":
            return "unclear_amount"
        return ""

    # -- two amounts to choose from ---------------------------------------------------------------

    def _with_range(self, at: int, end: int, first: AmountSpan) -> tuple[int, AmountSpan]:
        """The amount, or the open span of two with "or" or "to" between them."""
        link = self._text(end)
        is_between = self._text_before(first, at) == "between" and link == "and"
        place = end + 1 + (self._text(end + 1) == "$")
        if not (link in {"to", "or", "-", "\u2013"} or is_between) or not self._is_number(place):
            return end, first
        second = self._amount(place)
        if second is None:
            return end, first
        behind, other = second
        is_change = link == "to" and self._text_before(first, at) == "from" and self._is_changed(at)
        if is_change:
            return behind, other if first.role != "money" or other.role == "money" else AmountSpan(
                other.span, "money"
            )
        role = first.role if first.role != "number" else other.role
        if "money" in {first.role, other.role}:
            role = "money"
        return behind, AmountSpan(ValueSpan(first.span.start, other.span.end, "", "range"), role)

    def _text_before(self, first: AmountSpan, at: int) -> str:
        place = at - 1
        while place >= 0 and self.items[place].start >= first.span.start:
            place -= 1
        return self._text(place)

    def _is_changed(self, at: int) -> bool:
        return any(self._text(place) in words.CHANGES for place in range(max(0, at - 8), at))

    # -- a number without a currency --------------------------------------------------------------

    def _is_year(self, at: int, end: int) -> bool:
        """Whether a bare number is a year: "my bill from 2025", but "a payment of 2000"."""
        item, before = self.items[at], self._text(at - 1)
        is_plain = end == at + 1 and len(item.text) == 4 and item.text.isdigit()
        if not is_plain or not YEARS[0] <= int(item.text) <= YEARS[1]:
            return False
        if before == "from":
            return self._text(end) not in {"to", "down", "up"}
        return before in {"of", "in", "year"} and self._text(at - 2) not in words.SUMS

    def _role(self, at: int, end: int) -> NumberRole:
        """What a number is, by the words beside it."""
        run = self.items[at:end]
        if len(run) == 1 and run[0].text == "one" and len(self.items) > 1:
            return "none"  # a pronoun: "the new one"
        if self._is_year(at, end):
            return "none"
        digits = sum(c.isdigit() for item in run for c in item.text)
        if digits >= MIN_CODE_DIGITS and not any("," in item.text for item in run):
            return "none"
        before, behind = at - 1, end
        if self._text(before) in {",", ":", ";", "-", "\u2013"} and before > 0:
            is_clear_before = True
        else:
            is_clear_before = (
                before < 0
                or self.is_taken[before]
                or self._text(before) in words.WORDS_BEFORE
                or self._text(before).endswith("ly")  # an adverb: "honestly three"
                or not self._text(before)[:1].isalnum()
                and self._text(before) not in {"#", "/"}
            )
        is_clear_behind = (
            behind >= len(self.items)
            or self.is_taken[behind]
            or self._text(behind) in words.WORDS_AFTER
            or self._text(behind) in {"grand"}
            or (not self._text(behind)[:1].isalnum() and self._text(behind) not in {"/", "#", ":"})
        )
        if self._text(before) in {"in", "with"} and self._text(before - 1) in _ENDINGS:
            return "none"
        if not is_clear_behind or self._text(behind) in UNITS:
            return "count"
        if self._names_something_else(before):
            return "none"
        if not is_clear_before and not (len(run) == 1 and _PRICE.fullmatch(run[0].text)):
            return "none"
        return "amount" if self.is_expected else "number"

    def _names_something_else(self, before: int) -> bool:
        """Whether the words before a number say what it is, and that is no sum of money:
        "my reference is 77", "version 2.50"."""
        if self._text(before) in words.LABELS | words.NUMBERING:
            return True
        while self._text(before) in words.LINKS:
            before -= 1
            subject = self._text(before)
            if subject in words.LINKS:
                continue
            is_noun = subject[:1].isalpha() and not self.is_taken[max(before, 0)]
            return is_noun and subject not in words.WORDS_BEFORE | words.OWED
        return False


# Dollars and cents: what is written so is a price, whatever stands before it.
_PRICE = re.compile(r"\d{1,3}(?:,?\d{3})*\.\d\d")


def find_amounts(
    items: Sequence[Item], taken: Collection[ValueSpan] = (), is_expected: bool = False
) -> list[AmountSpan]:
    """The numbers of a text that may be amounts, left to right, with their roles."""
    found = AmountReader(items, taken, is_expected).read()
    return [one for one in found if not overlaps(one.span.start, one.span.end, taken)]
