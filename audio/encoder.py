"""HuBERT with chunked attention, computed for whole turns: for training and as the reference.

The embedded encoder is a transformers `HubertModel` (layer-normed convolutions, pre-norm layers)
with two rules in its config.json: the positional convolution looks only backwards, and a frame
attends to its own chunk and a bounded number of frames before it. This module computes whole turns
under these rules; audio/incremental.py computes them as audio arrives and gives the same frames to
1e-4 (tests/audio/test_incremental.py::test_streaming_equals_offline). Stages bear the names of
transformers' modeling_hubert.

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

RECEPTIVE_FIELD = 512  # samples of frame i of the embedded encoder: [320 i, 320 i + 512)


@dataclass(frozen=True, slots=True)
class AttentionWindow:
    """The frames to which a frame may attend: its own chunk, and `left` frames before it."""

    chunk: int = 16  # 320 ms: the interval of partial text
    left: int = 64  # 1.28 s in each layer, so 7.7 s through six layers


def frame_count(samples: int, receptive_field: int = RECEPTIVE_FIELD) -> int:
    """The number of encoder frames of so many samples."""
    return max(0, (samples - receptive_field) // FRAME + 1)


class ChunkedEncoder(nn.Module):
    """A HubertModel with bounded attention. `hubert` holds all weights, under its own names.

    ValueError for checkpoints with group norm or post-norm layers.
    """

    def __init__(self, hubert: HubertModel) -> None:
        super().__init__()
        config = hubert.config
        if config.feat_extract_norm != "layer" or not config.do_stable_layer_norm:
            raise ValueError("only layer-normed, pre-norm checkpoints can be streamed exactly")
        # Any: transformers does not declare its submodules' types.
        self.hubert: Any = hubert
        self.window = attention_window_of(config)
        self.receptive_field = receptive_field_of(config)
        self.num_heads = int(config.num_attention_heads)
        self.conv_activation = ACT2FN[config.feat_extract_activation]

    @property
    def width(self) -> int:
        return int(self.hubert.config.hidden_size)

    # -- stages, in the order of the forward pass

    def extract_features(self, samples: Tensor) -> Tensor:
        """(batch, samples) -> (batch, frames, channels).

        A convolution as matrix products over blocks of one stride: on a CPU half the time of
        conv1d, forwards and backwards, and equal to it.
        """
        x = samples.unsqueeze(-1)  # (batch, time, channels)
        for layer in self.hubert.feature_extractor.conv_layers:
            conv, (kernel,), (stride,) = layer.conv, layer.conv.kernel_size, layer.conv.stride
            batch, time, channels = x.shape
            steps = (time - kernel) // stride + 1
            per = -(-kernel // stride)  # blocks that a kernel spans
            whole = (steps + per - 1) * stride
            x = F.pad(x, (0, 0, 0, max(0, whole - time)))[:, :whole]
            x = x.reshape(batch, steps + per - 1, stride * channels)
            # weight (out, in, kernel) -> (kernel * in, out), the memory order of a block
            weight = conv.weight.permute(2, 1, 0).reshape(kernel * channels, -1)
            parts = weight.split(stride * channels)
            y = sum(x[:, i : i + steps, : len(part)] @ part for i, part in enumerate(parts))
            y = y if conv.bias is None else y + conv.bias
            x = self.conv_activation(layer.layer_norm(y))
        return x

    def project_features(self, features: Tensor) -> Tensor:
        """HuBERT's feature projection: (.., channels) -> (.., width)."""
        projection = self.hubert.feature_projection
        return cast(Tensor, projection.projection(projection.layer_norm(features)))

    def add_positions(self, x: Tensor, preceding: Tensor) -> Tensor:
        """`x` (batch, frames, width) plus its positional convolution over `preceding` and `x`."""
        embed = self.hubert.encoder.pos_conv_embed
        conv = embed.conv
        past = torch.cat([preceding, x], 1).transpose(1, 2)  # (batch, width, kernel - 1 + frames)
        y = F.conv1d(past, conv.weight, conv.bias, groups=conv.groups)
        return x + cast(Tensor, embed.activation(y)).transpose(1, 2)

    def attention(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
        """Attention: q (batch, heads, n, d), k and v (batch, heads, m, d), bias (.., n, m)."""
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2) + bias
        mixed: Tensor = scores.softmax(-1).to(v.dtype) @ v
        return mixed

    def split_heads(self, x: Tensor) -> Tensor:
        """(batch, frames, width) -> (batch, heads, frames, head width)."""
        batch, frames, width = x.shape  # -> (batch, heads, frames, head width)
        return x.view(batch, frames, self.num_heads, width // self.num_heads).transpose(1, 2)

    # -- offline

    def forward(self, samples: Tensor, lengths: Sequence[int] | None = None) -> list[Tensor]:
        """(batch, samples) -> the input and output of every layer, then the last output normed,
        each (batch, frames, width).

        Frames beyond `lengths` (samples of each row) are padding: no frame attends to them.
        """
        features = self.extract_features(samples)
        counts = (
            None if lengths is None else [frame_count(n, self.receptive_field) for n in lengths]
        )
        return self.encode(self.project_features(features), counts)

    def encode(self, x: Tensor, counts: Sequence[int] | None = None) -> list[Tensor]:
        """`forward` from projected features on; `counts` are the frames of each row."""
        kernel = self.hubert.encoder.pos_conv_embed.conv.kernel_size[0]
        x = self.add_positions(x, x.new_zeros(x.shape[0], kernel - 1, x.shape[2]))
        bias = self.attention_bias(x.shape[1], counts).to(x)
        outputs = [x]
        for layer in self.hubert.encoder.layers:
            x = self._encoder_layer(layer, x, bias)
            outputs.append(x)
        return [*outputs, self.hubert.encoder.layer_norm(x)]

    def attention_bias(self, frames: int, counts: Sequence[int] | None) -> Tensor:
        """Additive attention mask, 0 where a frame may attend and -1e4 elsewhere: (batch or 1, 1,
        frames, frames)."""
        at = torch.arange(frames)
        start = at // self.window.chunk * self.window.chunk
        mask = (at < start[:, None] + self.window.chunk) & (at >= start[:, None] - self.window.left)
        mask = mask[None, None]
        if counts is not None:
            mask = mask & (at < torch.tensor(counts)[:, None])[:, None, None]
        return torch.zeros(mask.shape).masked_fill(~mask, -1e4)

    def _encoder_layer(self, layer: nn.Module, x: Tensor, bias: Tensor) -> Tensor:
        """One HubertEncoderLayerStableLayerNorm (pre-norm)."""
        attention = cast(nn.Module, layer.attention)
        y = cast(nn.Module, layer.layer_norm)(x)
        q, k, v = (self.split_heads(p(y)) for p in _qkv_projections(attention))
        y = self.attention(q, k, v, bias).transpose(1, 2).flatten(2)
        return _feed_forward(layer, x + cast(nn.Module, attention.out_proj)(y))


def _qkv_projections(attention: nn.Module) -> list[nn.Module]:
    return [cast(nn.Module, getattr(attention, name)) for name in ("q_proj", "k_proj", "v_proj")]


def _feed_forward(layer: nn.Module, x: Tensor) -> Tensor:
    feed = cast(nn.Module, layer.feed_forward)
    y = cast(nn.Module, feed.intermediate_dense)(cast(nn.Module, layer.final_layer_norm)(x))
    y = cast(nn.Module, feed.output_dense)(feed.intermediate_act_fn(y))  # type: ignore[operator]
    return x + cast(Tensor, y)


def attention_window_of(config: HubertConfig) -> AttentionWindow:
    """The attention window of a checkpoint's training; (0, 0) when it was not trained to stream."""
    return AttentionWindow(
        int(getattr(config, "chunk_frames", 0)), int(getattr(config, "left_frames", 0))
    )


def receptive_field_of(config: HubertConfig) -> int:
    """The number of samples of one frame. ValueError when frames are not 20 ms apart."""
    sight, step = 1, 1
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        sight, step = sight + (kernel - 1) * step, step * stride
    if step != FRAME:
        raise ValueError(f"frames of {step} samples; the program needs frames of {FRAME}")
    return sight


def small_config(**changes: Any) -> HubertConfig:
    """The embedded size: 6 layers of 256 after two convolutions, 5.4 M parameters.

    HuBERT's seven convolutions need a thousand hours of audio to become a good filter bank. The two
    here are initialised as one (agent/lab/training/ears/filter_bank.py).
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
        "feat_extract_activation": "relu",  # rectifies the output of the first layer's filters
        "do_stable_layer_norm": True,
        "num_conv_pos_embeddings": 32,
        "num_conv_pos_embedding_groups": 16,
        "pad_token_id": 0,
        "chunk_frames": 16,
        "left_frames": 64,
        "causal_positions": True,
    }
    return HubertConfig(**(settings | changes))
