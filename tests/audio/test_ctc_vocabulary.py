"""Whatever a vocabulary looks like, only letters are read out."""

from __future__ import annotations

import pytest

from audio.ctc_vocabulary import language_vocabulary, map_vocabulary, text_of_token
from audio.hub import CheckpointError
from tests.support.tiny import BASE_960H

PLAIN = dict(zip("|abc", range(4), strict=True))


def read(vocabulary, blank, *outputs, boundary="|", size=None):
    found = map_vocabulary(vocabulary, blank, boundary, size or 1 + max(vocabulary.values()))
    names = {0: "", 1: " "}
    return "".join(
        names.get(i, found.alphabet.letters[i])
        for i in map(found.letter_of_output.__getitem__, outputs)
    )


def test_upper_case_is_lowered_and_sentence_tokens_are_silent():
    spelled = (BASE_960H[token] for token in ("<s>", "H", "I", "</s>", "|", "<unk>", "U", "<pad>"))
    assert read(BASE_960H, 0, *spelled) == "hi u"


def test_the_embedded_way_to_begin():
    found = map_vocabulary(BASE_960H, 0, "|", 32)
    assert found.alphabet.letters[:2] == ("<pad>", "|")
    assert (found.alphabet.blank, found.alphabet.boundary) == (0, 1)
    assert found.alphabet.can_spell("it's mine")


def test_blank_may_be_any_output_and_tokens_may_be_added_behind_the_head():
    vocabulary = PLAIN | {"[UNK]": 4, "[PAD]": 5, "<s>": 6, "</s>": 7}
    assert read(vocabulary, 5, 5, 1, 4, 0, 2, size=6) == "a b"


def test_hyphens_part_words_and_punctuation_is_silent():
    vocabulary = PLAIN | {"-": 4, ",": 5, "\u2019": 6, "'": 7, "<pad>": 8}
    assert read(vocabulary, 8, 1, 4, 2, 5, 0, 1, 6, 2, 7, 3) == "a b a'b'c"


def test_upper_and_lower_case_are_one_letter():
    assert map_vocabulary(PLAIN | {"A": 4, "<pad>": 5}, 5, "|", 6).letter_of_output == (
        1,
        2,
        3,
        4,
        2,
        0,
    )


def test_outputs_without_a_token_count_as_blank():
    assert map_vocabulary(PLAIN, 7, "|", 9).letter_of_output[4:] == (0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("vocabulary", "boundary", "words"),
    [
        ({"<pad>": 0, "a": 1, "b": 2, "c": 3}, "|", "no token between words"),
        ({"<pad>": 0, "|": 1, "<s>": 2}, "|", "no letters"),
        ({"<pad>": 0, "|": 1, "a": 2, "ing": 3, "the": 4}, "|", "pieces such as 'ing'"),
    ],
)
def test_what_is_no_alphabet_is_refused(vocabulary, boundary, words):
    with pytest.raises(CheckpointError, match=words):
        map_vocabulary(vocabulary, 0, boundary, len(vocabulary))


def test_one_language_of_many():
    nested = {"deu": {"a": 1}, "eng": {"b": 2}, "fra": {"c": 3}}
    assert language_vocabulary(nested, {}) == {"b": 2}
    assert language_vocabulary(nested, {"target_lang": "fra"}) == {"c": 3}
    assert language_vocabulary({"xyz": {"a": 1}}, {"target_lang": None}) == {"a": 1}
    assert language_vocabulary(PLAIN, {}) == PLAIN


@pytest.mark.parametrize(
    ("told", "text"),
    [("[PAD]", "[PAD]"), ({"content": "<pad>"}, "<pad>"), (None, None), ("", None)],
)
def test_special_tokens_are_written_in_two_ways(told, text):
    assert text_of_token(told) == text
