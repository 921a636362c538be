import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.lab.training.understanding.confusions import (
    WordConfusions,
    add_noisy_copies,
    align_words,
)
from agent.lab.training.understanding.examples import IntentExample
from agent.lab.training.understanding.synthetic_transcripts import SyntheticTranscript

WORDS = st.lists(st.sampled_from(["pay", "my", "bill", "card", "car"]), max_size=6)


def told(*pairs):
    return [SyntheticTranscript(said, "voice", heard, 0.5) for said, heard in pairs]


@given(WORDS, WORDS)
def test_every_word_said_is_aligned_once_and_in_order(said, heard):
    assert [word for word, _ in align_words(said, heard)] == said


def test_a_perfect_transcriber_changes_nothing():
    confusions = WordConfusions.from_transcripts(told(*[("pay my bill", "pay my bill")] * 3))
    assert confusions.noisy_copy("pay my bill", np.random.default_rng(0)) == "pay my bill"


def test_words_are_exchanged_as_often_as_they_were_misheard():
    pairs = [("my card", "my car")] * 3 + [("my card", "my card")]
    confusions = WordConfusions.from_transcripts(told(*pairs))
    rng = np.random.default_rng(1)
    made = [confusions.noisy_copy("block my card", rng) for _ in range(400)]
    assert 0.68 < sum(one == "block my car" for one in made) / 400 < 0.82
    again = [confusions.noisy_copy("block my card", np.random.default_rng(2)) for _ in range(2)]
    assert again[0] == again[1]


def test_only_training_rows_are_widened():
    confusions = WordConfusions.from_transcripts(told(*[("card", "car")] * 3))
    rows = [
        IntentExample("card", "lost", "own", "train"),
        IntentExample("card", "lost", "own", "dev"),
    ]
    assert [row.transcripts for row in add_noisy_copies(rows, confusions)] == [("car", "car"), ()]
