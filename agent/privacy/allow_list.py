"""Which numbers are nobody's secret: amounts, days, times, years, zip codes?

Said of the words around a number, so that agent/privacy/detection.py leaves it as it is
(tests/agent/test_redaction.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from audio.types import Expectation
from dialogs.extraction.dates import Spelled
from dialogs.extraction.numbers import Number, find

_DATE = re.compile(
    r"(?<![\d/.-])(?:\d{4}-(?:0?[1-9]|1[0-2])-(?:0?[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])([/.-])(?:0?[1-9]|[12]\d|3[01])\1(?:(?:19|20)\d\d|\d\d))"
    r"(?![\d/-]|\.\d)"
)
_BEFORE_MONEY = re.compile(r"[$€£]\s*\d[\d,]*(?:\.\d+)?(?:\s*(?:k|grand|thousand|million))?")
_AFTER_MONEY = re.compile(
    r"(?<![\d.,])\d[\d,]*(?:\.\d+)?\s*(?:k|grand|hundred|thousand|million)?\s*"
    r"(?:(?:us|american)\s+)?(?:dollars?|bucks?|usd|quid|pounds?|euros?|eur|cents?|€|£|\$)(?![a-z])"
)
_MONEY_WORD = re.compile(r"\s*(?:(?:us|american)\s+)?(?:dollars?|bucks?|cents?|pounds?|euros?)\b")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d{1,2}|\d[\d,.]*k")
_YEAR = re.compile(r"(?:19|20)\d\d")
# What stands before an amount that does not name its currency.
_AMOUNT_BEFORE = re.compile(
    r"\b(?:transfer|move|send|pay|deposit|withdraw|wire|put|take|amount|sum|limit|spend|spent|paid"
    r"|sent|transferred|balance)(?:\s+(?:of|out|about|around|only|exactly|up to|is|was|another))*"
    r"\s*[:=]?\s*$"
)
# Names of numbers that belong to nobody.
_COMMON_BEFORE = re.compile(
    r"\b(?:zip|postal|post|area|country|branch|sort|error|status|promo|promotion|discount|coupon)"
    r"(?:\s*code)?(?:\s*[:=#]|\s+(?:is|was|for|of|number))*\s*$"
)


def dates(low: str) -> list[tuple[int, int]]:
    """Days in figures, which look like numbers with separators."""
    return [match.span() for match in _DATE.finditer(low)]


def money(low: str) -> Iterator[tuple[int, int]]:
    for pattern in (_BEFORE_MONEY, _AFTER_MONEY):
        for match in pattern.finditer(low):
            yield match.span()
    for number in find(low):
        unit = _MONEY_WORD.match(low, number.end)
        if unit and not number.written and number.amount() is not None:
            yield number.start, unit.end()


def days(low: str, asked: Expectation) -> Iterator[tuple[int, int]]:
    spelled = Spelled(low)
    # Only where they are matters here, so any day serves as today.
    for span in (*spelled.times(), *spelled.dates(date(2026, 1, 1), asked.kind == "date")):
        yield span.start, span.end


def of_money(low: str, number: Number) -> bool:
    """Whether a currency stands beside it."""
    before = low[: number.start].rstrip()[-1:]
    return bool(_MONEY_WORD.match(low, number.end)) or before in {"$", "€", "£"}


def quantity(low: str, number: Number) -> bool:
    """Whether the words before it ask for an amount."""
    return _AMOUNT_BEFORE.search(low[: number.start]) is not None


def everybodys(low: str, number: Number) -> bool:
    """A zip code, or another number that belongs to nobody."""
    sizes = [len(part) for part in number.parts]
    short = sum(sizes) <= 5 or sizes == [5, 4]
    return short and _COMMON_BEFORE.search(low[: number.start]) is not None


def not_a_number(low: str, number: Number) -> bool:
    """Written like an amount, or as years."""
    years = len(number.parts) > 1 and all(_YEAR.fullmatch(part) for part in number.parts)
    return years or _GROUPED.fullmatch(low[number.start : number.end]) is not None
