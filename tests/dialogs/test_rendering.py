"""How things are said."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.pack.model import Wording
from dialogs.rendering import (
    format_on_date,
    format_value,
    next_tone,
    render,
    templates_in_turn,
)
from dialogs.values import Understanding
from tests.support.scripted_mind import TODAY, Bot


@pytest.mark.parametrize(
    ("value", "kind", "written", "spoken"),
    [
        ("1200.50", "amount", "$1,200.50", "1200 dollars and 50 cents"),
        ("250.00", "amount", "$250.00", "250 dollars"),
        ("1.01", "amount", "$1.01", "1 dollar and 1 cent"),
        ("-12.00", "amount", "-$12.00", "minus 12 dollars"),
        ("lots", "amount", "lots", "lots"),
        ("4021", "digits", "4021", "4 0 2 1"),
        ("2026-11-24", "date", "today", "today"),
        ("2026-11-25", "date", "tomorrow", "tomorrow"),
        ("2026-12-01", "date", "Tuesday, December 1", "Tuesday, December 1"),
        ("2028-01-03", "date", "Monday, January 3, 2028", "Monday, January 3, 2028"),
        ("soon", "date", "soon", "soon"),
        ("15:00", "time", "3:00 PM", "3 PM"),
        ("10:30", "time", "10:30 AM", "10:30 AM"),
        ("00:15", "time", "12:15 AM", "12:15 AM"),
        ("late", "time", "late", "late"),
        ("savings", "choice", "savings", "savings"),
    ],
)
def test_values(value, kind, written, spoken):
    assert format_value(value, kind, "chat", TODAY) == written
    assert format_value(value, kind, "call", TODAY) == spoken


def test_days_with_their_preposition():
    assert format_on_date("2026-11-24", TODAY) == "today"
    assert format_on_date("2026-12-01", date(2026, 11, 1)) == "on Tuesday, December 1"


def test_a_template_knows_only_names():
    assert render("{a} {a.b} {0} {{a}} %s", {"a": "{b}", "b": "no"}) == "{b} {a.b} {0} {{b}} %s"
    assert render("Hello{comma_name}, so {gone} .", {}) == "Hello, so."


@given(st.text(max_size=40))
def test_what_a_customer_says_is_never_a_template(text):
    assert render("From {merchant}", {"merchant": f"x{text}x"}).count("x") >= 2


def test_wordings_rotate_and_follow_mood_and_channel():
    words = Wording(("one", "two"), ("sorry",), ("short",), ("aloud",))
    assert [templates_in_turn(words, "neutral", "chat", n)[0][0] for n in range(3)] == [
        "one",
        "two",
        "one",
    ]
    assert templates_in_turn(words, "neutral", "call", 0)[0] == ("aloud", "neutral")
    assert templates_in_turn(words, "apologetic", "call", 0)[0] == ("sorry", "apologetic")
    assert templates_in_turn(words, "brief", "chat", 5)[0] == ("short", "brief")
    assert templates_in_turn(Wording(("one",)), "brief", "chat", 0)[0] == ("one", "neutral")


def felt(upset: float, spread: float) -> Understanding:
    return Understanding("", "", 0.0, upset=upset, upset_spread=spread)


def test_only_what_is_certain_of_a_mood_counts(pack):
    assert next_tone(pack, felt(0.9, 0.1), "neutral", 0) == "apologetic"
    assert next_tone(pack, felt(0.9, 0.6), "neutral", 0) == "neutral"
    assert next_tone(pack, felt(0.0, 1.0), "neutral", 0) == "neutral"
    assert next_tone(pack, felt(0.9, 0.1), "apologetic", 2) == "brief"
    assert next_tone(pack, felt(0.4, 0.2), "brief", 2) == "brief"
    assert next_tone(pack, felt(0.1, 0.1), "brief", 2) == "neutral"
    assert next_tone(pack, None, "brief", 2) == "brief"


def test_an_apology_is_not_repeated_every_turn(pack):
    bot = Bot(pack)
    first = bot.says("balance of savings", upset=0.9, upset_spread=0.2)
    assert "sorry" in first.lower() or "apologize" in first
    assert bot.last.replies[0].tone == "apologetic"
    second = bot.says("123", upset=0.5, upset_spread=0.2)
    assert "sorry" not in second.lower()


def test_the_phone_hears_digits_one_by_one_and_the_chat_has_buttons(pack):
    call, chat = Bot(pack, "call"), Bot(pack, "chat")
    for bot in (call, chat):
        bot.says("i lost my debit card")
        bot.identifies()
    assert chat.last.replies[-1].suggestions == ("Yes", "No")
    assert call.last.replies[-1].suggestions == ()
    call.says("yes")
    assert "4 0 2 1" in call.bank(last_four="4021")


def test_a_voice_hears_likely_phrases_for_an_open_question(pack):
    assert "transfer money" in Bot(pack, "call").last.expectation.choices
    assert Bot(pack, "chat").last.expectation.choices == ()


def test_the_customer_is_greeted_by_first_name(pack):
    assert Bot(pack, name="Ada Lovelace").text.startswith("Hello, Ada, this is Harper")
    assert Bot(pack).text.startswith("Hello, this is Harper")
