"""Digits that identify a customer, and digits that do not."""

from __future__ import annotations

import pytest

from audio.types import Expectation
from dialogs.extraction.slots import extract
from tests.support.packs import bank_pack
from tests.support.scripted_mind import TODAY

BOTH = [("customer_number", "100421"), ("passcode", "4471")]


def values(text: str, kind: str = "open", length: int = 0, is_heard: bool = False):
    found = extract(text, bank_pack(), Expectation(kind, length=length), TODAY, is_heard)
    return [(slot.name, slot.value) for slot in found if not slot.problem]


@pytest.mark.parametrize(
    "text",
    ["customer 100421 passcode 4471", "my customer number is 100421 and my pin is 4471",
     "100421 is my customer number, 4471 is my passcode", "customer no. 100421, pin: 4471",
     "customer id 100421 / pass code 4471", "Customer #100421, PIN 4471"],
)  # fmt: skip
def test_an_identity_in_any_turn(text):
    assert values(text) == BOTH
    assert [v for v in values(f"hi im patricia, {text}, move $75") if v in BOTH] == BOTH


@pytest.mark.parametrize("text", ["100421 4471", "100421, 4471", "100421 and then 4471"])
def test_two_numbers_in_one_answer(text):
    assert values(text, "digits", 6) == BOTH


@pytest.mark.parametrize(
    "text", ["5551234567", "555-123-4567", "(555) 123-4567", "555 123 4567", "1004214471"]
)
def test_ten_digits_in_one_piece_are_one_number(text):
    assert not {name for name, _ in values(text, "digits", 6)} & {"customer_number", "passcode"}


@pytest.mark.parametrize(
    ("text", "left"),
    [("transfer 500 to my account", ("number", "500")),
     ("transfer 5000 to savings", ("number", "5000")),
     ("pay 4000 for the rent", ("number", "4000"))],
)  # fmt: skip
@pytest.mark.parametrize("is_heard", [True, False])
def test_another_sentence_is_no_code(text, left, is_heard):
    found = values(text, "digits", 4, is_heard)
    assert left in found
    assert "passcode" not in dict(found)


def test_ear_repairs_are_for_heard_words():
    assert values("for to two won", "digits", 4, is_heard=True) == [("passcode", "4221")]
    assert "passcode" not in dict(values("for to two won", "digits", 4))


def test_a_cue_alone_makes_no_identity():
    assert values("i have been a customer for 10 years") == [("count", "10")]
    assert values("the customer before me had 12345 questions") == [("count", "12345")]
