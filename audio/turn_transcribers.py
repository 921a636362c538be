"""Choice and loading of the model that transcribes whole turns.

By a folder or a hub name: a Whisper model on CTranslate2, as faster-whisper has it, or a Whisper or
Moonshine checkpoint of transformers. "auto" is the packaged Whisper base, where it is installed
(audio/model_packages.py). Held by tests/audio/test_turn_transcribers.py.
"""

from __future__ import annotations

from pathlib import Path

from audio.hub import find_folder, find_licence, is_ctranslate2_whisper, read_json, short_sha256
from audio.model_info import ModelInfo
from audio.model_packages import WHISPER_BASE, model_folder
from audio.whole_turns import WholeTurnTranscriber

AUTO = "auto"  # the packaged model, or none


def load_turn_transcriber(
    checkpoint: str, time_limit_s: float
) -> tuple[WholeTurnTranscriber, ModelInfo] | None:
    """The transcriber that a setting names, and what it is; None for "" and for "auto" without the
    packages of the model.

    `time_limit_s` bounds a turn where the model can be stopped. CheckpointError or
    ModelPackageError for what cannot be opened.
    """
    if not checkpoint:
        return None
    if checkpoint == AUTO:
        folder = model_folder(WHISPER_BASE)
        if folder is None:
            return None
        info = ModelInfo(
            WHISPER_BASE.name, WHISPER_BASE.origin, WHISPER_BASE.sha256[:12], WHISPER_BASE.licence
        )
    else:
        folder = find_folder(checkpoint)
        if not is_ctranslate2_whisper(read_json(folder / "config.json")):
            return _load_transformers_model(checkpoint, time_limit_s)
        licence = find_licence(folder)
        info = ModelInfo(checkpoint, checkpoint, short_sha256(folder / "model.bin"), licence)
    # Slow to import, and not needed without such a model.
    from audio.whisper_transcriber import WhisperTranscriber

    return WhisperTranscriber.load(folder), info


def is_ctranslate2_folder(folder: Path) -> bool:
    """Whether a folder has a Whisper model on CTranslate2."""
    config = folder / "config.json"
    return config.is_file() and is_ctranslate2_whisper(read_json(config))


def _load_transformers_model(
    checkpoint: str, time_limit_s: float
) -> tuple[WholeTurnTranscriber, ModelInfo]:
    from audio import checkpoints
    from audio.seq2seq_transcriber import Seq2SeqTranscriber

    found = checkpoints.find(checkpoint)
    info = ModelInfo(found.name, found.name, found.weights_digest(), found.licence)
    return Seq2SeqTranscriber.load(found, time_limit_s), info
