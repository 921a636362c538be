"""Items of a text: places, wholeness and cost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.extraction.number_items import NumberReader, read_items, written_value
from dialogs.extraction.numbers import find_numbers
from dialogs.extraction.tokens import fold_case

PIECES = ["1st ", "a hundred ", "two and ", "1,2,", "$1.", "zero ", "555-", "ol",
          "1a", "half ", "25.12.", "12/", "and a half thousand ", "five with 2 zeros"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=30).map("".join))
def test_items_are_in_order_and_never_overlap(text):
    items = read_items(text)
    folded = fold_case(text)
    assert all(one.end <= other.start for one, other in zip(items, items[1:], strict=False))
    assert all(folded[item.start : item.end] == item.text for item in items)


@pytest.mark.parametrize("piece", PIECES)
def test_the_cost_grows_with_the_tokens_and_no_more(piece, monkeypatch):
    """Counted in tokens looked at: twice the text is at most about twice the work."""

    def looks(times: int) -> int:
        count = 0
        word = NumberReader._word

        def counting(self: NumberReader, at: int) -> str:
            nonlocal count
            count += 1
            return word(self, at)

        monkeypatch.setattr(NumberReader, "_word", counting)
        read_items(piece * times)
        monkeypatch.setattr(NumberReader, "_word", word)
        return count

    assert looks(80) <= 2.5 * looks(40) + 200


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,234", "1234"), ("1.234,5", "1234.5"), ("1'234'567", "1234567"), ("12,5", "12.5"),
     ("1.234", None), ("1,2345", None), ("1,23,45", None), ("007", None), ("l0", "10"),
     ("1.000.000", "1000000"), ("1,000.50", "1000.50"), ("1.2.3", None)],
)  # fmt: skip
def test_separators(text, value):
    found = written_value(text)
    assert (None if found is None else f"{found:f}") == value


@pytest.mark.parametrize("piece", ["a hundred ", "one hundred four ", "5 ", "zero ", "two zeros "])
def test_a_run_of_any_length_is_read(piece):
    assert sum(len(number.digits) for number in find_numbers(piece * 3000)) > 0


@pytest.mark.parametrize(
    ("text", "digits"),
    [("one two zeros four two one", "100421"), ("four double seven one", "4771"),
     ("oh, 100421", "100421"), ("nine 3 fives", "9555"),
     ("one hundred four hundred twenty one", "100421")],
)  # fmt: skip
def test_repeated_digits(text, digits):
    assert [number.digits for number in find_numbers(text)] == [digits]
