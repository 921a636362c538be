"""Extraction of dates from text, relative to `today`.

A weekday is the next one to come, "next friday" is the friday of next week, a day without a year
is the nearest one ahead. Patterns find the phrases; dateparser reads those that need a calendar.
Held by tests/dialogs/extraction/test_slots.py.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

from dateparser.date import DateDataParser  # type: ignore[import-untyped]

from dialogs.extraction.numbers import find_numbers
from dialogs.extraction.times import ValueSpan, find_times

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTH_NAMES = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_ORDINAL_WORDS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
ORDINAL_LIST = _ORDINAL_WORDS.split()

_MONTH = "(?P<month>" + "|".join(rf"{m[:3]}(?:{m[3:]})?" for m in MONTH_NAMES) + r"|sept)\.?"
_DAY_OF_MONTH = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,?\s+(?:of\s+)?(?P<year>(?:19|20)\d\d))?"
DATE_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?P<iso>\d{4}-\d{2}-\d{2})\b",
        r"\b(?P<us>(?:[0-2]?\d|3[01])/(?:[0-2]?\d|3[01])(?:/\d{2,4})?)\b",
        rf"\b{_MONTH}\s+(?:the\s+)?{_DAY_OF_MONTH}\b(?!\s*(?:dollars|bucks|am\b|pm\b|a\.?m|p\.?m|:)){_YEAR}",
        rf"\b(?:the\s+)?{_DAY_OF_MONTH}\s+(?:of\s+)?{_MONTH}(?![a-z]){_YEAR}",
        rf"\b(?:(?P<which>next week|last week|next|last|this|coming|on|past)\s+)?"
        rf"(?P<weekday>{'|'.join(WEEKDAYS)})"
        r"(?:\s+(?P<after>next week|last week|in (?:a|\d) weeks?))?\b",
        r"\b(?P<from>\d+|a|an) (?P<unit>day|week|month)s? (?:away )?from (?:now|today)\b",
        r"\b(?P<week>a week from (?:today|tomorrow))\b",
        r"\b(?P<word>day after tomorrow|day before yesterday|today|tonight|tomorrow|yesterday"
        r"|last night|this (?:morning|afternoon|evening)|right away|right now|immediately)\b",
        r"\b(?P<in>in (?:\d+|a|an) (?:day|week|month)s?(?: time)?)\b",
        r"\b(?P<ago>(?:\d+|a|an) (?:day|week|month|year)s? ago)\b",
        r"\b(?P<week>next week|next month|last week|last month)\b",
        r"\b(?:on\s+)?the (?P<nth>\d{1,2})(?:st|nd|rd|th)\b",
        r"\b(?P<bare>\d{1,2}(?:st|nd|rd|th)|now)\b",
    )
)


class DateText:
    """Text with number and ordinal words written as digits, aligned with the original text.

    Spans that its methods return are positions in the original text.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._origin = list(range(len(text) + 1))
        for match in reversed(list(_ORDINAL.finditer(text))):
            self._replace(match.start(), match.end(), _ordinal_in_digits(match))
        for number in reversed(find_numbers(self.text)):
            if not self.text[number.start : number.end].upper().isupper():
                continue  # already digits
            self._replace(number.start, number.end, " ".join(number.groups))
        for match in reversed(list(_SPOKEN_YEAR.finditer(self.text))):
            self._replace(match.start(), match.end(), match.group(1) + match.group(2))

    def _replace(self, start: int, end: int, replacement: str) -> None:
        self.text = self.text[:start] + replacement + self.text[end:]
        first, last = self._origin[start], self._origin[end]
        self._origin[start:end] = [first, *[last] * (len(replacement) - 1)]

    def dates(self, today: date, is_expected: bool = False) -> list[ValueSpan]:
        """Dates of the text, as `find_dates` gives them."""
        return [self._original_span(span) for span in find_dates(self.text, today, is_expected)]

    def times(self, office_hours: bool = True, is_expected: bool = False) -> list[ValueSpan]:
        """Times of day of the text, as `find_times` gives them."""
        return [
            self._original_span(span) for span in find_times(self.text, office_hours, is_expected)
        ]

    def _original_span(self, span: ValueSpan) -> ValueSpan:
        return ValueSpan(self._origin[span.start], self._origin[span.end], span.value)


def _ordinal_in_digits(match: re.Match[str]) -> str:
    if match.group(2) == "thirtieth":
        return "30th"
    tens = {"twenty": 20, "thirty": 30}.get(match.group(1) or "", 0)
    value = tens + ORDINAL_LIST.index(match.group(2)) + 1
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(value % 10 if value // 10 != 1 else 0, "th")
    return f"{value}{suffix}"


# "one second" is no date, and "the second one" is a choice.
_ORDINAL = re.compile(
    rf"\b(?:(twenty|thirty)[ -])?((?<!one )(?<!a )(?:{'|'.join(ORDINAL_LIST)})|thirtieth)\b"
    r"(?! (?:one|time))"
)
_SPOKEN_YEAR = re.compile(r"\b(19|20) (\d\d)\b(?!\s*(?:a\.?\s?m|p\.?\s?m|dollar|buck))")


def find_dates(text: str, today: date, is_expected: bool = False) -> list[ValueSpan]:
    """Dates in text whose numbers are digits, left to right, as ISO 8601.

    A bare "4th" counts only when a date was asked for.
    """
    spans: list[ValueSpan] = []
    for pattern in DATE_PATTERNS if is_expected else DATE_PATTERNS[:-1]:
        for match in pattern.finditer(text):
            if any(match.start() < span.end and span.start < match.end() for span in spans):
                continue
            day = _day(match.groupdict(), today)
            if day is not None:
                spans.append(ValueSpan(match.start(), match.end(), day.isoformat()))
    return _without_weekdays(text, sorted(spans, key=lambda span: span.start))


def _without_weekdays(text: str, spans: list[ValueSpan]) -> list[ValueSpan]:
    """`spans` without weekdays directly before a date: "Friday, October 16" is one date."""
    remaining: list[ValueSpan] = []
    for i, span in enumerate(spans):
        following = spans[i + 1] if i + 1 < len(spans) else None
        gap = text[span.end : following.start].strip(" ,") if following else "-"
        if following and not gap and text[span.start : span.end].split()[-1] in WEEKDAYS:
            continue
        remaining.append(span)
    return remaining


def _day(part: dict[str, str | None], today: date) -> date | None:
    if part.get("weekday"):
        return _weekday(part, today)
    if iso := part.get("iso"):
        return _iso(iso)
    if part.get("bare") == "now":
        return today
    if nth := part.get("nth") or part.get("bare"):
        return _monthday(int(re.sub(r"\D", "", nth)), today)
    if word := part.get("word"):
        shift = {"day after tomorrow": 2, "tomorrow": 1, "yesterday": -1, "last night": -1,
                 "day before yesterday": -2}.get(word, 0)  # fmt: skip
        return today + timedelta(days=shift)
    if (week := part.get("week")) and "from" in week:
        return today + timedelta(days=8 if "tomorrow" in week else 7)
    if part.get("month"):
        month, day, year = part["month"] or "", part["day"], part.get("year")
        return _parse_with_calendar(f"{month[:3]} {day} {year or ''}".strip(), today)
    if ahead := part.get("from"):
        return _parse_with_calendar(
            f"in {ahead.replace('an', '1').replace('a', '1')} {part['unit']}s", today
        )
    phrase = part.get("us") or part.get("in") or part.get("ago") or part.get("week") or ""
    return _parse_with_calendar(
        phrase.replace(" time", "").replace(" an ", " 1 ").replace(" a ", " 1 "), today
    )


def _weekday(part: dict[str, str | None], today: date) -> date:
    index = WEEKDAYS.index(part["weekday"] or "")
    ahead = (index - today.weekday()) % 7
    which, after = part.get("which") or "", part.get("after") or ""
    monday = today - timedelta(days=today.weekday())
    if "last week" in {which, after}:
        return monday + timedelta(days=index - 7)
    if which in {"last", "past"}:
        return today - timedelta(days=(7 - ahead) if ahead else 7)
    if which in {"next", "next week"} or after == "next week":
        return monday + timedelta(days=index + 7)
    weeks = int(re.sub(r"\D", "", after) or 1) if after else 0
    return today + timedelta(days=(ahead or 7) + 7 * weeks)


def _iso(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _monthday(day: int, today: date) -> date | None:
    year, month = today.year, today.month
    for _ in range(13):
        try:
            candidate = date(year, month, day)
        except ValueError:
            candidate = None
        if candidate is not None and candidate >= today:
            return candidate
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return None


@lru_cache(maxsize=4)
def _parser(today: date) -> DateDataParser:
    return DateDataParser(
        languages=["en"],
        settings={
            "PREFER_DATES_FROM": "future",
            "RELATIVE_BASE": datetime(today.year, today.month, today.day),
            "DATE_ORDER": "MDY",
        },
    )


def _parse_with_calendar(text: str, today: date) -> date | None:
    moment = _parser(today).get_date_data(text).date_obj
    if moment is None:
        return None
    day: date = moment.date()
    return day
