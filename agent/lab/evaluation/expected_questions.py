"""Questions that a dialogue would have asked before a recording, and the check of answers."""

from __future__ import annotations

from collections.abc import Sequence

from agent.lab.evaluation.manifest import LabelledRecording
from agent.lab.evaluation.question_mode import QuestionMode
from audio.answer_phrases import DIGITS, NO_PHRASES, YES_PHRASES
from audio.types import Expectation

KEYWORD_KIND = "keyword"
REPETITIONS = {"double": 2, "triple": 3}


def keyword_choices(recordings: Sequence[LabelledRecording], mode: QuestionMode) -> tuple[str, ...]:
    """The choices of a closed question: all texts of the manifest's keyword lines."""
    every = mode == "keywords"
    return tuple(
        sorted({r.text for r in recordings if r.text and (every or r.kind == KEYWORD_KIND)})
    )


def find_expectation(
    recording: LabelledRecording, mode: QuestionMode, choices: tuple[str, ...]
) -> Expectation | None:
    """What the dialogue expects; None when nothing, or when the text does not answer it."""
    text = recording.text
    if not text or mode == "open":
        return None
    if mode == "keywords":
        return Expectation("choice", choices=choices)
    if mode == "auto" and recording.expectation is not None:
        return None if recording.expectation == Expectation() else recording.expectation
    if mode in ("auto", "digits") and (digit_words := find_digits(text)):
        return Expectation("digits", len(digit_words))
    # "stop" and "sure" mean yes or no too, but they may also answer another question.
    plainly = mode == "yes_no" or text.split()[0] in ("yes", "no")
    if mode in ("auto", "yes_no") and plainly and text in (*YES_PHRASES, *NO_PHRASES):
        return Expectation("yes_no")
    if mode == "auto" and recording.kind == KEYWORD_KIND:
        return Expectation("choice", choices=choices)
    return None


def answer_kind(
    recording: LabelledRecording, expectation: Expectation | None, choices: tuple[str, ...]
) -> str:
    """The kind of answer that a recording is, whether or not it was expected; "" for none."""
    expectation = expectation or find_expectation(recording, "auto", choices)
    return expectation.kind if expectation else ""


def find_digits(text: str) -> list[str]:
    """The digit words of a text of digits only; empty for any other text."""
    digit_words = expand_digit_words(text)
    return digit_words if all(word in DIGITS for word in digit_words) else []


def expand_digit_words(text: str) -> list[str]:
    """Words, with "double five" expanded to "five five" and "oh" to "zero"."""
    words, times = list[str](), 1
    for word in text.split():
        if word in REPETITIONS:
            times = REPETITIONS[word]
            continue
        words += ["zero" if word == "oh" else word] * times
        times = 1
    return words


def is_right_answer(kind: str, truth: str, hypothesis: str) -> bool:
    """Whether the dialogue would have understood `hypothesis` as `truth`."""
    if kind == "digits":
        return expand_digit_words(truth) == expand_digit_words(hypothesis)
    if kind == "yes_no" and truth in (*YES_PHRASES, *NO_PHRASES):
        return hypothesis in (YES_PHRASES if truth in YES_PHRASES else NO_PHRASES)
    return truth == hypothesis
