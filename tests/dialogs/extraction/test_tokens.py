"""Tokens: places, and how many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.extraction.tokens import MAX_TOKENS, fold_case, tokenise


@given(st.text(max_size=100))
def test_folding_keeps_every_character_in_its_place(text):
    assert len(fold_case(text)) == len(text)


@pytest.mark.parametrize("piece", ["1st ", "two and ", "$1.", "555-", "12/", "1a", "9,", "x'"])
def test_a_long_text_is_read_up_to_a_number_of_tokens(piece):
    assert len(tokenise(piece * 5000)) <= MAX_TOKENS


@pytest.mark.parametrize(
    ("text", "kinds"),
    [("25.12.2026", ["date"]), ("12/25", ["date"]), ("16h30", ["clock"]), ("9:05", ["clock"]),
     ("555 123 4567", ["code"]), ("(555) 123-4567", ["code"]), ("1k5", ["code"]),
     ("21st", ["ordinal"]), ("$1.5k", ["symbol", "number", "word"]), ("1'500.25", ["number"]),
     ("o'brien", ["word"]), ("50-60", ["number", "symbol", "number"])],
)  # fmt: skip
def test_kinds(text, kinds):
    assert [token.kind for token in tokenise(text)] == kinds
