"""Roofline of an encoder step: the time its matrix products alone would take on this machine.

No program can be faster than the matrix products of the model, run back to back at the rate at
which this machine multiplies large matrices. The products are counted from the shape of the model
(tests/agent/lab/bench/test_encoder_floor.py counts a small one by hand); the rate is measured in
the same process, in the precision that the encoder runs in.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from statistics import median
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from audio.encoder import AttentionWindow, receptive_field_of
from audio.incremental import EncoderState, IncrementalEncoder
from audio.types import FRAME, Samples

MATRIX_SIDES = (512, 1024)  # of square matrices; one may suit the caches better than the other
MATMUL_TRIALS = 10
TIMED_STEPS = 20
MIN_EFFICIENCY = 0.5


@dataclass(frozen=True, slots=True)
class StepFlops:
    """Floating-point operations of one step; a multiplication with its addition counts as two."""

    convolutions: int
    projection: int
    positions: int
    attention: int
    feed_forward: int

    @property
    def total(self) -> int:
        return (
            self.convolutions
            + self.projection
            + self.positions
            + self.attention
            + self.feed_forward
        )


@dataclass(frozen=True, slots=True)
class Roofline:
    """A measured step of `streams` streams, each with one chunk of `frames` frames."""

    streams: int
    frames: int
    dtype: str
    work: StepFlops
    step_s: float
    rate: float  # operations per second in large products

    @property
    def bound_s(self) -> float:
        return self.work.total / self.rate

    @property
    def efficiency(self) -> float:
        return self.bound_s / self.step_s


def step_flops(config: Any, streams: int, reach: AttentionWindow, ahead: int = 0) -> StepFlops:
    """Operations of one step of a model with this HubertConfig; each stream has one chunk ready.

    `ahead` frames of look-ahead go through the layers with the chunk and again with the next one.
    Norms and activations are not counted.
    """
    chunk, width = reach.chunk, int(config.hidden_size)
    rows = chunk + ahead
    channels = [1, *config.conv_dim]
    steps = [chunk * prod(config.conv_stride[i + 1 :]) for i in range(len(config.conv_stride))]
    convolved = sum(
        steps[i] * kernel * channels[i] * channels[i + 1]
        for i, kernel in enumerate(config.conv_kernel)
    )
    groups = int(config.num_conv_pos_embedding_groups)
    positions = rows * int(config.num_conv_pos_embeddings) * width * width // groups
    # four projections, then each row against every frame within reach, twice: scores and values
    attended = rows * (4 * width * width + 2 * (reach.left + rows) * width)
    fed = rows * 2 * width * int(config.intermediate_size)
    layers = int(config.num_hidden_layers)
    return StepFlops(
        *(
            2 * streams * multiplied
            for multiplied in (
                convolved,
                chunk * channels[-1] * width,
                positions,
                layers * attended,
                layers * fed,
            )
        )
    )


def peak_matmul_rate(dtype: torch.dtype) -> float:
    """Operations per second of the fastest large matrix product on one thread."""
    best = 0.0
    for side in MATRIX_SIDES:
        x, weight = torch.randn(side, side).to(dtype), torch.randn(side, side).to(dtype)
        taken = min(_call_cpu_s(F.linear, x, weight) for _ in range(MATMUL_TRIALS))
        best = max(best, 2 * side**3 / taken)
    return best


def _call_cpu_s(call: Callable[..., object], *arguments: object) -> float:
    began = time.process_time()
    call(*arguments)
    return time.process_time() - began


@torch.inference_mode()
def measure_roofline(encoder: IncrementalEncoder, config: Any, streams: int) -> Roofline:
    reach, ahead, dtype = encoder.window, encoder.lookahead, encoder.dtype
    random = np.random.default_rng(0)
    states = [encoder.open() for _ in range(streams)]

    def packet(samples: int) -> list[tuple[EncoderState, Samples]]:
        sound = random.standard_normal((streams, samples), np.float32) * np.float32(0.1)
        return list(zip(states, sound, strict=True))

    # The look-ahead is fed first, so that each later hop completes exactly one chunk; then enough
    # hops to fill the left context, so that all timed steps attend to equally many frames.
    hop = reach.chunk * FRAME
    encoder.advance(packet(max(0, (ahead - 1) * FRAME + receptive_field_of(config))))
    for _ in range(1 + reach.left // reach.chunk):
        encoder.advance(packet(hop))
    taken = [_call_cpu_s(encoder.advance, packet(hop)) for _ in range(TIMED_STEPS)]
    encoder.finish(states)
    name = str(dtype).removeprefix("torch.")
    flops = step_flops(config, streams, reach, ahead)
    return Roofline(streams, reach.chunk, name, flops, median(taken), peak_matmul_rate(dtype))
