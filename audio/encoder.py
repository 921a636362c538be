"""What does HuBERT make of a voice, when it may not wait for the end of the turn?

The embedded encoder is a transformers `HubertModel` (layer-normed convolutions, pre-norm layers)
with two rules written in its config.json: the positional convolution looks only backwards, and a
frame attends to its own chunk and a bounded number of frames before it. Here whole turns are worked
out under these rules, to train and to compare with; audio/incremental.py does it as sound comes in
and gives the same frames to 1e-4 (tests/audio/test_incremental.py::test_streaming_equals_offline).

HuBERT: Hsu et al. 2021, arXiv 2106.07447. Chunked attention with a key/value cache: Shi et al.
2021, arXiv 2010.10759; Chen et al. 2021, arXiv 2010.11395.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audio import torchaudio_guard  # noqa: F401  before transformers, which imports torchaudio

# isort: split
from transformers import HubertConfig, HubertModel
from transformers.activations import ACT2FN

from audio.types import FRAME

SIGHT = 512  # samples a frame of the embedded size sees: [320 i, 320 i + 512)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a frame may attend: its own chunk of frames, and `left` frames before that chunk."""

    chunk: int = 16  # 320 ms: the hop at which partial text appears
    left: int = 64  # 1.28 s of memory a layer, so 7.7 s through six layers


def frames_in(samples: int, sight: int = SIGHT) -> int:
    return max(0, (samples - sight) // FRAME + 1)


class Encoder(nn.Module):
    """A HubertModel run with a bounded reach. `hubert` holds every weight, under its own names."""

    def __init__(self, hubert: HubertModel) -> None:
        super().__init__()
        config = hubert.config
        if config.feat_extract_norm != "layer" or not config.do_stable_layer_norm:
            raise ValueError("only layer-normed, pre-norm checkpoints can be streamed exactly")
        # Any: transformers does not declare its submodules' types.
        self.hubert: Any = hubert
        self.reach = reach_of(config)
        self.sight = sight_of(config)
        self.heads = int(config.num_attention_heads)
        self.convolve_act = ACT2FN[config.feat_extract_activation]

    @property
    def width(self) -> int:
        return int(self.hubert.config.hidden_size)

    # -- pieces, in the order in which sound meets them

    def convolve(self, samples: Tensor) -> Tensor:
        """(batch, samples) -> (batch, frames, channels).

        A convolution as matrix products over blocks of one stride: on a CPU half the time of
        conv1d, forwards and backwards, and equal to it.
        """
        x = samples.unsqueeze(-1)  # (batch, time, channels)
        for layer in self.hubert.feature_extractor.conv_layers:
            conv, (kernel,), (stride,) = layer.conv, layer.conv.kernel_size, layer.conv.stride
            batch, time, channels = x.shape
            steps = (time - kernel) // stride + 1
            per = -(-kernel // stride)  # blocks that a kernel reaches into
            whole = (steps + per - 1) * stride
            x = F.pad(x, (0, 0, 0, max(0, whole - time)))[:, :whole]
            x = x.reshape(batch, steps + per - 1, stride * channels)
            # weight (out, in, kernel) -> (kernel * in, out), the order in which a block lies
            weight = conv.weight.permute(2, 1, 0).reshape(kernel * channels, -1)
            parts = weight.split(stride * channels)
            y = sum(x[:, i : i + steps, : len(part)] @ part for i, part in enumerate(parts))
            y = y if conv.bias is None else y + conv.bias
            x = self.convolve_act(layer.layer_norm(y))
        return x

    def project(self, features: Tensor) -> Tensor:
        projection = self.hubert.feature_projection
        return cast(Tensor, projection.projection(projection.layer_norm(features)))

    def place(self, x: Tensor, before: Tensor) -> Tensor:
        """Add the positional convolution of `x` (batch, frames, width) and the frames before it."""
        embed = self.hubert.encoder.pos_conv_embed
        conv = embed.conv
        past = torch.cat([before, x], 1).transpose(1, 2)  # (batch, width, kernel - 1 + frames)
        y = F.conv1d(past, conv.weight, conv.bias, groups=conv.groups)
        return x + cast(Tensor, embed.activation(y)).transpose(1, 2)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
        """q (batch, heads, n, d), k and v (batch, heads, m, d), bias broadcast to (.., n, m)."""
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2) + bias
        mixed: Tensor = scores.softmax(-1).to(v.dtype) @ v
        return mixed

    def split(self, x: Tensor) -> Tensor:
        batch, frames, width = x.shape  # -> (batch, heads, frames, head width)
        return x.view(batch, frames, self.heads, width // self.heads).transpose(1, 2)

    # -- offline

    def forward(self, samples: Tensor, lengths: Sequence[int] | None = None) -> list[Tensor]:
        """(batch, samples) -> outputs of every layer, then the normed last: (batch, frames, width).

        Frames beyond `lengths` (samples of each row) are padding: nobody attends to them.
        """
        features = self.convolve(samples)
        counts = None if lengths is None else [frames_in(n, self.sight) for n in lengths]
        return self.think(self.project(features), counts)

    def think(self, x: Tensor, counts: Sequence[int] | None = None) -> list[Tensor]:
        kernel = self.hubert.encoder.pos_conv_embed.conv.kernel_size[0]
        x = self.place(x, x.new_zeros(x.shape[0], kernel - 1, x.shape[2]))
        bias = self.bias(x.shape[1], counts).to(x)
        outputs = [x]
        for layer in self.hubert.encoder.layers:
            x = self._layer(layer, x, bias)
            outputs.append(x)
        return [*outputs, self.hubert.encoder.layer_norm(x)]

    def bias(self, frames: int, counts: Sequence[int] | None) -> Tensor:
        """0 where a frame may look and a large negative number where not: (batch or 1, 1, n, n)."""
        at = torch.arange(frames)
        start = at // self.reach.chunk * self.reach.chunk
        seen = (at < start[:, None] + self.reach.chunk) & (at >= start[:, None] - self.reach.left)
        seen = seen[None, None]
        if counts is not None:
            seen = seen & (at < torch.tensor(counts)[:, None])[:, None, None]
        return torch.zeros(seen.shape).masked_fill(~seen, -1e4)

    def _layer(self, layer: nn.Module, x: Tensor, bias: Tensor) -> Tensor:
        """One pre-norm layer."""
        attention = cast(nn.Module, layer.attention)
        y = cast(nn.Module, layer.layer_norm)(x)
        q, k, v = (self.split(p(y)) for p in _projections(attention))
        y = self.attend(q, k, v, bias).transpose(1, 2).flatten(2)
        return _feed(layer, x + cast(nn.Module, attention.out_proj)(y))


def _projections(attention: nn.Module) -> list[nn.Module]:
    return [cast(nn.Module, getattr(attention, name)) for name in ("q_proj", "k_proj", "v_proj")]


def _feed(layer: nn.Module, x: Tensor) -> Tensor:
    feed = cast(nn.Module, layer.feed_forward)
    y = cast(nn.Module, feed.intermediate_dense)(cast(nn.Module, layer.final_layer_norm)(x))
    y = cast(nn.Module, feed.output_dense)(feed.intermediate_act_fn(y))  # type: ignore[operator]
    return x + cast(Tensor, y)


def reach_of(config: HubertConfig) -> Reach:
    """The reach a checkpoint was trained with; none at all means that it cannot be streamed."""
    return Reach(int(getattr(config, "chunk_frames", 0)), int(getattr(config, "left_frames", 0)))


def sight_of(config: HubertConfig) -> int:
    """How many samples one frame is made of. Frames must be 20 ms apart, as everywhere here."""
    sight, step = 1, 1
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        sight, step = sight + (kernel - 1) * step, step * stride
    if step != FRAME:
        raise ValueError(f"frames of {step} samples; this house counts in frames of {FRAME}")
    return sight


def small_config(**changes: Any) -> HubertConfig:
    """The embedded size: 6 layers of 256 behind two convolutions, 5.4 M parameters.

    Seven convolutions, as HuBERT has, want a thousand hours to become a good ear. Two, begun as a
    filter bank (agent/lab/training/ears/filter_bank.py), start as one.
    """
    settings: dict[str, Any] = {
        "vocab_size": 29,
        "hidden_size": 256,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "intermediate_size": 1024,
        "conv_dim": (256, 256),
        "conv_kernel": (256, 5),
        "conv_stride": (64, 5),
        "conv_bias": True,
        "feat_extract_norm": "layer",
        "feat_extract_activation": "relu",  # rectifies what the first layer's filters let through
        "do_stable_layer_norm": True,
        "num_conv_pos_embeddings": 32,
        "num_conv_pos_embedding_groups": 16,
        "pad_token_id": 0,
        "chunk_frames": 16,
        "left_frames": 64,
        "causal_positions": True,
    }
    return HubertConfig(**(settings | changes))
