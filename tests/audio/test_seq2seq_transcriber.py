"""A model that writes whole turns is believed within bounds, and only where it helps.

The tiny models here say a sentence whatever they hear (tests/support/tiny.py), or are random.
"""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio import checkpoints
from audio.checkpoints import CheckpointError
from audio.seq2seq_transcriber import (
    MAX_TURN_SAMPLES,
    Seq2SeqTranscriber,
    is_repetitive,
    normalised_words,
    should_transcribe,
    split_at_pauses,
    spread_words,
)
from audio.speech_analyser import SpeechAnalyser
from audio.types import RATE, Expectation, Transcript, Word
from dialogs.extraction.slots import extract
from tests.support import tiny
from tests.support.packs import bank_pack

EMBEDDED = Path("agent") / "weights"
START = 5000
noise = np.random.default_rng(6).standard_normal


def turn(seconds=2.0, pause=0.3):
    """Loud, but for a pause at each end."""
    samples = (noise(int(seconds * RATE)) * 0.1).astype(np.float32)
    for quiet in (slice(0, int(pause * RATE)), slice(-int(pause * RATE), None)):
        samples[quiet] *= 0.001
    return samples


def opened(folder):
    return Seq2SeqTranscriber.load(checkpoints.find(str(folder)), time_limit_s=30)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    home = tmp_path_factory.mktemp("writers")
    tiny.whisper(home / "whisper", surely=0.1)
    tiny.whisper(home / "english", aligned=False, multilingual=False)
    tiny.moonshine(home / "moonshine", surely=0.1)
    tiny.whisper(home / "random-whisper", sentence=None)
    tiny.moonshine(home / "random-moonshine", sentence=None)
    # one that says the same until it is stopped
    tiny.moonshine(home / "loop", sentence=(" no", " no"), ends=False)
    return home


@pytest.mark.parametrize("name", ["whisper", "english", "moonshine"])
def test_a_turn_is_written_down(folders, name):
    writer = opened(folders / name)
    samples = turn()
    written = writer.transcribe(samples, START)
    assert written.text == "hello i lost my card"
    assert [word.text for word in written.words] == written.text.split()
    assert 0 < written.confidence <= 1
    at = START
    for word in written.words:
        assert at <= word.start <= word.end <= START + len(samples)
        assert 0 < word.confidence <= 1
        at = word.start
    assert written.words[0].start >= START + 0.25 * RATE  # not in the silence before
    assert writer.transcribe(samples, START) == written


def test_confidence_follows_the_model(folders, tmp_path):
    tiny.moonshine(tmp_path, surely=0.05)
    sure, less, least = (
        opened(folder).transcribe(turn(), 0).confidence
        for folder in (folders / "english", folders / "moonshine", tmp_path)
    )
    assert 1 >= sure > less > least > 0


@pytest.mark.parametrize("name", ["random-whisper", "random-moonshine"])
def test_what_never_ends_is_not_believed(folders, name):
    written = opened(folders / name).transcribe(turn(), START)
    assert written == Transcript("", 0.0)


def test_what_says_the_same_until_it_is_stopped_is_not_believed(folders):
    assert opened(folders / "loop").transcribe(turn(20), START) == Transcript("", 0.0)


def test_a_loop_is_told_from_a_customer_who_repeats_herself():
    assert is_repetitive("thank you for watching " * 6)
    assert not is_repetitive("no no no no no i said no")
    assert not is_repetitive("four four four four seven seven")


def test_what_takes_too_long_is_not_believed(folders):
    writer = Seq2SeqTranscriber.load(checkpoints.find(str(folders / "whisper")), time_limit_s=1e-9)
    assert writer.transcribe(turn(), START) == Transcript("", 0.0)


@pytest.mark.parametrize("samples", [0, 100, RATE // 6, MAX_TURN_SAMPLES + 1])
def test_too_little_and_too_much_is_left_to_the_encoder(folders, samples):
    assert opened(folders / "whisper").transcribe(np.zeros(samples, np.float32), 0).text == ""


def test_long_turns_are_written_piece_by_piece(folders):
    """The tiny Whisper hears 3 s at a time."""
    samples = np.concatenate([turn(2.5), turn(2.5), turn(2.5)])
    written = opened(folders / "whisper").transcribe(samples, START)
    assert written.text == " ".join(["hello i lost my card"] * 3)
    starts = [word.start for word in written.words if word.text == "hello"]
    assert starts == pytest.approx(
        [START + 2.8 * RATE + i * 2.5 * RATE for i in (-1, 0, 1)], abs=RATE
    )


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


OPEN = Expectation()
LIKELY = Expectation("open", choices=("lost card",))
YES_NO = Expectation("yes_no")
DIGITS = Expectation("digits", 4)
ANY_NAME = Expectation("name")


@pytest.mark.parametrize(
    ("heard", "sure", "expect", "is_asked"),
    [
        ("helo i lost mi card", 0.9, OPEN, True),
        ("", 0.0, OPEN, False),
        ("lost card", 0.9, LIKELY, False),
        ("lost card", 0.3, LIKELY, True),
        ("i lost a card", 0.9, LIKELY, True),
        ("yes", 0.8, YES_NO, False),
        ("yes", 0.2, YES_NO, True),
        ("four eight five three", 0.7, DIGITS, False),
        ("four four four four", 0.1, DIGITS, True),
        ("jon", 0.9, ANY_NAME, True),
    ],
)
def test_it_is_asked_where_it_is_better(heard, sure, expect, is_asked):
    assert should_transcribe(Transcript(heard, sure), expect) is is_asked


def test_a_doubtful_answer_gives_way_to_a_surer_one_alone(folders):
    writer = opened(folders / "moonshine")
    mine = writer.transcribe(turn(), 0).confidence
    doubtful = Transcript("yes", mine / 2, (Word("yes", 0, 9, 1.0),))
    assert writer.preferred_transcript(doubtful, YES_NO, turn(), 0).text == "hello i lost my card"
    surer = Transcript("yes", min(0.49, mine + 0.01))
    if surer.confidence > mine:
        assert writer.preferred_transcript(surer, YES_NO, turn(), 0) is surer
    unheard = np.zeros(100, np.float32)
    assert writer.preferred_transcript(doubtful, YES_NO, unheard, 0) is doubtful


@pytest.fixture(scope="module")
def spelling(tmp_path_factory):
    """An encoder that hears "h" in everything."""
    folder = tmp_path_factory.mktemp("spelling")
    model = tiny.speller(folder)
    tiny.says(model, tiny.BASE_960H["H"])
    model.save_pretrained(folder)
    return folder


def test_ears_with_a_writer(folders, spelling):
    writing = str(folders / "moonshine")
    ears = SpeechAnalyser.load(
        EMBEDDED, str(spelling), infer_emotion=False, seq2seq_checkpoint=writing
    )
    assert ears.models["whole_turns"].streaming == "no"
    ears.warm_up()
    stream = ears.open(START, False)
    assert ears.advance([(stream, turn())]) == ["h"]  # partial text stays the encoder's
    spoken = ears.finish(stream, OPEN)
    assert spoken.transcript.text == "hello i lost my card"
    assert spoken.models["whole_turns"] == writing
    stream = ears.open(START, False)
    ears.advance([(stream, turn())])
    spoken = ears.finish(stream, Expectation("open", choices=("h",)))
    assert spoken.transcript.text in ("h", "hello i lost my card")
    assert ("whole_turns" in spoken.models) == (spoken.transcript.text != "h")


def test_by_name_and_offline(folders, tmp_path, monkeypatch):
    tiny.in_cache(tmp_path, "someone/tiny-moonshine", folders / "moonshine", monkeypatch)
    writer = Seq2SeqTranscriber.load(checkpoints.find("someone/tiny-moonshine"), 30)
    assert writer.transcribe(turn(), 0).text


def test_an_old_checkpoint_without_generation_config(folders, tmp_path):
    shutil.copytree(folders / "whisper", tmp_path / "old")
    (tmp_path / "old" / "generation_config.json").unlink()
    opened(tmp_path / "old").transcribe(turn(), 0)  # any answer, but no exception


def test_a_distilled_checkpoint_with_the_alignment_of_its_teacher(folders, tmp_path):
    shutil.copytree(folders / "whisper", tmp_path / "distilled")
    told = json.loads((tmp_path / "distilled" / "generation_config.json").read_text())
    tiny.written(
        tmp_path / "distilled", "generation_config.json", told | {"alignment_heads": [[5, 3]]}
    )
    assert opened(tmp_path / "distilled").transcribe(turn(), 0).words


def lacking(name):
    return lambda folder: (folder / name).unlink()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lacking("model.safetensors"), "no weights"),
        (lacking("tokenizer.json"), "lacks its tokenizer"),
        (lacking("preprocessor_config.json"), "lacks its tokenizer or its preprocessor"),
        (
            lambda folder: tiny.written(
                folder, "preprocessor_config.json", tiny.extractor(False, sampling_rate=8000)
            ),
            "hears 8000 samples",
        ),
    ],
)
def test_what_is_not_whole_is_refused(folders, tmp_path, change, words):
    shutil.copytree(folders / "moonshine", tmp_path / "m")
    change(tmp_path / "m")
    with pytest.raises(CheckpointError, match=words):
        opened(tmp_path / "m")


def test_other_models_are_refused(spelling, folders):
    with pytest.raises(CheckpointError, match="one of letters"):
        opened(spelling)
    with pytest.raises(CheckpointError, match="no CTC head.*one of whole turns"):
        checkpoints.open_ctc_model(checkpoints.find(str(folders / "whisper")))
