"""What does HuBERT make of a voice, and how is that worked out while the voice is still speaking?

The embedded encoder is a transformers `HubertModel` (layer-normed convolutions, pre-norm layers)
with two rules written in its config.json: the positional convolution looks only backwards, and a
frame attends to its own chunk and a bounded number of frames before it. Training, `forward` and
`advance` obey the same rules, so a streamed turn equals the offline one to 1e-4 whatever the packet
sizes and whoever shares the batch (tests/audio/test_encoder.py::test_streaming_equals_offline).

HuBERT: Hsu et al. 2021, arXiv 2106.07447. Chunked attention with a key/value cache: Shi et al.
2021, arXiv 2010.10759; Chen et al. 2021, arXiv 2010.11395.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audio import torchaudio_guard  # noqa: F401  before transformers, which imports torchaudio

# isort: split
from transformers import HubertConfig, HubertModel
from transformers.activations import ACT2FN

from audio.types import FRAME, Samples

SIGHT = 512  # samples a frame of the embedded size sees: [320 i, 320 i + 512)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a frame may attend: its own chunk of frames, and `left` frames before that chunk."""

    chunk: int = 16  # 320 ms: the hop at which partial text appears
    left: int = 64  # 1.28 s of memory a layer, so 7.7 s through six layers


@dataclass(slots=True)
class Memory:
    """All that one stream remembers between two packets. The weights are elsewhere."""

    pending: Samples  # not yet turned into frames
    tail: Tensor  # (kernel - 1, width) inputs of the positional convolution
    keys: Tensor  # (layers, heads, left, head width), newest last
    values: Tensor
    frames: int = 0  # encoded so far


@dataclass(frozen=True, slots=True)
class Encoded:
    """New frames of one stream: every layer's output, and the normed last one."""

    layers: Tensor  # (1 + layers, frames, width); the first is the input of the first layer
    last: Tensor  # (frames, width)


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
        self._folded: Tensor | None = None

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
        weight = conv.weight if self._folded is None else self._folded
        past = torch.cat([before, x], 1).transpose(1, 2)  # (batch, width, kernel - 1 + frames)
        y = F.conv1d(past, weight, conv.bias, groups=conv.groups)
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
            x, _, _ = self._layer(layer, x, bias)
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

    def _layer(
        self, layer: nn.Module, x: Tensor, bias: Tensor, past: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One pre-norm layer: its output, and the keys and values that were attended to."""
        attention = cast(nn.Module, layer.attention)
        y = cast(nn.Module, layer.layer_norm)(x)
        q, k, v = (self.split(p(y)) for p in _projections(attention))
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        y = self.attend(q, k, v, bias).transpose(1, 2).flatten(2)
        return _feed(layer, x + cast(nn.Module, attention.out_proj)(y)), k, v

    # -- incremental

    def open(self) -> Memory:
        conv = self.hubert.encoder.pos_conv_embed.conv
        where = conv.bias
        layers = len(self.hubert.encoder.layers)
        cache = where.new_zeros(layers, self.heads, self.reach.left, self.width // self.heads)
        tail = where.new_zeros(conv.kernel_size[0] - 1, self.width)
        return Memory(np.zeros(0, np.float32), tail, cache, cache.clone())

    def advance(self, packets: Sequence[tuple[Memory, Samples]]) -> list[Encoded]:
        """Hear `packets`, each of its own stream, and encode the chunks they complete, together."""
        for memory, samples in packets:
            memory.pending = np.concatenate([memory.pending, samples])
        return self._drain([memory for memory, _ in packets], flush=False)

    def finish(self, memories: Sequence[Memory]) -> list[Encoded]:
        """The turn is over: encode the frames of the last, partial chunk. A memory ends here."""
        return self._drain(memories, flush=True)

    @torch.inference_mode()
    def _drain(self, memories: Sequence[Memory], flush: bool) -> list[Encoded]:
        done: dict[int, list[Encoded]] = {id(memory): [] for memory in memories}
        least = 1 if flush else self.reach.chunk
        while ready := [m for m in memories if frames_in(len(m.pending), self.sight) >= least]:
            for memory, encoded in zip(ready, self._chunk(ready), strict=True):
                done[id(memory)].append(encoded)
        return [self._joined(done[id(memory)]) for memory in memories]

    def _joined(self, parts: list[Encoded]) -> Encoded:
        if not parts:
            like = self.hubert.encoder.layer_norm.weight
            count = 1 + len(self.hubert.encoder.layers)
            return Encoded(like.new_zeros(count, 0, self.width), like.new_zeros(0, self.width))
        layers = torch.cat([part.layers for part in parts], 1)
        return Encoded(layers, torch.cat([part.last for part in parts]))

    def _chunk(self, memories: Sequence[Memory]) -> list[Encoded]:
        """Encode one chunk of each stream: one forward pass of fixed shape."""
        chunk, left = self.reach.chunk, self.reach.left
        span = (chunk - 1) * FRAME + self.sight
        counts = [min(chunk, frames_in(len(m.pending), self.sight)) for m in memories]
        sound = np.zeros((len(memories), span), np.float32)
        for line, memory in zip(sound, memories, strict=True):
            piece = memory.pending[:span]
            line[: len(piece)] = piece
            memory.pending = memory.pending[chunk * FRAME :]
        like = self.hubert.encoder.layer_norm.weight
        x = self.project(self.convolve(torch.from_numpy(sound).to(like)))
        tails = torch.stack([m.tail for m in memories])
        tail = torch.cat([tails, x], 1)[:, chunk:]
        x = self.place(x, tails)
        bias = self._cache_bias([m.frames for m in memories], counts).to(x)
        outputs, keys, values = [x], [], []
        for index, layer in enumerate(self.hubert.encoder.layers):
            past = (
                torch.stack([m.keys[index] for m in memories]),
                torch.stack([m.values[index] for m in memories]),
            )
            x, k, v = self._layer(layer, x, bias, past)
            outputs.append(x)
            keys.append(k[:, :, -left:])
            values.append(v[:, :, -left:])
        last = self.hubert.encoder.layer_norm(x)
        for row, (memory, count) in enumerate(zip(memories, counts, strict=True)):
            memory.tail = tail[row]
            memory.keys = torch.stack([k[row] for k in keys])
            memory.values = torch.stack([v[row] for v in values])
            memory.frames += count
        every = torch.stack(outputs, 1)  # (batch, 1 + layers, chunk, width)
        return [Encoded(every[i, :, :n], last[i, :n]) for i, n in enumerate(counts)]

    def _cache_bias(self, frames: Sequence[int], counts: Sequence[int]) -> Tensor:
        """Hide what a stream has not lived yet and the padding of its last chunk."""
        at = torch.arange(self.reach.left + self.reach.chunk) - self.reach.left
        lived = at >= -torch.tensor(frames)[:, None]
        seen = lived & (at < torch.tensor(counts)[:, None])
        return torch.zeros(seen.shape).masked_fill(~seen, -1e4)[:, None, None]

    def fold(self) -> Encoder:
        """Work out the weight-normed positional kernel once. For inference only."""
        self._folded = self.hubert.encoder.pos_conv_embed.conv.weight.detach().clone()
        return self


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
    filter bank (agent/training/ears/filters.py), start as one.
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
