"""Words fold to one spelling, and each knows where it came from."""

from __future__ import annotations

import pytest

from dialogs.pack.phrase_text import MAX_CHARACTERS, fold_words


def words(text: str) -> str:
    return " ".join(one.word for one in fold_words(text))


@pytest.mark.parametrize(
    "text", ["I can't", "i cant", "I cannot", "i can not", "I CAN\u2019T", "i can\u02bct"]
)
def test_contractions_fold_to_the_same_words(text):
    assert words(text) == "i can not ."


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("My fianc\u00e9e's card", "my fiancee 's card ."),
        ("an apple. The end", "apple . end ."),
        ("pleeeease!!! help", "please . help ."),
        ("wanna, gonna", "want to going to ."),
        ("", ""),
        ("?!", ""),
    ],
)
def test_folding(text, folded):
    assert words(text) == folded


def test_each_word_knows_its_place():
    text = "He\u2019s  DEAD"
    assert [text[one.start : one.end] for one in fold_words(text)][:3] == ["He\u2019s"] * 2 + [
        "DEAD"
    ]


def test_a_long_text_is_read_at_both_ends():
    folded = fold_words("first " + "x " * MAX_CHARACTERS + "last")
    assert folded[0].word == "first"
    assert folded[-2].word == "last"
    assert len(folded) < MAX_CHARACTERS
