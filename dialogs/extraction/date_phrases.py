"""Phrases that name a day, each read whole from one place in the text.

`DatePhrases.longest` tries every form at an item and takes the longest: "a week from friday" is
never "friday". The result is a day, or the problem that keeps it from being one.
Held by tests/dialogs/extraction/test_dates.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from dialogs.extraction import calendar_days as days
from dialogs.extraction.number_items import Item
from dialogs.extraction.time_words import (
    AT_ONCE,
    DAY_PARTS,
    NEAR_DAYS,
    UNITS,
    fixed_day_at,
    month_at,
    weekday_at,
)
from dialogs.extraction.tokens import word_set
from dialogs.extraction.value_spans import Problem

_NOT_A_DAY_OF_MONTH = word_set(
    "dollar dollars buck bucks usd cent cents am pm a.m p.m percent % euro euros pound pounds"
)
_WHICH = {"next": 1, "this": 0, "coming": 0, "following": 0, "last": -1, "past": -1}
_EDGES = {"end": -1, "close": -1, "beginning": 1, "start": 1}


@dataclass(frozen=True, slots=True)
class DatePhrase:
    """A phrase that ends before the item `end`, and its day or the problem with it."""

    end: int
    day: date | None
    problem: Problem = ""


@dataclass(frozen=True, slots=True)
class DatePhrases:
    """Reads phrases in `items`. `is_expected`: a day was asked for, so that "4th" is one."""

    items: Sequence[Item]
    today: date
    is_expected: bool = False

    def longest(self, at: int) -> DatePhrase | None:
        """The longest phrase that begins at an item; None when none does."""
        found = [*self._simple(at), *self._relative(at)]
        return max(found, key=lambda phrase: phrase.end, default=None)

    # -- looking at items -------------------------------------------------------------------------

    def _text(self, at: int) -> str:
        return self.items[at].text if 0 <= at < len(self.items) else ""

    def _skip(self, at: int, *words: str) -> int:
        return at + 1 if self._text(at) in words else at

    def _number(self, at: int) -> int | None:
        """A whole number or ordinal at an item."""
        if not 0 <= at < len(self.items):
            return None
        item = self.items[at]
        if item.kind not in {"number", "ordinal"} or item.value is None or item.is_scale:
            return None
        return int(item.value) if item.value == int(item.value) and item.value < 10_000 else None

    def _is_ordinal(self, at: int) -> bool:
        return 0 <= at < len(self.items) and self.items[at].kind == "ordinal"

    def _year(self, at: int) -> tuple[int | None, int]:
        """A year, written or spoken in two numbers, and the item behind it."""
        ahead = self._skip(at, ",", "of")
        number = self._number(ahead)
        if number is not None and 1900 <= number <= self.today.year + days.MAX_YEARS:
            return number, ahead + 1
        second = self._number(ahead + 1)
        if number in {19, 20} and second is not None and 10 <= second <= 99:
            return number * 100 + second, ahead + 2
        return None, at

    # -- phrases that need no other ---------------------------------------------------------------

    def _simple(self, at: int) -> Iterator[DatePhrase]:
        yield from self._numeric(at)
        yield from self._near(at)
        yield from self._weekday(at)
        yield from self._month_and_day(at)
        yield from self._nth(at)
        yield from self._edge(at)
        yield from self._nth_weekday(at)
        if fixed := fixed_day_at(self.items, at):
            month, day, taken = fixed
            yield DatePhrase(at + taken, days.nearest_ahead(month, day, self.today))

    def _numeric(self, at: int) -> Iterator[DatePhrase]:
        """Dates in digits. With slashes or hyphens the month comes first, unless it cannot; with
        dots only a day that cannot be a month tells which is which."""
        item = self.items[at]
        if item.kind == "number" and re.fullmatch(r"\d{1,2}\.\d{1,2}", item.text):
            ends_in_dot = self._text(at + 1) == "." and self.items[at + 1].start == item.end
            if ends_in_dot and (self.is_expected or self._text(at - 1) == "on"):
                day, month = map(int, item.text.split("."))
                yield self._in_digits(at + 2, None, month, day, day <= 12 or month > 12)
            return
        if item.kind != "date" or (self._text(at + 1) == "of" and "/" in item.text):
            return
        parts = [int(part) for part in re.split(r"[./-]", item.text)]
        if re.match(r"\d{4}-", item.text):
            yield self._in_digits(at + 1, parts[0], parts[1], parts[2])
            return
        first, second = parts[0], parts[1]
        year = parts[2] if len(parts) > 2 else None
        year = year + 2000 if year is not None and year < 100 else year
        is_day_first = first > 12 and second <= 12
        is_unclear = "." in item.text and first <= 12 and second <= 12 and first != second
        month, day = (second, first) if is_day_first else (first, second)
        yield self._in_digits(at + 1, year, month, day, is_unclear)

    def _in_digits(
        self, end: int, year: int | None, month: int, day: int, is_unclear: bool = False
    ) -> DatePhrase:
        if is_unclear:
            return DatePhrase(end, None, "unclear_day")
        return self._calendar_phrase(end, month, day, year)

    def _calendar_phrase(self, end: int, month: int, day: int, year: int | None) -> DatePhrase:
        if not 1 <= month <= 12:
            return DatePhrase(end, None, "no_such_day")
        found = (
            days.nearest_ahead(month, day, self.today)
            if year is None
            else days.day_of(year, month, day)
        )
        return DatePhrase(end, found, "" if found else "no_such_day")

    def _near(self, at: int) -> Iterator[DatePhrase]:
        word, after = self._text(at), self._text(at + 1)
        if word in NEAR_DAYS:
            end = at + 1
            behind = self._skip(self._skip(end, "in"), "the")
            if self._text(behind) in DAY_PARTS - {"noon", "midday", "midnight"}:
                end = behind + 1
            yield DatePhrase(end, days.shift(self.today, NEAR_DAYS[word], "day"))
        if word == "this" and after in {"morning", "afternoon", "evening"}:
            yield DatePhrase(at + 2, self.today)
        if (word, after) == ("last", "night"):
            yield DatePhrase(at + 2, days.shift(self.today, -1, "day"))
        if (word, after) in {("right", "away"), ("right", "now"), ("straight", "away")}:
            yield DatePhrase(at + 2, self.today)
        if " ".join(item.text for item in self.items[at : at + 4]) == "as soon as possible":
            yield DatePhrase(at + 4, self.today)
        if word in AT_ONCE and (self.is_expected or word != "now"):
            yield DatePhrase(at + 1, self.today)

    def _weekday(self, at: int) -> Iterator[DatePhrase]:
        start = self._skip(at, "the")
        which = _WHICH.get(self._text(start))
        place = start + (which is not None)
        is_of_week = which is not None and self._text(place) == "week"
        if is_of_week:
            place = self._skip(place + 1, "on")
        weekday = weekday_at(self.items, place, self.is_expected)
        if weekday is None:
            return
        end = place + 1
        if self._text(start - 1) in {"every", "each"} or self._text(start) in {"every", "each"}:
            yield DatePhrase(end, None, "unclear_day")
            return
        day = self._which_weekday(weekday, which, is_of_week)
        end, day = self._behind_weekday(end, weekday, day, which)
        if self._text(end) in DAY_PARTS - {"noon", "midday", "midnight"}:
            end += 1
        yield DatePhrase(end, day)
        # "friday, december the 4th" is one day, if they agree
        follows = self._skip(end, ",")
        for other in (
            *self._month_and_day(follows),
            *self._nth(follows),
            *self._numeric_at(follows),
        ):
            agrees = other.day is not None and other.day.weekday() == weekday
            problem: Problem = "" if agrees else other.problem or "unclear_day"
            yield DatePhrase(other.end, other.day if agrees else None, problem)

    def _numeric_at(self, at: int) -> Iterator[DatePhrase]:
        if at < len(self.items):
            yield from self._numeric(at)

    def _which_weekday(self, weekday: int, which: int | None, is_of_week: bool) -> date:
        if which == -1 and not is_of_week:
            return (
                days.shift(days.next_weekday(weekday, self.today), -1, "week")
                if (weekday != self.today.weekday())
                else days.shift(self.today, -1, "week")
            )
        if which == 1 or is_of_week:
            return days.weekday_of_week(weekday, self.today, which or 0)
        return days.next_weekday(weekday, self.today)

    def _behind_weekday(
        self, end: int, weekday: int, day: date, which: int | None
    ) -> tuple[int, date]:
        """What stands behind a weekday: "next week", "week", "in two weeks", "after next"."""
        first, second = self._text(end), self._text(end + 1)
        if (first, second) in {("next", "week"), ("last", "week"), ("this", "week")}:
            weeks = {"next": 1, "last": -1, "this": 0}[first]
            return end + 2, days.weekday_of_week(weekday, self.today, weeks)
        if (first, second) == ("after", "next"):
            return end + 2, days.weekday_of_week(weekday, self.today, 2)
        if which is None and first in {"week", "fortnight"}:
            return end + 1, days.shift(day, 1, first)
        count = 1 if second in {"a", "one"} else self._number(end + 1)
        if first == "in" and count is not None and UNITS.get(self._text(end + 2)) == "week":
            return self._skip(end + 3, "time"), days.shift(day, count, "week")
        return end, day

    def _month_and_day(self, at: int) -> Iterator[DatePhrase]:
        if at >= len(self.items):
            return
        if (month := month_at(self.items, at)) is not None:  # "december the 4th"
            place = self._skip(self._skip(at + 1, "."), "the")
            day = self._number(place)
            if day is not None and day < 100 and self._text(place + 1) not in _NOT_A_DAY_OF_MONTH:
                year, end = self._year(place + 1)
                yield self._calendar_phrase(end, month, day, year)
        place = self._skip(at, "the")  # "the 4th of december"
        day = self._number(place)
        behind = self._skip(self._skip(place + 1, "day"), "of")
        month = month_at(self.items, behind)
        if day is not None and day < 100 and month is not None:
            year, end = self._year(self._skip(behind + 1, "."))
            yield self._calendar_phrase(end, month, day, year)

    def _nth(self, at: int) -> Iterator[DatePhrase]:
        """A day of a month: "the 4th", "the first of next month", "the last day of february"."""
        place = self._skip(at, "the")
        has_article = place > at
        is_last = self._text(place) == "last"
        if is_last or self._is_ordinal(place):
            ordinal = None if is_last else self._number(place)
            behind = self._skip(place + 1, "day")
            is_last_day = is_last and behind > place + 1
            if (month := self._month_after(behind)) and (ordinal is not None or is_last):
                first, end = month
                if is_last:
                    yield DatePhrase(end, days.last_of_month(first))
                else:
                    found = days.day_of(first.year, first.month, ordinal or 0)
                    is_past = found is not None and found < self.today
                    if self._text(end - 2) == "the" and is_past:  # "the first of the month"
                        following = days.first_of_month(first, 1)
                        found = days.day_of(following.year, following.month, ordinal or 0)
                    is_over = found is not None and found < self.today
                    problem: Problem = "" if found and not is_over else "unclear_day"
                    yield DatePhrase(
                        end, None if problem else found, problem if found else "no_such_day"
                    )
            is_word = not is_last and not self.items[place].is_written
            is_bare = not self._text(behind) or self._text(behind) in {
                ",",
                ".",
                "at",
                "please",
                "by",
            }
            if (
                ordinal is not None
                and not is_last_day
                and (
                    self.is_expected
                    or (has_article and (not is_word or (is_bare and ordinal > 12)))
                    or (has_article and is_bare and self._text(at - 1) in {"on", "by"})
                )
            ):
                found = days.next_monthday(ordinal, self.today) if ordinal <= 31 else None
                if self._text(place + 1) not in {"one", "time", "of"}:
                    yield DatePhrase(place + 1, found, "" if found else "no_such_day")

    def _month_after(self, at: int) -> tuple[date, int] | None:
        """The first of the month in "of next month" or "in december", and the item behind it."""
        if self._text(at) not in {"of", "in"}:
            return None
        place = self._skip(at + 1, "the", "this", "next")
        if self._text(place) == "month" and place > at + 1:
            is_next = self._text(place - 1) == "next"
            return days.first_of_month(self.today, 1 if is_next else 0), place + 1
        return self._named_month(place)

    def _named_month(self, at: int) -> tuple[date, int] | None:
        if (month := month_at(self.items, at)) is None:
            return None
        year, end = self._year(at + 1)
        if year is None:
            year = self.today.year + (month < self.today.month)
        return date(year, month, 1), end

    def _edge(self, at: int) -> Iterator[DatePhrase]:
        """The end or the beginning of a month or a year."""
        place = self._skip(at, "the")
        edge = _EDGES.get(self._text(place))
        if edge is None:
            return
        period = self._month_after(place + 1)
        if period is None and self._text(place + 1) == "of":
            ahead = self._skip(place + 2, "the", "this", "next")
            if self._text(ahead) == "year":
                year = self.today.year + (self._text(ahead - 1) == "next" or edge == 1)
                period = date(year, 12 if edge < 0 else 1, 1), ahead + 1
        if period is None and month_at(self.items, place + 1):  # "end december"
            period = self._named_month(place + 1)
        if period is None:
            return
        first, end = period
        day = days.last_of_month(first) if edge < 0 else first
        if edge > 0 and day < self.today:
            day = days.first_of_month(first, 1)
        yield DatePhrase(end, day)

    def _nth_weekday(self, at: int) -> Iterator[DatePhrase]:
        """A weekday counted within a month: "the last friday of november"."""
        place = self._skip(at, "the")
        is_last = self._text(place) == "last"
        nth = -1 if is_last else self._number(place) if self._is_ordinal(place) else None
        weekday = weekday_at(self.items, place + 1, is_expected=True) if nth else None
        if nth is None or weekday is None or not (month := self._month_after(place + 2)):
            return
        first, end = month
        day = days.nth_weekday(nth, weekday, first)
        is_over = day is not None and day < self.today
        problem: Problem = "no_such_day" if day is None else "unclear_day" if is_over else ""
        yield DatePhrase(end, None if problem else day, problem)

    # -- phrases that count from another ----------------------------------------------------------

    def _relative(self, at: int) -> Iterator[DatePhrase]:
        place = self._skip(at, "the")
        if self._text(place) == "day" and (direction := self._direction(place + 1)):
            yield from self._from_anchor(place + 2, direction, "day")
        is_in = self._text(at) == "in"
        start = at + is_in
        count = 1 if self._text(start) in {"a", "an", "one"} else self._number(start)
        if self._is_ordinal(start):
            return
        place = start + (count is not None)
        unit = UNITS.get(self._text(place))
        if unit is None or (count is None and unit not in {"fortnight"} and not is_in):
            return
        count = 1 if count is None else count
        if count > 1000:
            return
        end = self._skip(place + 1, "time", "away")
        if is_in:
            yield DatePhrase(end, days.shift(self.today, count, unit))
            return
        if self._text(end) == "ago":
            yield DatePhrase(end + 1, days.shift(self.today, -count, unit))
        if self._text(end) == "from" and self._text(end + 1) == "now":
            yield DatePhrase(end + 2, days.shift(self.today, count, unit))
        if direction := self._direction(end):
            yield from self._from_anchor(end + 1, direction * count, unit)
        if unit in {"week", "fortnight"}:  # "a week today", "two weeks on friday"
            yield from self._from_anchor(self._skip(end, "on"), count, unit)

    def _direction(self, at: int) -> int:
        return {"after": 1, "from": 1, "before": -1}.get(self._text(at), 0)

    def _from_anchor(self, at: int, count: int, unit: str) -> Iterator[DatePhrase]:
        if at >= len(self.items):
            return
        anchor = max(self._simple(at), key=lambda phrase: phrase.end, default=None)
        if anchor is not None:
            day = days.shift(anchor.day, count, unit) if anchor.day else None
            yield DatePhrase(anchor.end, day, anchor.problem)
