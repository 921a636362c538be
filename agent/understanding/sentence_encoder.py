"""Pretrained sentence encoder: unit vectors of sentences from a BERT-family checkpoint.

The checkpoint (BERT, MPNet, RoBERTa, ...) is opened by folder or hub name, from this machine alone.
Token vectors are averaged without padding, or the first is taken where the checkpoint's pooling
file says so, and scaled to length one (Reimers & Gurevych 2019, arXiv 1908.10084). Products are in
bfloat16 where the processor supports it, else in float32. Invariants, held by
tests/agent/understanding/test_sentence_encoder.py: padding and the rest of a batch change a vector
by less than rounding; weights of a known name with another checksum are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from agent.understanding.arrays import Float32Array
from agent.understanding.text_features import WeightsError
from audio import hub, torchaudio_guard  # noqa: F401  the guard before transformers
from audio.inference_layers import best_dtype

# isort: split
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging

MAX_TOKENS = 96  # tokens; customers' turns are far shorter
BATCH_SIZE = 32
# The start of the SHA-256 that the weights of a well-known checkpoint must have.
KNOWN_CHECKSUMS: Mapping[str, str] = {"sentence-transformers/all-MiniLM-L6-v2": "53aa5117"}


@dataclass(frozen=True, slots=True, eq=False)
class SentenceEncoder:
    """Sentences (n) -> unit vectors (n, width)."""

    name: str
    sha256: str  # the first twelve digits of its weights' SHA-256
    licence: str
    width: int
    _tokenizer: Any
    _model: Any
    _uses_first_token: bool  # take the first token's vector, not the mean

    @classmethod
    def load(cls, name: str) -> SentenceEncoder:
        """Open a checkpoint of this machine. WeightsError when it is not here, is of another kind,
        or has other weights than its well-known name says."""
        try:
            folder = hub.find_folder(name)
            kind = hub.kind_of(hub.read_json(folder / "config.json"))
            weights = hub.weight_files(folder)
        except hub.CheckpointError as problem:
            raise WeightsError(str(problem)) from problem
        if kind != "sentences" or not weights:
            why = "has no weights" if kind == "sentences" else "is no BERT-family encoder"
            raise WeightsError(f"{name!r} {why}; name another as sentence_checkpoint")
        digest = hub.short_sha256(*weights)
        _check_checksum(name, folder, digest)
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = AutoModel.from_pretrained(
                folder, local_files_only=True, dtype=best_dtype(), attn_implementation="sdpa"
            )
        except (OSError, ValueError, KeyError, RuntimeError) as problem:
            raise WeightsError(f"cannot open {name!r}: {problem}") from problem
        finally:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
        width, licence = int(model.config.hidden_size), hub.find_licence(folder)
        return cls(
            name, digest, licence, width, tokenizer, model.eval(), _pools_first_token(folder)
        )

    @torch.inference_mode()
    def __call__(self, sentences: Sequence[str]) -> Float32Array:
        vectors = np.zeros((len(sentences), self.width), np.float32)
        order = sorted(range(len(sentences)), key=lambda at: len(sentences[at]))
        for start in range(0, len(order), BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            vectors[rows] = self._encode([sentences[at] for at in rows])
        return vectors

    def _encode(self, sentences: Sequence[str]) -> Float32Array:
        tokens = self._tokenizer(
            list(sentences),
            padding=True,
            truncation=True,
            max_length=MAX_TOKENS,
            return_tensors="pt",
        )
        states = self._model(**tokens).last_hidden_state.float()  # (n, tokens, width)
        there = tokens["attention_mask"][..., None].float()
        pooled = states[:, 0] if self._uses_first_token else (states * there).sum(1) / there.sum(1)
        unit = torch.nn.functional.normalize(pooled, dim=-1)
        return np.asarray(unit.numpy(), dtype=np.float32)


def _check_checksum(name: str, folder: Path, digest: str) -> None:
    for known, start in KNOWN_CHECKSUMS.items():
        called = name == known or folder.name == known.rsplit("/", 1)[1]
        if called and not digest.startswith(start):
            raise WeightsError(
                f"the weights in {folder} begin with sha256 {digest}, those of {known} with "
                f"{start}: fetch them again, or give the folder of another model another name"
            )


def _pools_first_token(folder: Path) -> bool:
    """Whether the pooling file of sentence-transformers selects the first token; default: mean."""
    config = folder / "1_Pooling" / "config.json"
    return config.is_file() and bool(hub.read_json(config).get("pooling_mode_cls_token"))
