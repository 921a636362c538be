"""What is private is found however it is written or said; what is not private is left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from agent.privacy.detection import detect
from audio.types import Expectation
from dialogs.extraction.numbers import UNIT_NAMES
from dialogs.pack.privacy_rules import PII_KINDS, PrivacyRules
from tests.support.packs import bank_pack

PACK = bank_pack()
OPEN = Expectation()
DIGITS = UNIT_NAMES[:10]
CARD = "4111111111111111"


def found(text, asked=OPEN, pack=PACK, growing=False):
    return [(one.kind, one.value) for one in detect(text, asked, pack, growing)]


# -- what is found -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("my card is 4111 1111 1111 1111", "card", CARD),
        ("4111-1111-1111-1111", "card", CARD),
        ("4111\u20131111\u00a01111.1111 thanks", "card", CARD),
        ("\uff14\uff11\uff11\uff11 1111 1111 1111", "card", CARD),
        ("\u0664\u0661\u0661\u0661 \u0661\u0661\u0661\u0661 1111 1111", "card", CARD),
        ("four one one one one one one one one one one one one one one one", "card", CARD),
        ("four triple one, uh, one one one one then double one double one 1111", "card", CARD),
        ("forty one eleven eleven eleven eleven eleven eleven eleven", "card", CARD),
        ("my ssn is 123-45-6789", "ssn", "123456789"),
        ("123 45 6789", "ssn", "123456789"),
        ("social is one two three four five six seven eight nine", "ssn", "123456789"),
        ("the last four of my social, 6789", "ssn", "6789"),
        ("mail Jane.Doe@example.com please", "email", "jane.doe@example.com"),
        ("jane dot doe at example dot com", "email", "jane.doe@example.com"),
        ("j smith at example dot travel", "email", "jsmith@example.travel"),
        ("j d four at my dash bank dot org", "email", "jdfour@my-bank.org"),
        ("call me at (212) 555-0187", "phone", "2125550187"),
        ("+44 20 7946 0958", "phone", "442079460958"),
        ("my account number is 987654321", "account", "987654321"),
        ("it was 987654321", "account", "987654321"),
        ("my customer number is 100421", "account", "100421"),
        ("one oh oh four two one", "account", "100421"),
        ("GB29 NWBK 6016 1331 9268 19", "card", "60161331926819"),
        ("my pin is 4471", "code", "4471"),
        ("4471 is my passcode", "code", "4471"),
        ("passcode four four seven one", "code", "4471"),
        ("the code is 839201", "code", "839201"),
        ("cvv 123", "code", "123"),
        ("4471", "code", "4471"),
        ("yes, it's 4471", "code", "4471"),
    ],
)
def test_private_is(text, kind, value):
    assert found(text) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "transfer 250 dollars",
        "transfer 5000 from checking to savings",
        "pay $1,200.50",
        "move 123456 dollars",
        "one thousand two hundred dollars",
        "a million dollars",
        "10 000 dollars",
        "send 1500 to mom",
        "my balance was 123456.78 dollars",
        "i was charged 49.99 twice on the 3rd of may",
        "on 11/24/2026",
        "2026-11-24",
        "November 24 2026",
        "in 1998",
        "from 2019 to 2021",
        "at 10:30",
        "10:30 am",
        "2 cards",
        "I have 2 cards and 3 accounts",
        "three boxes",
        "my zip code is 10001",
        "zip 10001-1234",
        "24/7",
        "page 404",
        "flight 1234",
        "i am 35 years old",
        "",
        "nothing at all",
    ],
)
def test_private_is_not(text):
    assert found(text) == []


@pytest.mark.parametrize(
    ("asked", "text", "kinds"),
    [
        (Expectation("digits", 6), "1 0 0 4 2 1", ["account"]),
        (Expectation("digits", 6), "won oh oh for too one", ["account"]),
        (Expectation("digits", 6), "100421 4471", ["account", "code"]),
        (Expectation("digits", 4), "thousand", ["code"]),
        (Expectation("digits", 4), "it is 447", ["code"]),
        (Expectation("digits", 4), "44", ["code"]),
        (Expectation("amount"), "1500", []),
        (Expectation("amount"), "fifteen hundred", []),
        (Expectation("amount"), "1 2 5 0", []),
        (Expectation("amount"), CARD, ["card"]),
        (Expectation("date"), "2412", []),
        (Expectation("choice"), "4471", []),
        (Expectation("open"), "1500", ["code"]),
    ],
)
def test_what_was_asked_decides_what_is_unclear(asked, text, kinds):
    assert [kind for kind, _ in found(text, asked)] == kinds


def test_a_secret_is_called_by_its_name():
    (one,) = detect("my customer number is 100421", OPEN, PACK)
    assert one.label == "customer number"
    first, second = detect("100421 4471", Expectation("digits", 6), PACK)
    assert (first.label, second.label) == ("customer number", "telephone passcode")


def test_a_number_that_still_grows_counts_already():
    assert found("my number is 411", growing=True) == [("code", "411")]
    assert found("transfer 250 dollars", growing=True) == []


# -- what a pack wants -------------------------------------------------------------------------

EVERYTHING = "4111 1111 1111 1111 and my social 123-45-6789 or a@b.co or (212) 555-0187"


@pytest.mark.parametrize("kind", ["card", "ssn", "email", "phone"])
def test_a_pack_says_what_is_hidden(kind):
    only = replace(PACK, privacy=PrivacyRules(redacted_kinds=frozenset({kind})))
    none = replace(PACK, privacy=PrivacyRules(redacted_kinds=frozenset(PII_KINDS) - {kind}))
    assert {one for one, _ in found(EVERYTHING, pack=only)} == {kind}
    assert kind not in {one for one, _ in found(EVERYTHING, pack=none)}


def test_a_secret_slot_is_hidden_whatever_a_pack_says():
    nothing = replace(PACK, privacy=PrivacyRules(redacted_kinds=frozenset()))
    asked = Expectation("digits", 6)
    assert found(EVERYTHING, pack=nothing) == []
    assert found("my customer number is 1004", pack=nothing) == [("code", "1004")]
    assert found("100421", pack=nothing) == [("account", "100421")]
    assert found("it is 10042", asked, nothing) == [("code", "10042")]


# -- laws --------------------------------------------------------------------------------------

separators = st.sampled_from(["", " ", "-", ".", "/", "\u00a0", "\u2013", " - ", "  "])
scripts = st.sampled_from("0\u0660\u0966\uff10\u09e6")


@st.composite
def cards(draw):
    size = draw(st.integers(12, 18))
    made = str(draw(st.integers(1, 9))) + "".join(
        str(draw(st.integers(0, 9))) for _ in range(size - 1)
    )
    return made + luhn.calc_check_digit(made)


@st.composite
def written(draw):
    """A card's digits, and how somebody writes them: grouped and in some script."""
    digits, zero, between = draw(cards()), ord(draw(scripts)), draw(separators)
    cuts = draw(st.sets(st.integers(1, len(digits) - 1)))
    places = [0, *sorted(cuts), len(digits)]
    groups = [digits[start:end] for start, end in pairwise(places)]
    text = between.join(groups)
    return digits, "".join(chr(zero + int(one)) if one.isdigit() else one for one in text)


@given(written())
def test_a_card_is_found_in_any_grouping_and_script(card):
    digits, text = card
    for sentence in (text, f"my card is {text} please", f"pay 20 dollars with {text}, thanks"):
        assert ("card", digits) in found(sentence), sentence


@st.composite
def spoken(draw):
    """A card's digits, and how somebody says them: digit by digit, doubled, with pauses."""
    digits, said, at = draw(cards()), [], 0
    while at < len(digits):
        run = len(digits[at:]) - len(digits[at:].lstrip(digits[at]))
        copies = draw(st.sampled_from([1, 1, *(n for n in (2, 3) if n <= run)]))
        name = (
            DIGITS[int(digits[at])] if digits[at] != "0" else draw(st.sampled_from(("zero", "oh")))
        )
        said.append({1: "", 2: "double ", 3: "triple "}[copies] + name)
        at += copies
        if at < len(digits):
            said.append(draw(st.sampled_from([" ", " ", " ", ", ", " uh ", " - ", " and then "])))
    return digits, "".join(said)


@given(spoken())
def test_a_card_is_found_however_it_is_said(card):
    digits, text = card
    for sentence in (text, f"my card number is {text} okay"):
        assert ("card", digits) in found(sentence), sentence


def words(number):
    """A whole number below a million as it is said."""
    if number >= 1000:
        rest = f" {words(number % 1000)}" if number % 1000 else ""
        return f"{words(number // 1000)} thousand{rest}"
    if number >= 100:
        return f"{DIGITS[number // 100]} hundred" + (
            f" {words(number % 100)}" if number % 100 else ""
        )
    if number < 20:
        return UNIT_NAMES[number]
    return UNIT_NAMES[18 + number // 10] + (f" {DIGITS[number % 10]}" if number % 10 else "")


@given(st.integers(1, 999_999), st.integers(0, 99))
def test_an_amount_is_never_private(whole, cents):
    for text in (
        f"transfer {whole} dollars to savings",
        f"transfer ${whole:,}.{cents:02} from checking",
        f"pay {whole}.{cents:02} dollars",
        f"i want to send {words(whole)} dollars",
        f"{words(whole)} dollars and {words(cents)} cents",
    ):
        assert found(text) == [], text


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_a_day_is_never_private(day):
    for text in (f"{day:%Y-%m-%d}", f"on {day:%m/%d/%Y} please", f"{day:%B} {day.day}"):
        assert found(text) == [], text


pieces = st.one_of(
    st.sampled_from([*DIGITS, "double", "at", "dot", "com", "my pin is", "dollars", "$", "@", "-"]),
    st.from_regex(r"\d{1,20}", fullmatch=True),
    st.text(max_size=6),
)


@given(
    st.lists(pieces, max_size=20).map(" ".join),
    st.sampled_from(["open", "digits", "amount", "date", "choice"]),
    st.booleans(),
)
def test_spans_are_in_order_and_never_overlap(text, kind, growing):
    private = detect(text, Expectation(kind), PACK, growing)
    assert all(0 <= one.start < one.end <= len(text) and one.value and one.label for one in private)
    assert all(one.end <= other.start for one, other in pairwise(private))


def test_what_is_found_takes_no_longer_for_words_that_look_like_it():
    for text in ("a " * 20_000, "1 " * 20_000, "dot " * 20_000, "one " * 5_000, "a@" * 20_000):
        detect(text, OPEN, PACK)
