"""Do the words so far look like a whole turn? Examples of both, and of neither."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.text_endpointing import TurnEndings, count_digits, text_completeness
from audio.types import AudioError, Expectation

AT_ANY_SPEED = settings(deadline=None)  # a busy machine is no failure
COUNTED = TurnEndings.load()
NO_COUNTS = TurnEndings()
ACCOUNTS = Expectation("choice", choices=("savings", "checking account"))


@pytest.mark.parametrize(
    "text",
    [
        "i want to",
        "my account number is",
        "um",
        "can you check my",
        "hello i would like",
        "and the",
    ],
)
def test_words_that_never_end_a_turn(text):
    assert text_completeness(Expectation(), text, COUNTED) == "incomplete"


@pytest.mark.parametrize("text", ["thank you", "no thanks", "good morning", "check my balance"])
def test_words_that_often_end_a_turn(text):
    assert text_completeness(Expectation(), text, COUNTED) == "complete"


@pytest.mark.parametrize("text", ["", "  ", "oprator", "i wnt tu", "hrlo the", "xqz to", "'"])
def test_what_cannot_be_read_is_no_opinion(text):
    assert text_completeness(Expectation(), text, COUNTED) == "unknown"


@AT_ANY_SPEED
@given(st.text(max_size=40), st.sampled_from(["open", "yes_no", "digits", "amount", "date"]))
def test_any_text_has_one_outlook_and_keeps_it(text, kind):
    asked = Expectation(kind, length=4)
    assert text_completeness(asked, text, COUNTED) == text_completeness(asked, text, COUNTED)
    assert text_completeness(asked, f" {text.upper()} ", NO_COUNTS) == text_completeness(
        asked, text, NO_COUNTS
    )


@pytest.mark.parametrize(
    ("asked", "text", "expected"),
    [
        (Expectation("yes_no"), "yes", "answered"),
        (Expectation("yes_no"), "well yes please", "answered"),
        (Expectation("yes_no"), "yes but", "incomplete"),
        (Expectation("yes_no"), "yesss", "unknown"),
        (ACCOUNTS, "from my savings", "answered"),
        (ACCOUNTS, "the checking account", "answered"),
        (ACCOUNTS, "savingses", "unknown"),
        (Expectation("digits", length=4), "four four one seven", "answered"),
        (Expectation("digits", length=4), "four four one", "unknown"),
        (Expectation("digits"), "four four one seven", "unknown"),
        (Expectation("amount"), "five hundred", "unknown"),
        (Expectation("amount"), "five hundred dollars", "answered"),
        (Expectation("date"), "tomorrow", "answered"),
        (Expectation("date"), "may", "incomplete"),
        (Expectation("date"), "may twenty first", "complete"),
        (Expectation("date"), "the third of june nineteen eighty four", "answered"),
        (Expectation("date"), "june third 1984", "answered"),
        (Expectation(), "my number is five five five", "spelling"),
        (Expectation(choices=("operator",)), "operator", "complete"),
        (Expectation(), "operator", "unknown"),
        (Expectation("name"), "j o a n a", "spelling"),
    ],
)
def test_a_question_is_answered_or_not(asked, text, expected):
    assert text_completeness(asked, text, COUNTED) == expected


def test_without_counts_only_closed_questions_have_an_opinion():
    assert text_completeness(Expectation(), "i want to", NO_COUNTS) == "unknown"
    assert text_completeness(Expectation("yes_no"), "no", NO_COUNTS) == "answered"


def test_two_words_know_more_than_the_last_alone():
    counts = {"up": (40, 100), "sign": (10, 100), "sign up": (0, 60), "^": (0, 1)}
    endings = TurnEndings(counts, base_rate=0.2)
    assert endings.completeness("up") == "complete"
    assert endings.completeness("sign up") == "incomplete"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"counts": {"to": 3}}', '{"counts": {}}'])
def test_a_file_that_holds_no_counts_is_refused_in_words(tmp_path, text):
    file = tmp_path / "endings.json"
    file.write_text(text)
    with pytest.raises(AudioError, match="hearken tune endings"):
        TurnEndings.load(file)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", (0, 0)),
        ("it is four four one seven", (4, 4)),
        ("double five oh", (3, 3)),
        ("twenty one thirty", (4, 4)),
        ("twenty oh one", (4, 4)),
        ("sixteen and 4417", (6, 6)),
        ("one for you", (1, 0)),
    ],
)
def test_digits_are_counted_as_they_are_said(text, count):
    assert count_digits(text) == count
