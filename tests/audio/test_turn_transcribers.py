"""The transcriber of whole turns is the one that the setting names, or the packaged one."""

from __future__ import annotations

import pytest

from audio import turn_transcribers
from audio.hub import CheckpointError
from audio.model_packages import WHISPER_BASE, missing_distributions, model_folder
from audio.seq2seq_transcriber import Seq2SeqTranscriber
from audio.turn_transcribers import AUTO, load_turn_transcriber
from audio.whisper_transcriber import WhisperTranscriber
from tests.support import tiny

packaged = pytest.mark.skipif(bool(missing_distributions(WHISPER_BASE)), reason="not installed")


def test_there_may_be_none(monkeypatch):
    assert load_turn_transcriber("", 2.5) is None
    monkeypatch.setattr(turn_transcribers, "model_folder", lambda package: None)
    assert load_turn_transcriber(AUTO, 2.5) is None


def test_a_checkpoint_of_transformers_is_opened_by_its_folder(tmp_path):
    tiny.moonshine(tmp_path)
    transcriber, model = load_turn_transcriber(str(tmp_path), 2.5)
    assert isinstance(transcriber, Seq2SeqTranscriber)
    assert model.source == str(tmp_path)


@packaged
@pytest.mark.model
def test_the_packaged_model_is_opened_by_itself_and_by_its_folder():
    transcriber, model = load_turn_transcriber(AUTO, 2.5)
    assert isinstance(transcriber, WhisperTranscriber)
    assert (model.name, model.licence) == ("whisper-base", "MIT")
    folder = str(model_folder(WHISPER_BASE))
    transcriber, model = load_turn_transcriber(folder, 2.5)
    assert isinstance(transcriber, WhisperTranscriber)
    assert (model.source, model.sha256) == (folder, WHISPER_BASE.sha256[:12])


def test_what_is_not_here_is_refused():
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load_turn_transcriber("someone/whisper", 2.5)
