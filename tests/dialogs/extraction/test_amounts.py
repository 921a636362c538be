"""Laws of amounts: one value in many forms, and nothing around it that changes it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.types import Expectation
from dialogs.extraction.slots import extract
from tests.support.packs import bank_pack
from tests.support.scripted_mind import TODAY

DOLLARS = st.integers(1, 9_999)
CENTS = st.integers(0, 99)
BEFORE = ("", "please pay ", "i'd like to send ", "move ", "um, well, ", "can you transfer ",
          "my 2 kids need ", "reference 77, pay ", "in 3 months i'll be 40, pay ")  # fmt: skip
AFTER = ("", " please", " to city water", ", invoice 20264", " for apartment 12", " on 25.12.2026",
         " tomorrow at 5 pm", " and call me at 555 123 4567", ", account ending 4021")  # fmt: skip


def amounts(text: str, kind: str = "open") -> list[str]:
    found = extract(text, bank_pack(), Expectation(kind), TODAY)
    return [slot.value or slot.problem for slot in found if slot.name == "amount"]


def written_forms(dollars: int, cents: int) -> list[str]:
    """The ways to write an amount with its currency."""
    grouped, decimals = f"{dollars:,}", f"{cents:02d}"
    return [
        f"${dollars}.{decimals}",
        f"${grouped}.{decimals}",
        f"$ {grouped}.{decimals}",
        f"{grouped}.{decimals} dollars",
        f"{grouped}.{decimals}$",
        f"USD {dollars}.{decimals}",
        f"{dollars},{decimals} dollars",
        f"{grouped.replace(',', '.')},{decimals} dollars",
        f"{grouped.replace(',', chr(39))}.{decimals} dollars",
        f"{grouped.replace(',', ' ')}.{decimals} dollars",
        f"{dollars} dollars and {cents} cents" if cents else f"{dollars} dollars",
    ]


@given(DOLLARS, CENTS, st.sampled_from(BEFORE), st.sampled_from(AFTER), st.data())
def test_the_same_amount_is_read_in_every_form_and_company(dollars, cents, before, after, data):
    form = data.draw(st.sampled_from(written_forms(dollars, cents)))
    assert amounts(f"{before}{form}{after}") == [f"{dollars}.{cents:02d}"]


@given(st.integers(1, 99), st.sampled_from(["k", " grand", " thousand"]))
def test_scales(count, scale):
    assert amounts(f"send {count}{scale} dollars") == [f"{count * 1000}.00"]
    assert amounts(f"send {count} and a half thousand dollars") == [f"{count * 1000 + 500}.00"]


@given(DOLLARS, DOLLARS, st.sampled_from(["or", "to"]))
def test_two_amounts_to_choose_from_are_none(first, second, link):
    assert amounts(f"send {first} {link} {second} dollars") == ["range"]


@given(DOLLARS, st.sampled_from(["euros", "pounds", "pesos", "canadian dollars", "\u20ac"]))
def test_another_currency_is_never_dollars(dollars, currency):
    assert amounts(f"send {dollars} {currency} to city water") == ["currency"]


@given(DOLLARS)
def test_a_sign_is_never_dropped(dollars):
    for form in (f"-${dollars}", f"$-{dollars}", f"-{dollars} dollars", f"minus {dollars} dollars"):
        assert amounts(f"send {form}") == ["negative"]


@given(st.text(max_size=80))
def test_any_text_gives_amounts_of_at_least_nothing_or_a_problem(text):
    for kind in ("open", "amount"):
        for slot in extract(text, bank_pack(), Expectation(kind), TODAY):
            if slot.name == "amount":
                assert bool(slot.value) != bool(slot.problem)
                assert not slot.value or Decimal(slot.value) >= 0


@pytest.mark.parametrize(
    "text",
    ["i have 2 kids", "it was 3 months ago", "reference 77", "flat 12", "the year 2026",
     "my phone is 555 123 4567", "the card ending in 4021", "that's all", "both cards",
     "i've been waiting for 20 minutes", "number 9 bus", "order 66", "my reference is 77123",
     "invoice number 77.20", "the memo is: 45", "version 2.50"],
)  # fmt: skip
def test_a_number_of_something_else_is_no_amount(text):
    found = extract(text, bank_pack(), Expectation(), TODAY)
    assert not [slot for slot in found if slot.name in {"amount", "number"}]


@pytest.mark.parametrize(
    ("text", "amount"),
    [("pay the electric company 84.20", "84.20"), ("my electric is 84.20", "84.20"),
     ("the rent is 900", "900.00"), ("the amount due is 1,084.20", "1084.20"),
     ("no 50", "50.00")],
)  # fmt: skip
def test_dollars_and_cents_are_a_price_whatever_stands_before_them(text, amount):
    found = extract(text, bank_pack(), Expectation("amount"), TODAY)
    assert [slot.value for slot in found if slot.name == "amount"] == [amount]
