"""Laws of times of day."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.extraction.number_items import read_items
from dialogs.extraction.times import find_times


def times(text: str, is_expected: bool = True) -> list[str]:
    return [span.value or span.problem for span in find_times(read_items(text), is_expected)]


@given(st.integers(1, 12), st.integers(10, 59), st.sampled_from(["am", "pm"]), st.data())
def test_a_time_is_read_in_every_form(hour, minute, half, data):
    forms = [f"{hour}:{minute} {half}", f"{hour}:{minute}{half}", f"{hour}.{minute} {half[0]}.m.",
             f"{hour} {minute} {half}", f"at {hour}:{minute} {half} sharp"]  # fmt: skip
    wanted = f"{hour % 12 + 12 * (half == 'pm'):02d}:{minute}"
    assert times(data.draw(st.sampled_from(forms))) == [wanted]


@given(st.integers(1, 4), st.integers(6, 11), st.sampled_from(["or", "to"]))
def test_two_times_to_choose_from_are_none(first, second, link):
    assert times(f"{first} {link} {second} pm") == ["unclear_time"]


@pytest.mark.parametrize("text", ["25:00", "9:75", "13 pm", "0 am"])
def test_a_time_that_does_not_exist_is_none(text):
    assert times(text) == ["no_such_time"]


@pytest.mark.parametrize(
    "text", ["pay 12 dollars", "at 50 dollars", "2 kids", "customer 100421", "for 9 days"]
)
def test_other_numbers_are_no_times(text):
    assert times(text, is_expected=False) == []
