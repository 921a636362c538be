"""Cues count when there are enough of them, near each other and each in its own words."""

from __future__ import annotations

import pytest

from dialogs.pack.care_evidence import CUE_WORDS, PhraseRole, sufficient_evidence
from dialogs.pack.phrase_matcher import PatternMatch

OUTRIGHT = PhraseRole(("hardship",))
WHO = PhraseRole(("hardship",), cue="who")
LOSS = PhraseRole(("hardship",), cue="loss")
EXCEPTION = PhraseRole(("hardship",), "excepts")
QUESTION = PhraseRole(("hardship",), "weakens")


def at(role: PhraseRole, first: int, last: int) -> tuple[PhraseRole, PatternMatch]:
    return role, PatternMatch(0, first, last)


@pytest.mark.parametrize(
    ("matches", "is_enough"),
    [
        ([at(OUTRIGHT, 0, 2)], True),
        ([at(WHO, 0, 2)], False),
        ([at(WHO, 0, 1), at(WHO, 4, 5)], False),
        ([at(WHO, 0, 1), at(LOSS, 2, 3)], True),
        ([at(WHO, 0, 2), at(LOSS, 2, 3)], False),
        ([at(WHO, 0, 1), at(LOSS, CUE_WORDS, CUE_WORDS)], False),
        ([at(WHO, 0, 1), at(LOSS, 2, 3), at(EXCEPTION, 2, 4)], False),
        ([at(OUTRIGHT, 0, 2), at(QUESTION, 5, 6)], False),
        ([at(OUTRIGHT, 0, 2), at(WHO, 7, 8), at(QUESTION, 5, 6)], True),
        ([at(WHO, 0, 1), at(LOSS, 2, 3), at(QUESTION, 5, 6)], False),
    ],
)
def test_what_is_enough(matches, is_enough):
    assert bool(sufficient_evidence(matches, enough_cues=2)) is is_enough


def test_the_words_are_those_of_the_outright_phrase():
    matches = [at(OUTRIGHT, 3, 5), at(WHO, 0, 1)]
    assert sufficient_evidence(matches, enough_cues=2) == [PatternMatch(0, 3, 5)]
