"""Names as they are written, and what is no name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.extraction.names import find_person_name
from tests.support.packs import bank_pack

CUES = bank_pack().slots["name"].cues


def name(text: str) -> str:
    found = find_person_name(text, CUES, is_expected=True)
    return found.value if found else ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Siobh\u00e1n O'Brien-McCarthy", "Siobh\u00e1n O'Brien-McCarthy"),
        ("An Li", "An Li"), ("an li", "An Li"), ("so yeon kim", "So Yeon Kim"),
        ("Brown, B as in boy", "Brown"), ("my name is spelled s m y t h e", "Smythe"),
        ("smith, s m i t h", "Smith"), ("ann lee, l e i g h", "Ann Leigh"),
        ("scott s c o double t", "Scott"), ("Brown with an e", "Browne"),
        ("o'brien-mccarthy", "O'Brien-McCarthy"), ("RONALD MCDONALD", "Ronald McDonald"),
        ("machado", "Machado"), ("jean-luc d'arcy", "Jean-Luc D'Arcy"),
        ("it's ludwig van beethoven", "Ludwig van Beethoven"),
        ("Maria del Carmen de la Cruz", "Maria del Carmen de la Cruz"),
        ("first name ann last name lee", "Ann Lee"), ("J. R. R. Tolkien", "J. R. R. Tolkien"),
        ("my name is james miller i would like to pay", "James Miller"),
        ("put it under dr. anna bell please", "Anna Bell"),
        ("my name's Ana", "Ana"), ("M\u00fcller", "M\u00fcller"),
    ],
)  # fmt: skip
def test_names(text, value):
    assert name(text) == value


@pytest.mark.parametrize(
    "text",
    ["why do you need my name?", "i don't remember", "i'd rather not say", "no", "what for",
     "can i talk to somebody", "i want to cancel it", "is that necessary", "none of your business",
     "do you need my full name", "i'm not telling you"],
)  # fmt: skip
def test_questions_and_refusals_are_no_names(text):
    assert name(text) == ""


@given(st.lists(st.from_regex(r"[A-Z][a-z]{2,8}(?:-[A-Z][a-z]{2,8})?", fullmatch=True),
                min_size=2, max_size=3))  # fmt: skip
def test_capitals_that_were_typed_stay(words):
    found = name(f"my name is {' '.join(words)}")
    assert found == "" or " ".join(words).startswith(found) or found in " ".join(words)
