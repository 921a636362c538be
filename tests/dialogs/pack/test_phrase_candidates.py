"""The candidate patterns of a text: all that could match, and few that could not."""

import random

from dialogs.pack.phrase_candidates import CandidatePatterns
from dialogs.pack.phrase_matcher import PhraseMatcher
from dialogs.pack.phrase_patterns import parse_groups, parse_pattern
from dialogs.pack.phrase_text import fold_words

GROUPS = parse_groups({"family": ["mother", "father", "my sister"]})
LINES = (
    "kill myself",
    "<family> died",
    "(hurt | harm) (myself | himself)",
    "[really] bad day",
    "^ help me $",
    "he ... told me",
    "bomb* .. building",
)
PATTERNS = [parse_pattern(line, GROUPS) for line in LINES]


def lines_of(*keys: str) -> list[str]:
    return [LINES[number] for number in CandidatePatterns(PATTERNS).of_keys(set(keys))]


def test_a_pattern_is_a_candidate_when_the_text_has_its_rarest_word():
    assert lines_of("kill", "myself") == ["kill myself"]
    assert "kill myself" not in lines_of("myself")  # that word is in two patterns


def test_one_word_of_a_group_is_enough():
    assert "<family> died" in lines_of("died")
    assert lines_of("father") == []


def test_words_that_may_be_missing_are_not_needed():
    assert lines_of("bad", "day") == ["[really] bad day"]


def test_a_prefix_is_looked_up_as_it_is_written():
    assert lines_of("bomb*", "building") == ["bomb* .. building"]


def test_a_text_without_any_needed_word_has_no_candidates():
    assert lines_of("what", "are", "your", "hours") == []


def test_whatever_a_pattern_matches_alone_it_matches_among_all():
    random_words = random.Random(7)
    words = "kill myself he told me my sister mother died harm himself bad day help bombs the a ."
    together = PhraseMatcher(PATTERNS)
    alone = [PhraseMatcher([pattern]) for pattern in PATTERNS]
    for _ in range(300):
        text = fold_words(" ".join(random_words.choices(words.split(), k=12)))
        found = {(one.pattern, one.first, one.last) for one in together.find(text)}
        expected = {
            (number, one.first, one.last)
            for number, matcher in enumerate(alone)
            for one in matcher.find(text)
        }
        assert found == expected
