"""The packaged Whisper base writes what was said, when it was said, and nothing into silence."""

from __future__ import annotations

import numpy as np
import pytest

from audio.codecs import decode, encode
from audio.hub import CheckpointError
from audio.model_packages import WHISPER_BASE, missing_distributions, model_folder
from audio.resample import resample
from audio.speak import TtsVoice
from audio.types import NO_TRANSCRIPT, RATE
from audio.whisper_transcriber import WhisperTranscriber

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(bool(missing_distributions(WHISPER_BASE)), reason="not installed"),
]
START = 5000


@pytest.fixture(scope="module")
def whisper():
    return WhisperTranscriber.load(model_folder(WHISPER_BASE))


@pytest.fixture(scope="module")
def lost_card():
    """A customer on the telephone."""
    said = "Hello, I lost my card yesterday, and I would like to block it."
    spoken = np.concatenate(list(TtsVoice().synthesise_sentences(said, 8000)))
    return resample(
        np.ascontiguousarray(decode(encode(spoken, "mulaw"), "mulaw", 1)[:, 0]), 8000, RATE
    )


def test_a_turn_is_written_with_the_time_of_every_word(whisper, lost_card):
    written = whisper.transcribe(lost_card, START)
    assert written.text.startswith("hello i lost my car")
    assert written.text.endswith("would like to block it")
    assert [word.text for word in written.words] == written.text.split()
    assert 0.3 < written.confidence <= 1
    starts = [word.start for word in written.words]
    assert starts == sorted(starts)
    for word in written.words:
        assert START <= word.start <= word.end <= START + len(lost_card)
        assert 0 < word.confidence <= 1


def test_a_turn_is_written_the_same_wherever_it_begins(whisper, lost_card):
    first, later = whisper.transcribe(lost_card, 0), whisper.transcribe(lost_card, START)
    assert first.text == later.text
    assert [word.start + START for word in first.words] == [word.start for word in later.words]


def test_the_silence_that_is_not_encoded_changes_hardly_a_word(whisper, lost_card):
    padded = np.concatenate([lost_card, np.zeros(10 * RATE, np.float32)])
    encoded_whole, shortened = whisper.transcribe(padded, 0), whisper.transcribe(lost_card, 0)
    assert encoded_whole.text.split()[-8:] == shortened.text.split()[-8:]
    assert len(encoded_whole.words) == len(shortened.words)


def test_what_is_said_after_a_long_pause_is_written_as_well(whisper, lost_card):
    """Longer than what the decoder hears at once."""
    samples = np.concatenate([lost_card, np.zeros(24 * RATE, np.float32), lost_card])
    written = whisper.transcribe(samples, 0)
    assert written.text.count("like to block it") == 2
    assert written.words[-1].start > 24 * RATE


@pytest.mark.parametrize("loudness", [0.0, 0.001, 0.1])
@pytest.mark.parametrize("seconds", [0.3, 2, 8])
def test_nothing_is_invented_where_nobody_speaks(whisper, loudness, seconds):
    noise = np.random.default_rng(4).standard_normal(int(seconds * RATE)) * loudness
    assert whisper.transcribe(noise.astype(np.float32), 0) == NO_TRANSCRIPT


@pytest.mark.parametrize("samples", [0, 100, 61 * RATE])
def test_too_little_and_too_much_is_left_to_the_encoder(whisper, samples):
    assert whisper.transcribe(np.zeros(samples, np.float32), 0) == NO_TRANSCRIPT


def test_what_is_not_whole_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="lacks model.bin, config.json, tokenizer.json"):
        WhisperTranscriber.load(tmp_path)
    (tmp_path / "config.json").write_text('{"alignment_heads": [[0, 0]]}')
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "model.bin").write_bytes(b"no model")
    with pytest.raises(CheckpointError, match="holds no Whisper model"):
        WhisperTranscriber.load(tmp_path)
