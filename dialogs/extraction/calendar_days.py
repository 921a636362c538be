"""Days of the calendar: the arithmetic under the phrases that name a day.

Pure; `today` is an argument. A day that does not exist is None, never its neighbour
(tests/dialogs/extraction/test_calendar_days.py).
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

MAX_YEARS = 100  # farther from today a year is a misreading
DAYS_OF_LEAP_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def day_of(year: int, month: int, day: int) -> date | None:
    """The day, if it exists."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def nearest_ahead(month: int, day: int, today: date) -> date | None:
    """The next day of this month and number, this year or next; None when neither has it."""
    for year in (today.year, today.year + 1):
        found = day_of(year, month, day)
        if found is not None and found >= today:
            return found
    return None


def next_monthday(day: int, today: date) -> date | None:
    """The next day with this number: "the 31st" skips the months that have none."""
    month = today
    for _ in range(3):
        found = day_of(month.year, month.month, day)
        if found is not None and found >= today:
            return found
        month = first_of_month(month, 1)
    return None


def first_of_month(day: date, months: int) -> date:
    """The first of the month that is `months` after that of `day`."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def last_of_month(day: date) -> date:
    """The last day of the month of `day`."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def add_months(day: date, months: int) -> date:
    """The day `months` later, or the last of that month when it has fewer days."""
    first = first_of_month(day, months)
    return first.replace(day=min(day.day, monthrange(first.year, first.month)[1]))


def shift(day: date, count: int, unit: str) -> date:
    """The day `count` days, weeks, months or years after `day`."""
    match unit:
        case "day":
            return day + timedelta(days=count)
        case "week":
            return day + timedelta(weeks=count)
        case "fortnight":
            return day + timedelta(weeks=2 * count)
        case "month":
            return add_months(day, count)
        case _:
            return add_months(day, 12 * count)


def next_weekday(weekday: int, today: date) -> date:
    """The next such weekday after today."""
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)


def weekday_of_week(weekday: int, today: date, weeks: int) -> date:
    """The weekday of the week that is `weeks` after this one; weeks begin on Monday."""
    return today + timedelta(days=weekday - today.weekday() + 7 * weeks)


def nth_weekday(nth: int, weekday: int, first: date) -> date | None:
    """The nth such weekday of a month, counted from its end when negative."""
    if nth < 0:
        last = last_of_month(first)
        return last - timedelta(days=(last.weekday() - weekday) % 7)
    found = first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))
    return found if found.month == first.month else None
