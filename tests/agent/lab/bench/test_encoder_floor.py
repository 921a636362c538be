"""Operations are counted as by hand; a step is timed and measured against them."""

import pytest
import torch

from audio import torchaudio_guard  # noqa: F401

# isort: split
from transformers import HubertModel

from agent.lab.bench.roofline import Roofline, StepFlops, measure_roofline, step_flops
from audio.encoder import AttentionWindow, ChunkedEncoder, small_config
from audio.incremental import IncrementalEncoder

TINY = small_config(
    hidden_size=8,
    num_hidden_layers=3,
    num_attention_heads=2,
    intermediate_size=12,
    conv_dim=(4, 6),
    conv_kernel=(10, 5),
    conv_stride=(64, 5),
    num_conv_pos_embeddings=4,
    num_conv_pos_embedding_groups=2,
    chunk_frames=16,
    left_frames=32,
)


def test_counted_by_hand():
    # 2 streams x 16 frames. Convolutions: 80 steps of 10 x 1 -> 4, then 16 of 5 x 4 -> 6.
    convolutions = 2 * 2 * (80 * 10 * 1 * 4 + 16 * 5 * 4 * 6)
    projection = 2 * 2 * 16 * 6 * 8
    positions = 2 * 2 * 16 * 4 * 8 * 4  # each of 8 channels sees the 4 of its group
    # 3 layers: queries, keys, values and output of 8 x 8; 16 rows against 32 + 16, there and back
    attention = 2 * 2 * 3 * (16 * 4 * 8 * 8 + 2 * 16 * 48 * 8)
    feed_forward = 2 * 2 * 3 * (16 * 8 * 12 + 16 * 12 * 8)
    counted = step_flops(TINY, 2, AttentionWindow(16, 32))
    assert counted == StepFlops(convolutions, projection, positions, attention, feed_forward)
    assert counted.total == convolutions + projection + positions + attention + feed_forward


def test_frames_of_future_go_through_the_layers_twice():
    near, far = (
        step_flops(TINY, 1, AttentionWindow(16, 32)),
        step_flops(TINY, 1, AttentionWindow(16, 32), ahead=8),
    )
    assert far.convolutions == near.convolutions
    assert far.feed_forward == near.feed_forward * 24 / 16
    assert far.attention == 2 * 3 * (24 * 4 * 8 * 8 + 2 * 24 * 56 * 8)


def test_share_is_of_the_time_that_products_alone_would_take():
    floor = Roofline(16, 16, "float32", StepFlops(10, 10, 10, 10, 10), step_s=2.0, rate=50.0)
    assert floor.bound_s == 1.0
    assert floor.efficiency == 0.5


@pytest.mark.parametrize("ahead", [0, 8])
def test_every_step_is_one_chunk_of_each_stream(ahead):
    torch.manual_seed(0)
    model = HubertModel(TINY).eval()
    steps = IncrementalEncoder(model, ChunkedEncoder(model).window, lookahead=ahead)
    chunks = []
    advance = steps.advance

    def counting(packets):
        encoded = advance(packets)
        chunks.append({len(one.frames) for one in encoded})
        return encoded

    steps.advance = counting
    floor = measure_roofline(steps, TINY, streams=3)
    assert chunks[-20:] == [{16}] * 20
    assert (floor.streams, floor.frames, floor.dtype) == (3, 16, "float32")
    assert floor.step_s > 0
    assert floor.rate > 0
    assert steps.open_streams == 0
