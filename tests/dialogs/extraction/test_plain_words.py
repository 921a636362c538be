"""Contractions, shorthand and stretched letters are written out, each at its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.extraction.plain_words import plain_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dunno, I'm gonna w8", "do not know , i am going to wait"),
        ("dont", "do not"),
        ("don\u2019t", "do not"),
        ("thats it", "that is it"),
        ("yesss please!!", "yes please , ,"),
        ("uh-huh", "uh huh"),
        ("\U0001f44d\U0001f3fd", "yes"),
        ("\U0001f44e no", "no no"),
        ("is it?", "is it ?"),
        ("o'brien owes $1,234.50", "o'brien owes $ 1,234.50"),
        ("l8r, 2moro", "later , tomorrow"),
        ("", ""),
    ],
)
def test_words_are_written_out(text, words):
    assert " ".join(word.text for word in plain_words(text)) == words


@given(st.text(max_size=60))
def test_every_word_has_its_place_in_the_text(text):
    at = 0
    for word in plain_words(text):
        assert 0 <= word.start < word.end <= len(text)
        assert word.start >= at
        at = word.start
