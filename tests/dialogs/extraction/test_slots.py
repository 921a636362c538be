"""What customers say, and the values in it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.types import Expectation
from dialogs.extraction.choices import closest_phrase
from dialogs.extraction.numbers import find_numbers
from dialogs.extraction.slots import extract
from tests.support.packs import bank_pack
from tests.support.scripted_mind import TODAY

PACK = bank_pack()
OPEN = Expectation()
ACCOUNTS = Expectation("choice", choices=("checking", "savings", "money market"))


def slots(text: str, expect: Expectation = OPEN, is_heard: bool = False) -> list[tuple[str, str]]:
    found = extract(text, PACK, expect, TODAY, is_heard)
    return [(slot.name, slot.value) for slot in found if not slot.problem]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("fifty bucks", "50.00"),
        ("$1,200.50", "1200.50"),
        ("two hundred and fifty dollars", "250.00"),
        ("a hundred and six dollars", "106.00"),
        ("twelve hundred dollars", "1200.00"),
        ("twenty nine dollars fifty cents", "29.50"),
        ("four dollars and sixty nine cents", "4.69"),
        ("seventy five dollars sixty three", "75.63"),
        ("ninety nine cents", "0.99"),
        ("five point two million dollars", "5200000.00"),
        ("2 grand dollars", "2000.00"),
        ("5k dollars", "5000.00"),
        ("80 usd", "80.00"),
        ("twenty-five dollars", "25.00"),
    ],
)
def test_money(text, value):
    assert ("amount", value) in slots(f"i want to send {text} please")


@pytest.mark.parametrize(
    ("text", "value"),
    [("two fifty", "250.00"), ("thirty nine ninety nine", "39.99"), ("one five zero", "150.00"),
     ("fifty", "50.00"), ("two hundted fifty dollars", "250.00"), ("two hundrd", "200.00"),
     ("then fifty", "50.00"), ("1,250", "1250.00"), ("it's 80", "80.00")],
)  # fmt: skip
def test_a_bare_number_is_an_amount_when_one_was_asked(text, value):
    assert slots(text, Expectation("amount"), is_heard=True) == [("amount", value)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("one oh oh four two one", [("customer_number", "100421")]),
        ("100-421", [("customer_number", "100421")]),
        ("one hundred, four two one", [("customer_number", "100421")]),
        ("four double seven one", [("digits", "4771")]),
        ("triple five three", [("digits", "5553")]),
        ("for to two won", [("digits", "4221")]),
        ("one two three", [("digits", "123")]),
        ("100421 4471", [("customer_number", "100421"), ("passcode", "4471")]),
        (
            "one zero zero four two one four four seven one",
            [("customer_number", "100421"), ("passcode", "4471")],
        ),
        ("i can't remember it, too", []),
        ("one zerno zero foer two ane", [("customer_number", "100421")]),
        ("my number is one zero zero", [("customer_number", "100")]),
        ("zero zero four two", [("digits", "0042")]),
        ("100421 and my passcode is 4471", [("customer_number", "100421"), ("passcode", "4471")]),
    ],
)
def test_digits_where_digits_were_asked(text, found):
    assert slots(text, Expectation("digits", length=6), is_heard=True) == found


def test_a_passcode_where_one_was_asked():
    assert slots("four double seven one", Expectation("digits", length=4)) == [("passcode", "4771")]
    assert slots("1 0 0 4", Expectation("digits", length=4)) == [("passcode", "1004")]


def test_digits_nobody_asked_for_prove_nothing():
    assert slots("transfer 1500") == [("number", "1500")]
    assert slots("my customer number is 100421") == [("customer_number", "100421")]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", "2026-11-24"),
        ("tomorrow", "2026-11-25"),
        ("the day after tomorrow", "2026-11-26"),
        ("friday", "2026-11-27"),
        ("tuesday", "2026-12-01"),
        ("next friday", "2026-12-04"),
        ("friday in a week", "2026-12-04"),
        ("last monday", "2026-11-23"),
        ("monday last week", "2026-11-16"),
        ("in two weeks", "2026-12-08"),
        ("ten days from now", "2026-12-04"),
        ("three days ago", "2026-11-21"),
        ("march third", "2027-03-03"),
        ("the fourth of july", "2027-07-04"),
        ("december twenty first", "2026-12-21"),
        ("july 25 2012", "2012-07-25"),
        ("the twenty fifth of july twenty twelve", "2012-07-25"),
        ("3/14", "2027-03-14"),
        ("2026-12-24", "2026-12-24"),
        ("on the 15th", "2026-12-15"),
        ("friday, december the 4th", "2026-12-04"),
        ("a week from tomorrow", "2026-12-02"),
        ("on the thirtieth", "2026-11-30"),
        ("the 31st", "2026-12-31"),
        ("now", "2026-11-24"),
    ],
)
def test_days(text, day):
    assert ("date", day) in slots(text, Expectation("date"))


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("at three", "15:00"),
        ("three p m", "15:00"),
        ("10 a.m.", "10:00"),
        ("half past ten", "10:30"),
        ("quarter to five", "16:45"),
        ("25 to 7 p.m.", "18:35"),
        ("ten in the morning", "10:00"),
        ("at ten thirty", "10:30"),
        ("two thirty", "14:30"),
        ("noon", "12:00"),
        ("16:20", "16:20"),
        ("12 a.m.", "00:00"),
        ("9 at night", "21:00"),
        ("three o'clock", "15:00"),
    ],
)
def test_times(text, clock):
    assert ("time", clock) in slots(text, Expectation("date"))


@pytest.mark.parametrize(
    "text",
    [
        "one second",
        "the second one",
        "the 45th",
        "13/45",
        "2026-13-45",
        "a third time",
        "may i ask",
    ],
)
def test_words_that_are_no_day(text):
    assert "date" not in dict(slots(text))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from checking to savings", [("from_account", "checking"), ("to_account", "savings")]),
        ("out of my savings account into money market",
         [("from_account", "savings"), ("to_account", "money market")]),
        ("checking", [("account", "checking")]),
        ("to the oak street branch", [("branch", "Oak Street")]),
        ("my electric bill", [("payee", "Valley Power")]),
    ],
)  # fmt: skip
def test_choices_and_their_roles(text, found):
    assert slots(text) == found


@pytest.mark.parametrize(
    ("text", "value"),
    [("checkin", "checking"), ("save ings", "savings"), ("savins account", "savings"),
     ("the second one", "savings"), ("the last one", "money market"),
     ("munny market", "money market")],
)  # fmt: skip
def test_misheard_choices_are_found_where_one_was_asked(text, value):
    assert ("account", value) in slots(text, ACCOUNTS)


def test_a_likely_word_is_less_sure_than_the_word_itself():
    exact = extract("checking", PACK, ACCOUNTS, TODAY)[0]
    likely = extract("checkin", PACK, ACCOUNTS, TODAY)[0]
    assert exact.confidence == 1.0
    assert 0.78 <= likely.confidence < 1.0


def test_nothing_is_likened_where_nothing_was_asked():
    assert slots("i was checkin the news") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no, fifty not fifteen", [("yes_no", "no"), ("number", "50")]),
        ("not fifteen dollars, fifty dollars", [("amount", "50.00")]),
        ("fifty dollars, i mean sixty dollars", [("amount", "60.00")]),
        ("savings, sorry, checking", [("account", "checking")]),
        ("from checking no wait savings", [("from_account", "savings")]),
    ],
)
def test_what_is_taken_back_is_left_out(text, found):
    got = slots(text)
    assert got == found or [s for s in got if s[0] != "yes_no"] == found


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("yes", "yes"), ("yeah sure", "yes"), ("that's right", "yes"), ("go ahead", "yes"),
        ("no problem", "yes"), ("uh huh", "yes"), ("no", "no"), ("that's not right", "no"),
        ("nope", "no"), ("don't", "no"), ("no that's wrong", "no"), ("please do it", "yes"),
    ],
)  # fmt: skip
def test_yes_and_no(text, answer):
    assert ("yes_no", answer) in slots(text, Expectation("yes_no"))


def test_a_pronoun_counts_nothing():
    assert slots("the new one", Expectation("amount")) == []
    assert slots("send me a new one") == []


def test_names():
    assert slots("hello my name is ada lovelace") == [("name", "Ada Lovelace")]
    assert slots("mary-jane o'neil please", Expectation("name")) == [("name", "Mary-Jane O'Neil")]
    assert slots("hi my name is james miller i would like to pay")[0] == ("name", "James Miller")
    assert slots("this is wrong") == [("yes_no", "no")] or slots("this is wrong") == []


def test_numbers_are_read_as_text2num_reads_them():
    assert [
        n.amount() for n in find_numbers("one hundred forty seven thousand four hundred fifty one")
    ] == [147451]
    assert [n.digits for n in find_numbers("plus zero two three one two")] == ["02312"]


@pytest.mark.parametrize("text", ["oh", "double", "point", "a", "and"])
def test_words_that_are_no_number(text):
    assert find_numbers(text) == []


def test_what_dangles_is_no_part_of_a_number():
    assert [n.digits for n in find_numbers("four double")] == ["4"]


def test_a_pack_without_names():
    fewer = replace(PACK, slots={n: s for n, s in PACK.slots.items() if s.type != "name"})
    assert extract("my name is ada", fewer, OPEN, TODAY) == ()


def test_cents_belong_to_the_dollars_beside_them():
    assert slots("ten dollars and 2 boxes") == [("amount", "10.00"), ("count", "2")]
    assert slots("ten dollars twenty dollars") == [("amount", "10.00"), ("amount", "20.00")]


@given(
    st.text(max_size=60), st.sampled_from(["open", "yes_no", "digits", "amount", "date", "name"])
)
def test_any_text_gives_values_in_normal_form(text, kind):
    for slot in extract(text, PACK, Expectation(kind), TODAY):
        if slot.problem:
            assert slot.value == ""
            continue
        spec = PACK.slots.get(slot.name)
        match spec.type if spec else slot.name:
            case "amount":
                assert re.fullmatch(r"-?\d+\.\d\d", slot.value)
            case "digits":
                assert slot.value.isdigit()
            case "date":
                date.fromisoformat(slot.value)
            case "time":
                assert re.fullmatch(r"[0-2]\d:[0-5]\d", slot.value)
            case "choice":
                assert slot.value in spec.choices


@given(st.integers(0, 999_999), st.integers(0, 99))
def test_written_money_is_read_as_it_stands(dollars, cents):
    assert slots(f"send ${dollars:,}.{cents:02d} now") == [("amount", f"{dollars}.{cents:02d}")]


@pytest.mark.parametrize(
    ("said", "phrase"),
    [("man branch", "main branch"), ("a branch", ""), ("talk to person", "talk to a person"),
     ("tower company", "power company"), ("the company", ""), ("pay the bill", "pay a bill")],
)  # fmt: skip
def test_a_similar_phrase_resembles_more_than_its_common_words(said, phrase):
    known = ("main branch", "talk to a person", "power company", "pay a bill")
    match = closest_phrase(said, {one: one for one in known})
    assert (match.value if match else "") == phrase
