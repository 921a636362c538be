"""Searches against brute force; expectations against letters that are nearly right."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.beam_search import BeamSearchDecoder
from audio.phrase_search import Alphabet, Phrase, find_phrases
from audio.transcriber import GreedyTranscript, Transcriber
from audio.types import Expectation

LETTERS = Alphabet(("<pad>", "|", "'", *"abcdefghijklmnopqrstuvwxyz"))
MENU = ("operator", "check balance", "pay bill")


def spoken(text, noise=0.1, hold=2):
    """Letter probabilities of somebody who says exactly this, two frames a letter and a rest."""
    ids = []
    for letter in LETTERS.spell(text):
        ids += [letter] * hold + [0]
    likely = np.full((len(ids), len(LETTERS.letters)), noise / 28, np.float32)
    likely[np.arange(len(ids)), ids] = 1 - noise
    return np.log(likely)


@pytest.fixture
def transcriber():
    return Transcriber(LETTERS)


def best_of_all(likely, text, alphabet, filler):
    """Every assignment of blank, letters and filler to frames, the slow way."""
    spelled, frames = alphabet.spell(text), len(likely)
    letters = np.delete(likely, alphabet.blank, 1).max(1) - filler
    around = np.maximum(likely[:, alphabet.blank], letters)
    best = -np.inf
    for start, end in itertools.combinations(range(frames + 1), 2):
        for path in itertools.product(sorted({0, *spelled}), repeat=end - start):
            collapsed = [k for k, _ in itertools.groupby(path) if k != alphabet.blank]
            if collapsed == spelled:
                inside = likely[np.arange(start, end), list(path)].sum()
                best = max(best, around[:start].sum() + inside + around[end:].sum())
    return best


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from(["a", "ab", "aa", "aba"]))
def test_search_finds_the_best_path(seed, text):
    alphabet = Alphabet(("<pad>", "|", "a", "b"))
    logits = np.random.default_rng(seed).standard_normal((5, 4)).astype(np.float32) * 2
    likely = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    found = find_phrases(likely, [Phrase(text)], alphabet, filler=1.5)
    assert found.score == pytest.approx(best_of_all(likely, text, alphabet, 1.5), abs=1e-4)


def test_greedy_partials_do_not_depend_on_packets(transcriber):
    likely = spoken("check my balance")
    pieces = GreedyTranscript()
    for row in likely:
        text = transcriber.extend_partial(pieces, row[None])
    assert text == transcriber.extend_partial(GreedyTranscript(), likely) == "check my balance"


@pytest.mark.parametrize(
    ("letters", "expect", "text"),
    [
        ("uh operater please", Expectation("choice", choices=MENU), "operator"),
        ("chek balence", Expectation("choice", choices=MENU), "check balance"),
        ("yea", Expectation("yes_no"), "yeah"),
        ("yes please", Expectation("yes_no"), "yes please"),
        ("nou", Expectation("yes_no"), "no"),
        ("fife seben nin", Expectation("digits", 3), "five seven nine"),
        ("dubble five two", Expectation("digits", 3), "double five two"),
        ("oh one one", Expectation("digits"), "oh one one"),
        ("two hundred dolars", Expectation("amount"), "two hundred dollars"),
        ("march thrd ninteen eighty", Expectation("date"), "march third nineteen eighty"),
        ("get me the operater now", Expectation("open", choices=MENU), "get me the operator now"),
        ("hello there", Expectation("open", choices=MENU), "hello there"),
        ("ann", Expectation("name"), "ann"),
    ],
)
def test_the_question_decides_the_reading(transcriber, letters, expect, text):
    assert transcriber.decode(spoken(letters), 0, expect).text == text


def test_a_wrong_guess_from_a_closed_list_is_doubted(transcriber):
    choices = Expectation("choice", choices=MENU)
    right = transcriber.decode(spoken("operator"), 0, choices).confidence
    wrong = transcriber.decode(spoken("wildfire season"), 0, choices).confidence
    assert right > 0.8
    assert wrong < 0.2


def test_another_number_of_digits_than_asked_for_is_told(transcriber):
    said = transcriber.decode(spoken("one two three four five"), 0, Expectation("digits", 3))
    assert said.text == "one two three four five"


def test_words_have_positions_in_samples(transcriber):
    said = transcriber.decode(spoken("one two"), 16_000, Expectation("digits", 2))
    one, two = said.words
    # 3 frames a letter: "two" begins after "one" and the boundary, at frame 12
    assert (one.start, one.end) == (16_000, 16_000 + 8 * 320)
    assert (two.start, two.end) == (16_000 + 12 * 320, 16_000 + 20 * 320)


def test_silence_is_no_words(transcriber):
    silence = np.log(np.tile([0.98, *[0.02 / 28] * 28], (50, 1))).astype(np.float32)
    for kind in ("open", "yes_no", "digits", "date"):
        assert transcriber.decode(silence, 0, Expectation(kind)).text == ""
    assert transcriber.decode(silence[:0], 0, Expectation()).confidence == 0


ARPA = """\\data\\
ngram 1=7
ngram 2=1

\\1-grams:
-99\t<s>
-1.0\t</s>
-2.0\t<unk>
-0.6\tcheck\t-0.3
-0.6\tmy
-0.6\tbalance
-0.9\tchair

\\2-grams:
-0.1\tcheck my

\\end\\
"""


def test_lexicon_corrects_spelling(tmp_path):
    (tmp_path / "words.arpa").write_text(ARPA)
    words = ("balance", "chair", "check", "my")
    (tmp_path / "words.lexicon").write_text("".join(f"{w}\t{' '.join(w)} |\n" for w in words))
    lexicon = BeamSearchDecoder(tmp_path, LETTERS)
    said = Transcriber(LETTERS, beam_search=lexicon).decode(
        spoken("chek my balence"), 0, Expectation()
    )
    assert said.text == "check my balance"
    assert [w.start for w in said.words] == sorted(w.start for w in said.words)
