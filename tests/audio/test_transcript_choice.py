"""The transcriber of whole turns is asked where it is better, and a doubtful answer gives way."""

from __future__ import annotations

import pytest

from audio.transcript_choice import preferred_transcript, should_transcribe
from audio.types import NO_TRANSCRIPT, Expectation, Transcript

OPEN = Expectation()
LIKELY = Expectation("open", choices=("lost card",))
YES_NO = Expectation("yes_no")
DIGITS = Expectation("digits", 4)
ANY_NAME = Expectation("name")


@pytest.mark.parametrize(
    ("heard", "sure", "expect", "is_asked"),
    [
        ("helo i lost mi card", 0.6, OPEN, True),
        ("operator", 0.95, OPEN, False),
        ("", 0.0, OPEN, False),
        ("lost card", 0.9, LIKELY, False),
        ("lost card", 0.3, LIKELY, True),
        ("i lost a card", 0.8, LIKELY, True),
        ("yes", 0.8, YES_NO, False),
        ("yes", 0.2, YES_NO, True),
        ("four eight five three", 0.7, DIGITS, False),
        ("four four four four", 0.1, DIGITS, True),
        ("jon", 0.8, ANY_NAME, True),
    ],
)
def test_it_is_asked_where_it_is_better(heard, sure, expect, is_asked):
    assert should_transcribe(Transcript(heard, sure), expect) is is_asked


def test_the_surer_transcript_counts():
    heard, written = Transcript("helo i lost mi card", 0.3), Transcript("hello i lost my card", 0.4)
    assert preferred_transcript(heard, written) is written
    surer = Transcript("operator", 0.8)
    assert preferred_transcript(surer, written) is surer
    assert preferred_transcript(heard, NO_TRANSCRIPT) is heard


def test_of_two_that_are_equally_sure_the_encoder_counts():
    """It was there first, and what was shown of the turn so far came from it."""
    heard, written = Transcript("yes", 0.5), Transcript("yes yes", 0.5)
    assert preferred_transcript(heard, written) is heard
