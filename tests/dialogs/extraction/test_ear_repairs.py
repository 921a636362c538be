"""Repairs of heard number words."""

from __future__ import annotations

from dialogs.extraction.ear_repairs import repair_heard_numbers
from dialogs.extraction.numbers import find_numbers
from dialogs.extraction.tokens import Token


def test_near_words_are_repaired_in_two_passes():
    tokens = [Token("word", word, 0, 0) for word in ["one", *["zerno"] * 3000, "rain"]]
    repaired = repair_heard_numbers(tokens, "digits")
    assert [token.text for token in repaired[1:-1]] == ["zero"] * 3000
    assert repaired[-1].text == "rain"


def test_typed_words_are_never_repaired():
    assert [n.digits for n in find_numbers("transfer 500 to my account")] == ["500"]
    assert [n.digits for n in find_numbers("500 to", "digits")] == ["5002"]
