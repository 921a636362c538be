"""Random checkpoints of known shapes, to measure costs without downloading a model.

The run time of a model depends on its shape and hardly on its weights, so random weights are good
enough for a measurement: `--checkpoint random:base`. Their transcripts are meaningless. Held by
tests/agent/lab/bench/test_shapes.py: every shape opens as a checkpoint does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from audio import torchaudio_guard  # noqa: F401  before transformers, which imports torchaudio

# isort: split
from transformers import HubertConfig, HubertForCTC
from transformers.utils import logging

from agent.lab.bench import BenchError
from audio.encoder import small_config

RANDOM_PREFIX = "random:"  # prefix of a shape's name, given instead of a folder or hub name
SEED = 0

# The 32 characters of facebook/wav2vec2-base-960h and facebook/hubert-large-ls960-ft, most frequent
# letters first.
LETTERS_960H = ("<pad>", "<s>", "</s>", "<unk>", "|", *"ETAONIHSRDLUMWCFGYPBVK'XJQZ")
LETTERS_HEARKEN = ("<pad>", "|", "'", *"abcdefghijklmnopqrstuvwxyz")

STREAMING_CONFIG = {  # configuration of a checkpoint trained to stream (audio/encoder.py)
    "chunk_frames": 16,
    "left_frames": 64,
    "causal_positions": True,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
}

Shape = Mapping[str, Any]  # HubertConfig settings; defaults: HuBERT base

SHAPES: Mapping[str, Callable[[], Shape]] = {
    # facebook/hubert-base-ls960: 12 layers of 768, group norm, 94 M parameters
    "base": lambda: {"vocab_size": len(LETTERS_960H)},
    # the same size, configured as trained to stream
    "base-streamed": lambda: {"vocab_size": len(LETTERS_960H), **STREAMING_CONFIG},
    # ntu-spml/distilhubert: 2 of its layers behind the same convolutions
    "distil": lambda: {"vocab_size": len(LETTERS_960H), "num_hidden_layers": 2},
    # the embedded encoder: 6 layers of 256
    "embedded": lambda: small_config().to_diff_dict(),
}


def resolve_checkpoint(checkpoint: str, folder: Path) -> str:
    """A folder or hub name unchanged; for `random:SHAPE`, a checkpoint written below `folder`.

    BenchError for an unknown shape."""
    if not checkpoint.startswith(RANDOM_PREFIX):
        return checkpoint
    name = checkpoint.removeprefix(RANDOM_PREFIX)
    if name not in SHAPES:
        known = ", ".join(RANDOM_PREFIX + shape for shape in SHAPES)
        raise BenchError(f"{checkpoint!r} is no shape that is known here; known are {known}")
    target = folder / name
    write_random_checkpoint(SHAPES[name](), target)
    return str(target)


def write_random_checkpoint(shape: Shape, folder: Path) -> None:
    """Write a CTC checkpoint in the hub's format, with random weights from a fixed seed."""
    config = HubertConfig(**{"pad_token_id": 0, **shape})
    config.title = f"random weights in the shape of {folder.name}"
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(SEED)
        HubertForCTC(config).save_pretrained(folder)
    letters = LETTERS_HEARKEN if config.vocab_size == len(LETTERS_HEARKEN) else LETTERS_960H
    _write_json(folder / "vocab.json", {letter: i for i, letter in enumerate(letters)})
    _write_json(
        folder / "tokenizer_config.json",
        {
            "pad_token": "<pad>",
            "word_delimiter_token": "|",
            "do_lower_case": letters is LETTERS_HEARKEN,
        },
    )
    _write_json(
        folder / "preprocessor_config.json",
        {
            "feature_extractor_type": "Wav2Vec2FeatureExtractor",
            "do_normalize": config.feat_extract_norm == "group",
            "sampling_rate": 16000,
            "feature_size": 1,
            "padding_value": 0.0,
        },
    )


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
