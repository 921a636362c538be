"""Streaming equals offline for any packets; company changes no bit; slots are given back.

Checkpoints that were never taught to stream come near their offline selves, and nearer with more
future.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audio import torchaudio_guard  # noqa: F401

# isort: split
from transformers import HubertConfig, HubertModel, Wav2Vec2Config, Wav2Vec2Model

from audio.encoder import AttentionWindow, ChunkedEncoder, frame_count, small_config
from audio.incremental import INITIAL_SLOTS, IncrementalEncoder
from audio.inference_layers import best_dtype

SPOKEN = (np.random.default_rng(1).standard_normal(26_000) * 0.1).astype(np.float32)
SIZES = st.lists(st.integers(0, 9000), max_size=12)


def encoder(**changes):
    torch.manual_seed(0)
    size = {"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 48}
    conv = {"conv_dim": (8, 16), "num_conv_pos_embeddings": 8}
    reach = {"chunk_frames": 5, "left_frames": 10, "num_conv_pos_embedding_groups": 4}
    config = small_config(**{**size, **conv, **reach, **changes})
    return ChunkedEncoder(HubertModel(config).eval().requires_grad_(False))


def mixed(layers):
    return sum((index + 1) * layer for index, layer in enumerate(layers))


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """As in the server. With more, a product's parts are shared out as the machine has time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


ENCODER = encoder()
STEPS = IncrementalEncoder(ENCODER.hubert, ENCODER.window, blend_layers=mixed)


def offline(samples):
    if not frame_count(len(samples)):
        return torch.zeros(0, 32), torch.zeros(0, 32)
    *layers, last = (layer[0] for layer in ENCODER(torch.from_numpy(samples)[None]))
    return last, mixed(layers)


def streamed(steps, samples, sizes=(), company=()):
    memory, parts, at = steps.open(), [], 0
    others = [steps.open() for _ in company]
    for turn, size in enumerate([*sizes, len(samples)]):
        noise = [
            (m, c[turn * 3000 : turn * 3000 + 3000]) for m, c in zip(others, company, strict=True)
        ]
        parts.append(steps.advance([*noise, (memory, samples[at : at + size])])[-1])
        at += size
    parts.append(steps.finish([*others, memory])[-1])
    last = torch.cat([p.frames for p in parts])
    return last, torch.cat([p.blended_layers for p in parts]) if steps.blend_layers else None


@settings(deadline=None, max_examples=40)
@given(length=st.integers(0, len(SPOKEN)), sizes=SIZES)
def test_streaming_equals_offline(length, sizes):
    samples = SPOKEN[:length]
    last, blended = offline(samples)
    got_last, got_blended = streamed(STEPS, samples, sizes)
    assert got_last.shape == last.shape
    torch.testing.assert_close(got_last, last, atol=1e-4, rtol=0)
    torch.testing.assert_close(got_blended, blended, atol=1e-4, rtol=0)


# The shipped shape: with a few columns only, a product takes another road through the processor.
WIDE = {"hidden_size": 64, "conv_dim": (64, 64), "intermediate_size": 128, "chunk_frames": 16}
WIDE |= {"left_frames": 32}
BOTH = [torch.float32, *({best_dtype()} - {torch.float32})]


@pytest.mark.parametrize("dtype", BOTH, ids=str)
def test_neither_packets_nor_company_change_a_bit(dtype):
    wide = encoder(**WIDE)
    steps = IncrementalEncoder(wide.hubert, wide.window, dtype=dtype)
    alone, _ = streamed(steps, SPOKEN)
    rng = np.random.default_rng(2)
    for size in (700, 3000, 9000):
        company = rng.standard_normal((int(rng.integers(1, 12)), 40_000)).astype(np.float32)
        together, _ = streamed(steps, SPOKEN, [size] * (len(SPOKEN) // size), company)
        assert torch.equal(together, alone)


def test_a_slot_used_before_changes_nothing():
    steps = IncrementalEncoder(ENCODER.hubert, ENCODER.window)
    first, _ = streamed(steps, SPOKEN)
    loud = steps.open()
    steps.advance([(loud, 100 * SPOKEN)])
    steps.close(loud)
    steps.close(loud)  # told twice, as when a caller leaves in the middle of a failure
    again, _ = streamed(steps, SPOKEN)
    assert torch.equal(first, again)


def test_a_thousand_streams_leave_nothing_behind():
    steps = IncrementalEncoder(ENCODER.hubert, ENCODER.window)
    for _ in range(50):
        memories = [steps.open() for _ in range(20)]  # more than the first slots
        steps.advance([(memory, SPOKEN[:6000]) for memory in memories])
        steps.finish(memories[:10])
        for memory in memories[10:]:
            steps.close(memory)
    assert steps.open_streams == 0
    assert len(steps._keys[0]) == 2 * INITIAL_SLOTS


def test_what_is_heard_survives_the_growth_of_the_caches():
    steps = IncrementalEncoder(ENCODER.hubert, ENCODER.window)
    quiet, _ = streamed(steps, SPOKEN)
    memory = steps.open()
    parts = steps.advance([(memory, SPOKEN[:12_000])])
    crowd = [steps.open() for _ in range(INITIAL_SLOTS)]
    parts += steps.advance([(memory, SPOKEN[12_000:])]) + steps.finish([memory])
    assert torch.equal(torch.cat([p.frames for p in parts]), quiet)
    assert steps.open_streams == len(crowd)


def test_a_past_that_is_no_whole_chunks_is_refused():
    with pytest.raises(ValueError, match="whole chunks"):
        IncrementalEncoder(ENCODER.hubert, AttentionWindow(5, 12))


# -- checkpoints that were never taught to stream

STOCK = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "conv_dim": (16,) * 7,
}
LAYERED = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}


def stock(config, **changes):
    torch.manual_seed(3)
    model = (HubertModel if config is HubertConfig else Wav2Vec2Model)(config(**STOCK, **changes))
    return model.eval().requires_grad_(False)


@pytest.mark.parametrize("config", [HubertConfig, Wav2Vec2Config])
def test_a_stock_model_with_everything_in_sight_is_its_offline_self(config):
    """Layer-normed, and with a chunk longer than the turn: nothing is left to approximate."""
    model = stock(config, **LAYERED)
    steps = IncrementalEncoder(model, AttentionWindow(96, 96))
    whole = model(torch.from_numpy(SPOKEN)[None]).last_hidden_state[0]
    last, _ = streamed(steps, SPOKEN, [5000] * 5)
    torch.testing.assert_close(last, whole, atol=1e-4, rtol=0)


def test_a_stock_model_comes_near_its_offline_self():
    model = stock(HubertConfig)
    whole = model(torch.from_numpy(SPOKEN)[None]).last_hidden_state[0]
    alike = []
    for ahead in (0, 16):
        steps = IncrementalEncoder(model, AttentionWindow(16, 32), lookahead=ahead)
        assert not steps.is_exact
        last, _ = streamed(steps, SPOKEN, [5000] * 5)
        assert last.shape == whole.shape
        alike.append(torch.cosine_similarity(last, whole).mean())
    assert alike[1] > alike[0]
    assert alike[1] > 0.9


@settings(deadline=None, max_examples=15)
@given(length=st.integers(0, len(SPOKEN)), sizes=SIZES)
def test_packets_do_not_change_a_stock_model(length, sizes):
    samples = SPOKEN[:length]
    steps = IncrementalEncoder(STOCK_MODEL, AttentionWindow(16, 32), lookahead=16, normalise=True)
    torch.testing.assert_close(
        streamed(steps, samples, sizes)[0], streamed(steps, samples)[0], atol=0, rtol=0
    )


STOCK_MODEL = stock(Wav2Vec2Config)
