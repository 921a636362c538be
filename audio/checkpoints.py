"""Loading of speech checkpoints by folder or hub name.

Opens the embedded weights and every other wav2vec2, HuBERT or WavLM checkpoint. Names are looked
up in the local cache alone unless `download` is set (audio/hub.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from audio import torchaudio_guard  # noqa: F401  before transformers, which imports torchaudio

# isort: split
from transformers import (
    AutoConfig,
    AutoModelForAudioClassification,
    AutoModelForCTC,
    HubertForCTC,
)
from transformers.utils import logging

from audio.ctc_vocabulary import (
    VocabularyMapping,
    language_vocabulary,
    map_vocabulary,
    text_of_token,
)
from audio.encoder import AttentionWindow, ChunkedEncoder, attention_window_of
from audio.hub import CheckpointError as CheckpointError  # re-exported
from audio.hub import (
    CheckpointKind,
    fetch,
    find_folder,
    find_licence,
    kind_of,
    read_json,
    short_sha256,
    unusable_reason,
    weight_files,
)
from audio.phones import PHONE_HEAD_FILE
from audio.phrase_search import Alphabet
from audio.recognisers import alphabet_of
from audio.types import FRAME, RATE

# Model types of transformers whose encoder is wav2vec2's.
INCREMENTAL_FAMILIES = frozenset({"hubert", "wav2vec2", "unispeech", "unispeech-sat"})


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on this machine, described by its files before its weights are opened."""

    name: str
    folder: Path
    config: Any

    @property
    def is_streamable(self) -> bool:
        """Whether it was trained to stream, according to its config.json."""
        return attention_window_of(self.config) != AttentionWindow(0, 0)

    @property
    def is_incremental(self) -> bool:
        """Whether it is a CTC model with wav2vec2's layers, for audio/incremental.py."""
        config = self.config
        return bool(
            self.is_ctc
            and config.model_type in INCREMENTAL_FAMILIES
            and int(np.prod(config.conv_stride)) == FRAME
            and not getattr(config, "conv_pos_batch_norm", False)
            and getattr(config, "adapter_attn_dim", None) is None
        )

    @property
    def kind(self) -> CheckpointKind | None:
        """Its use, from its config.json; None when it has none here."""
        return kind_of({"model_type": self.config.model_type, "architectures": self.architectures})

    @property
    def is_ctc(self) -> bool:
        """Whether it has a CTC head."""
        return self.kind == "letters"

    @property
    def is_emotion_classifier(self) -> bool:
        """Whether it has a sequence-classification head."""
        return self.kind == "feelings"

    @property
    def architectures(self) -> list[str]:
        """The `architectures` of its config.json."""
        return list(self.config.architectures or ())

    def find_file(self, name: str) -> Path | None:
        """The path of a file of the checkpoint; None when there is no such file."""
        path = self.folder / name
        return path if path.is_file() else None

    def read_json_file(self, name: str) -> dict[str, Any]:
        """The content of a JSON file of the checkpoint; empty when there is no such file."""
        path = self.find_file(name)
        return read_json(path) if path else {}

    def weights_digest(self) -> str:
        """The first twelve digits of the weights' SHA-256, or "unknown"."""
        files = weight_files(self.folder)
        return short_sha256(*files) if files else "unknown"

    @property
    def licence(self) -> str:
        return find_licence(self.folder)


def find(name: str, download: bool = False) -> Checkpoint:
    """A checkpoint by its folder or name, fetched from the hub only when `download` says so.

    CheckpointError when it is not there or is not a checkpoint.
    """
    try:
        folder = find_folder(name)
    except CheckpointError:
        if not download:
            raise
        folder = fetch(name)
    # opening is too fast for a progress bar to be of use
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    config_json = read_json(folder / "config.json")
    try:
        # Pass a folder from here on, never a name: with a name, transformers looks for newer
        # weights on the network even with `local_files_only`.
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as problem:
        if config_json.get("model_type"):
            raise CheckpointError(unusable_reason(name, config_json)) from problem
        raise CheckpointError(f"the config.json of {name!r} names no model_type") from problem
    return Checkpoint(name, folder, config)


class LetterCtcModel(nn.Module):
    """A CTC model whose outputs are letters of our alphabet instead of its own tokens."""

    share: Tensor

    def __init__(self, model: nn.Module, letters: VocabularyMapping) -> None:
        super().__init__()
        self.model = model
        share = torch.zeros(len(letters.letter_of_output), len(letters.alphabet.letters))
        share[
            torch.arange(len(letters.letter_of_output)), torch.tensor(letters.letter_of_output)
        ] = 1
        self.register_buffer("share", share)  # (tokens, letters)

    def forward(self, samples: Tensor) -> CtcOutput:
        """(batch, samples) -> log probabilities, (batch, frames, letters)."""
        return CtcOutput(self.letter_log_probabilities(self.model(samples).logits))

    def letter_log_probabilities(self, logits: Tensor) -> Tensor:
        """(.., tokens) -> log probabilities, (.., letters)."""
        chances = logits.float().softmax(-1) @ self.share
        return chances.clamp_min(1e-30).log()


class LetterHead(nn.Module):
    """The head of a LetterCtcModel: frames (.., width) -> log probabilities, (.., letters)."""

    def __init__(self, ctc_model: LetterCtcModel) -> None:
        super().__init__()
        self.ctc_model = ctc_model

    def forward(self, frames: Tensor) -> Tensor:
        model: Any = self.ctc_model.model
        return self.ctc_model.letter_log_probabilities(model.lm_head(frames))


class CtcOutput(NamedTuple):
    """The output of a CTC model, as transformers names it."""

    logits: Tensor


def open_ctc_model(checkpoint: Checkpoint) -> tuple[LetterCtcModel, Alphabet, bool]:
    """(CTC model, its letters, whether its input must be normalised). CheckpointError."""
    _require_kind(checkpoint, "letters", "has no CTC head; it cannot transcribe")
    if getattr(checkpoint.config, "add_adapter", False):
        raise CheckpointError(f"{checkpoint.name!r} has an adapter that reduces its frame rate")
    normalise = _wants_normalised_input(checkpoint)
    model = open_model(AutoModelForCTC, checkpoint)
    letters = _vocabulary_mapping(checkpoint, model.lm_head.out_features)
    return LetterCtcModel(model, letters).eval(), letters.alphabet, normalise


def open_incremental_model(checkpoint: Checkpoint) -> tuple[nn.Module, LetterHead, Alphabet, bool]:
    """(encoder, head to letters, letters, whether its input must be normalised) of a checkpoint
    that `is_incremental`."""
    whole, alphabet, normalise = open_ctc_model(checkpoint)
    model: Any = whole.model
    encoder: nn.Module = getattr(model, model.base_model_prefix)
    return encoder, LetterHead(whole), alphabet, normalise


def open_streaming_model(checkpoint: Checkpoint) -> tuple[ChunkedEncoder, nn.Module, Alphabet]:
    """(encoder, CTC head, letters) of a checkpoint that `is_streamable`. CheckpointError."""
    model = open_model(HubertForCTC, checkpoint)
    model.requires_grad_(False)
    try:
        encoder = ChunkedEncoder(model.hubert)
    except ValueError as wrong:
        raise CheckpointError(f"{checkpoint.name!r} cannot be streamed: {wrong}") from wrong
    return encoder, model.lm_head, _alphabet(checkpoint)


def load_phone_head(checkpoint: Checkpoint) -> nn.Module | None:
    """The head of frames (.., width) -> phones (.., 43); None when the checkpoint has none."""
    path = checkpoint.find_file(PHONE_HEAD_FILE)
    if path is None:
        return None
    weights = load_file(path)
    phones, width = weights["weight"].shape
    head = nn.Linear(width, phones)
    head.load_state_dict({name: value.float() for name, value in weights.items()})
    return head.requires_grad_(False)


def open_classifier(checkpoint: Checkpoint) -> tuple[nn.Module, dict[int, str], bool]:
    """(sequence classifier, its labels, whether its input must be normalised). CheckpointError."""
    _require_kind(checkpoint, "feelings", "has no sequence-classification head for emotions")
    normalise = _wants_normalised_input(checkpoint)
    model = open_model(AutoModelForAudioClassification, checkpoint)
    return model, cast("dict[int, str]", model.config.id2label), normalise


def _require_kind(checkpoint: Checkpoint, kind: CheckpointKind, problem: str) -> None:
    if checkpoint.kind != kind:
        is_one = f"; it is one of {checkpoint.kind}" if checkpoint.kind else ""
        heads = ", ".join(checkpoint.architectures) or "no architecture named"
        model = checkpoint.config.model_type
        raise CheckpointError(f"{checkpoint.name!r} ({model}, {heads}) {problem}{is_one}")


def open_model(auto: Any, checkpoint: Checkpoint) -> Any:
    """The model in float32, with every one of its weights. CheckpointError when some are missing
    or do not fit."""
    name = checkpoint.name
    if not weight_files(checkpoint.folder):
        raise CheckpointError(
            f"{name!r} has no weights, or not all; `hearken models pull` it again"
        )
    try:
        model, loading_info = auto.from_pretrained(
            checkpoint.folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, SafetensorError, UnpicklingError) as problem:
        raise CheckpointError(f"the weights of {name!r} do not fit its config.json") from problem
    # `masked_spec_embed` is used only in pretraining, and missing from many checkpoints.
    lacking = sorted(
        key for key in loading_info["missing_keys"] if not key.endswith("masked_spec_embed")
    )
    if lacking:
        raise CheckpointError(f"{name!r} lacks weights of its model: {', '.join(lacking[:3])}")
    return model.eval()


def _vocabulary(checkpoint: Checkpoint) -> dict[str, int]:
    vocabulary = checkpoint.read_json_file("vocab.json")
    if not vocabulary:
        raise CheckpointError(f"{checkpoint.name!r} has no vocab.json, so its letters are unknown")
    return language_vocabulary(vocabulary, checkpoint.read_json_file("tokenizer_config.json"))


def _vocabulary_mapping(checkpoint: Checkpoint, size: int) -> VocabularyMapping:
    vocabulary = {**checkpoint.read_json_file("added_tokens.json"), **_vocabulary(checkpoint)}
    settings = checkpoint.read_json_file("special_tokens_map.json") | checkpoint.read_json_file(
        "tokenizer_config.json"
    )
    boundary = text_of_token(settings.get("word_delimiter_token")) or "|"
    named = (text_of_token(settings.get("pad_token")), "<pad>", "[PAD]")
    outputs = (*(vocabulary.get(token or "") for token in named), checkpoint.config.pad_token_id)
    blank = next((output for output in outputs if output is not None and output < size), None)
    if blank is None:
        raise CheckpointError(f"{checkpoint.name!r} does not say which of its tokens is the blank")
    try:
        return map_vocabulary(vocabulary, blank, boundary, size)
    except CheckpointError as wrong:
        raise CheckpointError(f"{checkpoint.name!r} cannot be read: {wrong}") from None


def _alphabet(checkpoint: Checkpoint) -> Alphabet:
    """The letters of a checkpoint trained by this project: one letter for each output."""
    settings = checkpoint.read_json_file("tokenizer_config.json")
    blank = str(settings.get("pad_token", "<pad>"))
    boundary = str(settings.get("word_delimiter_token", "|"))
    return alphabet_of(_vocabulary(checkpoint), blank, boundary)


def _wants_normalised_input(checkpoint: Checkpoint) -> bool:
    settings = checkpoint.read_json_file("preprocessor_config.json")
    settings = settings or checkpoint.read_json_file("processor_config.json").get(
        "feature_extractor", {}
    )
    if (rate := settings.get("sampling_rate", RATE)) != RATE:
        raise CheckpointError(f"{checkpoint.name!r} hears {rate} samples a second, not {RATE}")
    if not settings:
        return bool(checkpoint.config.feat_extract_norm == "layer")
    return bool(settings.get("do_normalize", True))
