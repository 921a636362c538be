"""Digits that identify a customer, and digits that do not."""

from __future__ import annotations

import pytest

from agent.privacy.detection import detect
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


@pytest.mark.parametrize(
    "text",
    ["my no. is 100421, code 4471. balance of checking?", "cust # 100421 pass 4471 balance pls",
     "acct holder no 100421, pin: 4471", "100421 / 4471, balance of checking",
     "4471 is the pass, 100421 the no.", "passcode 4471 number 100421",
     "100421 customer here, code 4471", "my id is 100421, secret code 4471",
     "its one zero zero four two one passcode four four seven one and i need my balance"],
)  # fmt: skip
@pytest.mark.parametrize("is_heard", [True, False])
def test_an_identity_in_short_forms_and_in_any_order_is_read_and_hidden(text, is_heard):
    found = values(text, is_heard=is_heard)
    assert sorted(v for v in found if v[0] in dict(BOTH)) == sorted(BOTH)
    assert "number" not in dict(found)
    hidden = {span.value for span in detect(text, Expectation("open"), bank_pack())}
    assert hidden == {"100421", "4471"}


@pytest.mark.parametrize(
    "text",
    ["my phone number is 100421", "my zip code is 10001", "tracking number 100421, code 839201",
     "pay 4471 to city water", "move 1500 to savings, reference 100421", "no, 100421 dollars"],
)  # fmt: skip
def test_a_number_that_another_noun_claims_is_no_identity(text):
    assert not {"customer_number", "passcode"} & set(dict(values(text)))


def test_a_year_behind_a_preposition_is_no_amount():
    assert values("my bill from 2025") == []
    assert values("a payment of 2000") == [("number", "2000")]
