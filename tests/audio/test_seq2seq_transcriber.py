"""A model that writes whole turns is believed within bounds, and only where it helps.

The tiny models here say a sentence whatever they hear (tests/support/tiny.py), or are random.
"""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from audio import checkpoints
from audio.checkpoints import CheckpointError
from audio.seq2seq_transcriber import Seq2SeqTranscriber
from audio.types import RATE, Transcript
from audio.whole_turns import MAX_TURN_SAMPLES
from tests.support import tiny

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


@pytest.fixture(scope="module")
def spelling(tmp_path_factory):
    """An encoder that hears "h" in everything."""
    folder = tmp_path_factory.mktemp("spelling")
    model = tiny.speller(folder)
    tiny.says(model, tiny.BASE_960H["H"])
    model.save_pretrained(folder)
    return folder


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
