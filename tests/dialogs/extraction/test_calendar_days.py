"""Arithmetic of days."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dialogs.extraction import calendar_days as days

DAYS = st.dates(date(2020, 1, 1), date(2080, 12, 31))


@given(DAYS, st.integers(0, 6))
def test_the_next_weekday_is_within_a_week(today, weekday):
    found = days.next_weekday(weekday, today)
    assert found.weekday() == weekday
    assert timedelta(1) <= found - today <= timedelta(7)


@given(DAYS, st.integers(-40, 40))
def test_a_month_later_has_the_same_number_or_is_the_last(day, months):
    found = days.add_months(day, months)
    assert found.day == min(day.day, days.last_of_month(found).day)
    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == months


@given(DAYS, st.integers(1, 31))
def test_a_number_of_the_month_is_the_nearest_ahead(today, number):
    found = days.next_monthday(number, today)
    assert found is not None
    assert found.day == number
    assert found >= today


@given(DAYS, st.integers(0, 6), st.integers(1, 5))
def test_weekdays_counted_in_a_month_stay_in_it(day, weekday, nth):
    first = days.first_of_month(day, 0)
    found = days.nth_weekday(nth, weekday, first)
    assert found is None or (found.weekday(), found.month) == (weekday, first.month)
    last = days.nth_weekday(-1, weekday, first)
    assert last is not None
    assert days.last_of_month(first) - last < timedelta(7)


def test_a_day_that_does_not_exist_is_none():
    today = date(2026, 11, 24)
    assert days.day_of(2026, 11, 31) is None
    assert days.nearest_ahead(2, 29, today) is None
    assert days.nearest_ahead(12, 25, today) == date(2026, 12, 25)
