"""What would a dialogue have asked before this recording, and which answers are right?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from agent.lab.evaluation.manifest import Recording
from audio.answer_phrases import DIGITS, NO_PHRASES, YES_PHRASES
from audio.types import Expectation

Asking = Literal["auto", "open", "digits", "yes_no", "keywords"]
KEYWORD = "keyword"
COPIES = {"double": 2, "triple": 3}


def menu(recordings: Sequence[Recording], asking: Asking) -> tuple[str, ...]:
    """The choices of a closed question: what the manifest's keyword lines say between them."""
    every = asking == "keywords"
    return tuple(sorted({r.text for r in recordings if r.text and (every or r.kind == KEYWORD)}))


def question(recording: Recording, asking: Asking, choices: tuple[str, ...]) -> Expectation | None:
    """None: nothing in particular was asked, or the text is no answer to what was asked."""
    text = recording.text
    if not text or asking == "open":
        return None
    if asking == "keywords":
        return Expectation("choice", choices=choices)
    if asking == "auto" and recording.expect is not None:
        return None if recording.expect == Expectation() else recording.expect
    if asking in ("auto", "digits") and (said := digits(text)):
        return Expectation("digits", len(said))
    # "stop" and "sure" are such answers too, but by themselves they may answer anything.
    plainly = asking == "yes_no" or text.split()[0] in ("yes", "no")
    if asking in ("auto", "yes_no") and plainly and text in (*YES_PHRASES, *NO_PHRASES):
        return Expectation("yes_no")
    if asking == "auto" and recording.kind == KEYWORD:
        return Expectation("choice", choices=choices)
    return None


def sort(recording: Recording, asked: Expectation | None, choices: tuple[str, ...]) -> str:
    """The kind of answer that a recording is, whether or not the ears were told."""
    asked = asked or question(recording, "auto", choices)
    return asked.kind if asked else ""


def digits(text: str) -> list[str]:
    """The digits of a text that holds nothing else, otherwise none."""
    said = unrolled(text)
    return said if all(word in DIGITS for word in said) else []


def unrolled(text: str) -> list[str]:
    """Words, with "double five" as "five five" and "oh" as "zero"."""
    said, times = list[str](), 1
    for word in text.split():
        if word in COPIES:
            times = COPIES[word]
            continue
        said += ["zero" if word == "oh" else word] * times
        times = 1
    return said


def right(kind: str, truth: str, heard: str) -> bool:
    """Would the dialogue have taken `heard` as `truth`?"""
    if kind == "digits":
        return unrolled(truth) == unrolled(heard)
    if kind == "yes_no" and truth in (*YES_PHRASES, *NO_PHRASES):
        return heard in (YES_PHRASES if truth in YES_PHRASES else NO_PHRASES)
    return truth == heard
