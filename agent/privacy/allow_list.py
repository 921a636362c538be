"""Patterns that mark a number as public: amount, date, time, year, zip code.

agent/privacy/detection.py leaves such numbers as they are (tests/agent/privacy/test_detection.py).
All functions take folded text `low`; ranges are (start, end) in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from audio.types import Expectation
from dialogs.extraction.dates import find_dates
from dialogs.extraction.number_items import read_items
from dialogs.extraction.numbers import Number, find_numbers
from dialogs.extraction.times import find_times

MAX_CONTEXT = 64  # letters before a number in which the words are looked for that announce it
_NUMERIC_DATE = re.compile(
    r"(?<![\d/.-])(?:\d{4}-(?:0?[1-9]|1[0-2])-(?:0?[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])([/.-])(?:0?[1-9]|[12]\d|3[01])\1(?:(?:19|20)\d\d|\d\d))"
    r"(?![\d/-]|\.\d)"
)
_CURRENCY_BEFORE = re.compile(r"[$€£]\s*\d[\d,]*(?:\.\d+)?(?:\s*(?:k|grand|thousand|million))?")
_CURRENCY_AFTER = re.compile(
    r"(?<![\d.,])\d[\d,]*(?:\.\d+)?\s*(?:k|grand|hundred|thousand|million)?\s*"
    r"(?:(?:us|american)\s+)?(?:dollars?|bucks?|usd|quid|pounds?|euros?|eur|cents?|€|£|\$)(?![a-z])"
)
_CURRENCY_WORD = re.compile(
    r"\s*(?:(?:us|american)\s+)?(?:dollars?|bucks?|cents?|pounds?|euros?)\b"
)
_GROUPED_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d{1,2}|\d[\d,.]*k")
_YEAR = re.compile(r"(?:19|20)\d\d")
# Words before an amount whose currency is not named.
_AMOUNT_BEFORE = re.compile(
    r"\b(?:transfer|move|send|pay|deposit|withdraw|wire|put|take|amount|sum|limit|spend|spent|paid"
    r"|sent|transferred|balance)(?:\s+(?:of|out|about|around|only|exactly|up to|is|was|another))*"
    r"\s*[:=]?\s*$"
)
# Names of numbers that belong to no person.
_PUBLIC_NUMBER_BEFORE = re.compile(
    r"\b(?:zip|postal|post|area|country|branch|sort|error|status|promo|promotion|discount|coupon)"
    r"(?:\s*code)?(?:\s*[:=#]|\s+(?:is|was|for|of|number))*\s*$"
)


def find_numeric_dates(low: str) -> list[tuple[int, int]]:
    """Ranges of dates written in digits, which look like numbers with separators."""
    return [match.span() for match in _NUMERIC_DATE.finditer(low)]


def find_amounts_of_money(low: str) -> Iterator[tuple[int, int]]:
    """Ranges of amounts that name a currency, in digits or in words."""
    for pattern in (_CURRENCY_BEFORE, _CURRENCY_AFTER):
        for match in pattern.finditer(low):
            yield match.span()
    for number in find_numbers(low):
        unit = _CURRENCY_WORD.match(low, number.end)
        if unit and not number.has_digits and number.amount() is not None:
            yield number.start, unit.end()


def find_dates_and_times(low: str, expectation: Expectation) -> Iterator[tuple[int, int]]:
    """Ranges of dates and times of day, also in words."""
    items = read_items(low)
    times = find_times(items)
    # Only the positions are used, so any day serves as today.
    days = find_dates(items, date(2026, 1, 1), times, expectation.kind == "date")
    for span in (*times, *days):
        if span.value:
            yield span.start, span.end


def _context_before(low: str, number: Number) -> str:
    return low[max(0, number.start - MAX_CONTEXT) : number.start]


def has_currency(low: str, number: Number) -> bool:
    """Whether a currency is named directly before or after the number."""
    before = _context_before(low, number).rstrip()[-1:]
    return bool(_CURRENCY_WORD.match(low, number.end)) or before in {"$", "€", "£"}


def is_amount(low: str, number: Number) -> bool:
    """Whether the words before the number announce an amount."""
    return _AMOUNT_BEFORE.search(_context_before(low, number)) is not None


def is_public_number(low: str, number: Number) -> bool:
    """Whether it is a zip code, or another number that belongs to no person."""
    sizes = [len(part) for part in number.groups]
    is_short = sum(sizes) <= 5 or sizes == [5, 4]
    return is_short and _PUBLIC_NUMBER_BEFORE.search(_context_before(low, number)) is not None


def is_grouped_or_years(low: str, number: Number) -> bool:
    """Whether it is written with thousands or decimal separators, or as several years."""
    is_years = len(number.groups) > 1 and all(_YEAR.fullmatch(part) for part in number.groups)
    return is_years or _GROUPED_NUMBER.fullmatch(low[number.start : number.end]) is not None
