"""How does a folder or a hub name become a model, without downloading anything unasked?

The embedded weights and every other wav2vec2, HuBERT or WavLM checkpoint come in here. Names are
looked up in the local cache alone unless `download` says otherwise.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from audio import torchaudio_guard  # noqa: F401  before transformers, which imports torchaudio

# isort: split
from transformers import (
    AutoConfig,
    AutoFeatureExtractor,
    AutoModelForAudioClassification,
    AutoModelForCTC,
    HubertForCTC,
)
from transformers.utils import logging
from transformers.utils.hub import cached_file

from audio.encoder import Encoder, Reach, reach_of
from audio.listening import alphabet_of
from audio.search import Alphabet


class CheckpointError(ValueError):
    """A checkpoint that cannot be opened or used; the text says what was looked for."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model by its folder or name, and what is known of it before it is opened."""

    name: str
    config: Any
    download: bool

    @property
    def streams(self) -> bool:
        return reach_of(self.config) != Reach(0, 0)

    @property
    def spells(self) -> bool:
        return any(kind.endswith("ForCTC") for kind in self.config.architectures or ())

    @property
    def feels(self) -> bool:
        kinds = self.config.architectures or ()
        return any(kind.endswith("ForSequenceClassification") for kind in kinds)

    def file(self, name: str) -> Path | None:
        found = cached_file(
            self.name,
            name,
            local_files_only=not self.download,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        return Path(found) if found else None

    def hash(self) -> str:
        """The start of the weights' SHA-256, for humans to compare."""
        for name in ("model.safetensors", "pytorch_model.bin"):
            if path := self.file(name):
                return sha256(path)
        return "unknown"


def sha256(path: Path) -> str:
    """The first twelve figures of a file's SHA-256."""
    with path.open("rb") as weights:
        return hashlib.file_digest(weights, "sha256").hexdigest()[:12]


def find(name: str, download: bool = False) -> Checkpoint:
    # a checkpoint is open before a bar could be read
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        config = AutoConfig.from_pretrained(name, local_files_only=not download)
    except (OSError, ValueError) as problem:
        where = "" if download else " on this machine; `hearken models pull` fetches it on purpose"
        raise CheckpointError(f"no speech checkpoint {name!r}{where}") from problem
    return Checkpoint(name, config, download)


def spelling(checkpoint: Checkpoint) -> tuple[nn.Module, Alphabet, bool]:
    """(CTC model, its letters, whether it wants its input normalised)."""
    if not checkpoint.spells:
        raise CheckpointError(f"{checkpoint.name!r} has no CTC head; it cannot transcribe")
    model = AutoModelForCTC.from_pretrained(
        checkpoint.name, local_files_only=not checkpoint.download, dtype=torch.float32
    )
    return model.eval(), _alphabet(checkpoint), _normalised(checkpoint)


def streaming(checkpoint: Checkpoint) -> tuple[Encoder, nn.Module, Alphabet]:
    """(encoder, CTC head, letters) of a checkpoint whose config.json says how it streams."""
    model = HubertForCTC.from_pretrained(
        checkpoint.name, local_files_only=not checkpoint.download, dtype=torch.float32
    )
    model.requires_grad_(False)
    return Encoder(model.hubert).fold(), model.lm_head, _alphabet(checkpoint)


def classifying(checkpoint: Checkpoint) -> tuple[nn.Module, dict[int, str], bool]:
    """(sequence classifier, its labels, whether it wants its input normalised)."""
    model = AutoModelForAudioClassification.from_pretrained(
        checkpoint.name, local_files_only=not checkpoint.download, dtype=torch.float32
    )
    return model.eval(), cast("dict[int, str]", model.config.id2label), _normalised(checkpoint)


def _alphabet(checkpoint: Checkpoint) -> Alphabet:
    path = checkpoint.file("vocab.json")
    if path is None:
        raise CheckpointError(f"{checkpoint.name!r} has no vocab.json, so its letters are unknown")
    vocabulary = json.loads(path.read_text())
    vocabulary = next((v for v in vocabulary.values() if isinstance(v, dict)), vocabulary)
    settings = checkpoint.file("tokenizer_config.json")
    told = json.loads(settings.read_text()) if settings else {}
    blank = str(told.get("pad_token", "<pad>"))
    return alphabet_of(vocabulary, blank, str(told.get("word_delimiter_token", "|")))


def _normalised(checkpoint: Checkpoint) -> bool:
    if checkpoint.file("preprocessor_config.json") is None:
        return bool(checkpoint.config.feat_extract_norm == "layer")
    extractor = AutoFeatureExtractor.from_pretrained(  # type: ignore[no-untyped-call]
        checkpoint.name, local_files_only=not checkpoint.download
    )
    return bool(extractor.do_normalize)
