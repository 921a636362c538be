"""Laws of days: one day in many forms, and no day from words that leave it open."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.extraction.dates import find_dates
from dialogs.extraction.number_items import read_items
from dialogs.extraction.times import find_times
from tests.support.scripted_mind import TODAY

AHEAD = st.integers(1, 300).map(lambda days: TODAY + timedelta(days))


def days(text: str, is_expected: bool = False) -> list[str]:
    items = read_items(text)
    found = find_dates(items, TODAY, find_times(items, is_expected), is_expected)
    return [span.value or span.problem for span in found]


def forms(day: date) -> list[str]:
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10 if day.day // 10 != 1 else 0, "th")
    return [
        day.isoformat(),
        f"{day:%m/%d/%Y}",
        f"{day.month}/{day.day}",
        f"{day:%B} {day.day}",
        f"{day:%B} {day.day}{suffix}, {day.year}",
        f"the {day.day}{suffix} of {day:%B}",
        f"{day.day} {day:%b} {day.year}",
        f"{day:%A}, {day:%B} {day.day}{suffix}",
        f"in {(day - TODAY).days} days",
        f"{(day - TODAY).days} days from now",
    ]


@given(AHEAD, st.data())
def test_a_day_is_read_in_every_form(day, data):
    form = data.draw(st.sampled_from(forms(day)))
    for text in (f"pay 40 dollars on {form}", f"{form} at 5 pm please", f"transfer it {form}"):
        assert days(text) == [day.isoformat()]


@given(AHEAD, st.sampled_from(["a week from", "two weeks after", "the day after"]))
def test_what_counts_from_a_day_is_never_that_day(day, counted):
    shift = {"a week from": 7, "two weeks after": 14, "the day after": 1}[counted]
    assert days(f"{counted} {day:%B} {day.day}") == [(day + timedelta(shift)).isoformat()]


@given(st.integers(1, 12), st.integers(32, 99))
def test_a_day_that_does_not_exist_is_none(month, day):
    name = date(2026, month, 1).strftime("%B")
    for text in (f"on {name} {day}", f"the {day}th of {name}", f"2026-{month:02d}-{day}"):
        assert days(text) == ["no_such_day"]


@given(AHEAD, AHEAD)
def test_two_days_to_choose_from_are_none(first, second):
    text = f"on {first:%B} {first.day} or {second:%B} {second.day}"
    assert days(text) == ["unclear_day"]


@given(AHEAD, st.sampled_from(["before", "after", "until", "every"]))
def test_a_bound_is_no_day(day, bound):
    assert days(f"{bound} {day:%A}") == ["unclear_day"]


@pytest.mark.parametrize(
    "text",
    ["i've been a customer for ten years", "pay this month's bill", "good evening",
     "my 3 months old son", "may i ask you something", "the second one", "wait a second"],
)  # fmt: skip
def test_words_about_time_in_passing_leave_nothing_open(text):
    assert days(text) == []


@given(st.text(max_size=80), st.booleans())
def test_any_text_gives_days_in_order_without_overlaps(text, is_expected):
    items = read_items(text)
    found = find_dates(items, TODAY, find_times(items, is_expected), is_expected)
    assert all(one.end <= other.start for one, other in zip(found, found[1:], strict=False))
    assert all(bool(span.value) != bool(span.problem) for span in found)
