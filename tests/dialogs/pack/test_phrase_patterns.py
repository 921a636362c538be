"""What the pattern language means, and what it refuses."""

from __future__ import annotations

import pytest

from dialogs.pack.phrase_matcher import PhraseMatcher
from dialogs.pack.phrase_patterns import PatternError, parse_groups, parse_pattern
from dialogs.pack.phrase_text import fold_words

GROUPS = parse_groups({"who": ["(he | she)", "my mother [in law]"], "people": ["<who>", "they"]})


def finds(pattern: str, text: str, *other_words: str) -> bool:
    matcher = PhraseMatcher(
        [parse_pattern(pattern, GROUPS)], ["funeral", "widow", "husband"], other_words
    )
    return any(True for _ in matcher.find(fold_words(text)))


@pytest.mark.parametrize(
    ("pattern", "text", "is_found"),
    [
        ("kill myself", "i will kill myself", True),
        ("kill myself", "kill only myself", False),
        ("kill myself", "I'll just, like, really kill myself.", True),
        ("kill myself", "kill. myself", False),
        ("(kill | hurt) me", "it hurts and will hurt me", True),
        ("[so] tired", "tired", True),
        ("<who> died", "my mother in law died", True),
        ("<people> died", "they died", True),
        ("<who> died", "we died", False),
        ("he .. said", "he never once said", True),
        ("he .. said", "he never once or twice said", False),
        ("he ... said", "he has never once or twice said", True),
        ("he ... said", "he left. she said", False),
        ("bomb*", "bombing", True),
        ("^ help $", "please help", True),
        ("^ help $", "help me", False),
        ("^ help", "hi. help me", True),
        ("^ help", "you help me", False),
        ("go on (like this | $)", "i can't go on", True),
        ("go on (like this | $)", "go on then talk", False),
        ("can't breathe", "i can not breathe", True),
        ("the end", "end", True),
        ("mother 's card", "my mother's card", True),
    ],
)
def test_patterns(pattern, text, is_found):
    assert finds(pattern, text) is is_found


def test_a_misspelt_long_word_is_forgiven_unless_it_is_another_word():
    assert finds("funeral", "the funreal")
    assert not finds("widow", "close the window", "window")
    assert not finds("bomb", "boom")
    assert not finds("husband", "my husbands card")


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(kill | hurt", "not closed"),
        ("(kill | hurt]", "closed by"),
        ("kill)", "closes nothing"),
        ("(kill | )", "nothing between"),
        ("(the | my) bank", "articles are not read"),
        ("<whoo> died", 'did you mean "who"'),
        ("..", "means nothing"),
        (".. died", "means nothing"),
        ("help ^ me", "only begins"),
        ("help $ me", "only ends"),
        ("(^ help) me", "begins a pattern"),
        ("be*", "too short"),
        ("!", "is no word"),
        ("", "names no word"),
    ],
)
def test_a_pattern_that_cannot_be_is_refused(pattern, says):
    with pytest.raises(PatternError, match=".*") as caught:
        parse_pattern(pattern, GROUPS)
    assert says in str(caught.value)


def test_gaps_are_filled_in_one_pass():
    pattern = "he " + "... a1 " * 12 + "... end2"
    assert not finds(pattern, "he a1 " * 400)
