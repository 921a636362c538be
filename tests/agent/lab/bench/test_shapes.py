"""A written shape opens as a checkpoint does; the same name is the same weights."""

import pytest

from agent.lab.bench import BenchError
from agent.lab.bench.shapes import (
    SHAPES,
    STREAMING_CONFIG,
    resolve_checkpoint,
    write_random_checkpoint,
)
from audio import checkpoints

TINY = {
    "vocab_size": 32,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "conv_dim": (8, 8, 8, 8, 8, 16, 16),
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 4,
}


def test_as_on_the_hub(tmp_path):
    write_random_checkpoint(TINY, tmp_path)
    found = checkpoints.find(str(tmp_path))
    assert (found.is_ctc, found.is_streamable) == (True, False)
    model, alphabet, normalise = checkpoints.open_ctc_model(found)
    assert (model.model.config.hidden_size, normalise) == (32, True)
    assert alphabet.letters[alphabet.blank] == "<pad>"
    assert {"e", "z", "'"} < set(alphabet.letters)


def test_trained_to_stream(tmp_path):
    write_random_checkpoint({**TINY, **STREAMING_CONFIG, "vocab_size": 29}, tmp_path)
    found = checkpoints.find(str(tmp_path))
    encoder, head, alphabet = checkpoints.open_streaming_model(found)
    assert (encoder.window.chunk, encoder.window.left) == (16, 64)
    assert head.out_features == len(alphabet.letters) == 29


def test_weights_are_random_but_always_equal(tmp_path):
    write_random_checkpoint(TINY, tmp_path / "one")
    write_random_checkpoint(TINY, tmp_path / "two")
    one, two = (checkpoints.find(str(tmp_path / name)).weights_digest() for name in ("one", "two"))
    assert one == two


def test_names(tmp_path):
    assert (
        resolve_checkpoint("facebook/hubert-base-ls960", tmp_path) == "facebook/hubert-base-ls960"
    )
    folder = resolve_checkpoint("random:embedded", tmp_path)
    found = checkpoints.find(folder)
    assert found.is_streamable
    assert found.config.hidden_size == 256
    with pytest.raises(BenchError, match="random:base.*random:embedded"):
        resolve_checkpoint("random:huge", tmp_path)


def test_sizes_are_those_of_the_models_that_they_stand_for():
    assert SHAPES["base"]() == {"vocab_size": 32}  # HubertConfig's own defaults are HuBERT base
    assert SHAPES["distil"]()["num_hidden_layers"] == 2
    assert SHAPES["base-streamed"]()["feat_extract_norm"] == "layer"
