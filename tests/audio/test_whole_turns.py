"""Long turns are cut in their pauses, and written words become those of all transcripts."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.types import RATE, Expectation
from audio.whole_turns import (
    is_repetitive,
    normalised_words,
    split_at_pauses,
    spread_words,
    word_token_spans,
)
from dialogs.extraction.slots import extract
from tests.support.packs import bank_pack

noise = np.random.default_rng(6).standard_normal


def turn(seconds=2.0, pause=0.3):
    """Loud, but for a pause at each end."""
    samples = (noise(int(seconds * RATE)) * 0.1).astype(np.float32)
    for quiet in (slice(0, int(pause * RATE)), slice(-int(pause * RATE), None)):
        samples[quiet] *= 0.001
    return samples


def test_a_loop_is_told_from_a_customer_who_repeats_herself():
    assert is_repetitive("thank you for watching " * 6)
    assert not is_repetitive("no no no no no i said no")
    assert not is_repetitive("four four four four seven seven")


@given(
    st.lists(st.floats(0.001, 1), min_size=1, max_size=30).map(
        lambda levels: np.repeat(levels, 700)
    ),
    st.integers(1100, 9000),
)
def test_pieces_are_all_of_the_turn_and_none_is_longer_than_the_window(levels, window):
    samples = levels.astype(np.float32)
    found = split_at_pauses(samples, window)
    assert np.array_equal(np.concatenate([piece for _, piece in found]), samples)
    assert all(len(piece) <= window for _, piece in found)
    assert [at for at, _ in found] == np.cumsum([0, *(len(p) for _, p in found[:-1])]).tolist()


def test_pieces_are_cut_in_the_pause():
    samples = np.concatenate([turn(2.0, 0.2), turn(2.0, 0.2)])
    (_, first), _ = split_at_pauses(samples, 3 * RATE)
    assert abs(len(first) - 2 * RATE) < 0.2 * RATE


@given(
    st.lists(st.text("abc", min_size=1, max_size=9), min_size=1, max_size=30), st.integers(0, 9000)
)
def test_words_are_spread_over_the_piece_in_order(words, samples):
    spans = spread_words(words, np.ones(samples, np.float32))
    assert len(spans) == len(words)
    assert all(0 <= begin <= end <= samples or samples < 512 for begin, end in spans)
    assert [begin for begin, _ in spans] == sorted(begin for begin, _ in spans)


@pytest.fixture(scope="module")
def pack():
    return bank_pack()


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("Hello,", ["hello"]),
        ("don\u2019t", ["don't"]),
        ("check-in", ["check", "in"]),
        ("twenty-one.", ["twenty", "one"]),
        ("$1,200.50.", ["$1,200.50"]),
        ("4,853", ["4,853"]),
        ("555-0199.", ["555-0199"]),
        ("a.m.", ["am"]),
        ("U.S.", ["us"]),
        ("3rd,", ["3rd"]),
        ("5%?", ["5%"]),
        ("1-year", ["1", "year"]),
        ("AT&T", ["at", "and", "t"]),
        ("'cause", ["cause"]),
        ("...", []),
        ("\u2014", []),
    ],
)
def test_written_words_become_those_of_the_house(written, words):
    assert normalised_words(written) == words


@pytest.mark.parametrize(
    ("written", "kind", "slots"),
    [
        ("I'd like to transfer $1,200.50, please.", "open", {"amount": "1200.50"}),
        ("Two hundred and fifty dollars.", "amount", {"amount": "250.00"}),
        ("It's 250.", "amount", {"amount": "250.00"}),
        ("On May 3rd, please.", "date", {"date": "2026-05-03"}),
        ("Tomorrow at 4:30 p.m.", "open", {"date": "2026-02-03", "time": "16:30"}),
        ("It's 4-8-5-3.", "digits", {"passcode": "4853"}),
    ],
)
def test_slots_understand_what_was_written(pack, written, kind, slots):
    text = " ".join(part for word in written.split() for part in normalised_words(word))
    found = extract(text, pack, Expectation(kind), date(2026, 2, 2))
    assert slots.items() <= {slot.name: slot.value for slot in found}.items()


def test_words_know_the_tokens_that_write_them_and_marks_of_noise_are_none():
    pieces = [" [", "music", "]", " I'd", " like", " twenty", "-", "one", "."]
    spans = word_token_spans(range(len(pieces)), lambda ids: "".join(pieces[i] for i in ids))
    assert spans == [("i'd", 3, 4), ("like", 4, 5), ("twenty", 5, 9), ("one", 5, 9)]
