"""Incremental HuBERT and wav2vec2 encoder: many streams in one batch, each frame encoded once.

Holds the weights of one model, laid out for inference, and the caches of every open stream. A step
takes all streams that have a block ready, whatever their age, through one forward pass of fixed
shape per stream. The output of a stream does not depend, in any bit, on how its audio was cut into
packets or on the other streams of a batch (tests/audio/test_incremental.py). Stages bear the names
of transformers' modeling_hubert.

A checkpoint that was trained to stream (audio/encoder.py) gives the same frames as offline. Any
other wav2vec2 or HuBERT gets `lookahead` frames of future and a bounded past where it was trained
on whole utterances, and is normalised by running statistics; `hearken evaluate ears --streaming`
measures how close that comes to offline.

Keys and values lie in ring buffers, one slot for each stream: attention does not depend on the
order of keys, so the newest chunk overwrites the oldest and nothing is moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.activations import ACT2FN

from audio.encoder import AttentionWindow, frame_count, receptive_field_of
from audio.inference_layers import ConvLayer, EncoderLayer, apply_layer_norm
from audio.types import FRAME, Samples

# For checkpoints that were not trained to stream: chunks of 1.28 s, and a look-ahead of 320 ms
# in place of the whole utterance.
DEFAULT_WINDOW = AttentionWindow(chunk=64, left=192)
LOOKAHEAD_FRAMES = 16
BLOCK_FRAMES = 16  # frames that are convolved at a time: 320 ms
INITIAL_SLOTS = 16  # streams at first; twice as many whenever more are live than ever before
MASKED_SCORE = -1e4  # added to the score of what must not be attended to


@dataclass(slots=True, eq=False)
class RunningStats:
    """Running mean and variance, in place of a norm over the whole utterance."""

    count: float = 0.0
    total: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    square_total: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))

    def update(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Add (n, channels) or (n,); mean and variance of all so far."""
        x = x.double()
        self.count += len(x)
        self.total = self.total + x.sum(0)
        self.square_total = self.square_total + x.square().sum(0)
        mean = self.total / self.count
        return mean.float(), (self.square_total / self.count - mean.square()).clamp_min(0).float()


@dataclass(slots=True, eq=False)
class EncoderState:
    """The state of one stream between two packets, except its keys and values."""

    slot: int
    features: Tensor  # (past + waiting, width): those behind for the positions, those to come
    pending_samples: Samples = field(default_factory=lambda: np.zeros(0, np.float32))
    consumed_samples: int = 0  # samples that have become features
    chunk_count: int = 0
    input_stats: RunningStats = field(default_factory=RunningStats)  # of the samples
    # of the first convolution's channels
    conv_stats: RunningStats = field(default_factory=RunningStats)


@dataclass(frozen=True, slots=True, eq=False)
class EncodedFrames:
    """New frames of one stream."""

    frames: Tensor  # (frames, width), the input of the CTC heads
    blended_layers: Tensor | None  # (frames, width), the layers blended for the emotion head


LayerBlend = Callable[[Sequence[Tensor]], Tensor]  # every layer's (batch, frames, width) -> one


class IncrementalEncoder:
    """A Hubert or Wav2Vec2 model and its open streams. One thread calls."""

    def __init__(
        self,
        model: Any,
        window: AttentionWindow,
        *,
        lookahead: int = 0,
        normalise: bool = False,
        dtype: torch.dtype = torch.float32,
        blend_layers: LayerBlend | None = None,
    ) -> None:
        """`model` as transformers opened it; `lookahead` in frames, 0 for a model with causal
        positions; `normalise`: samples to mean 0 and variance 1. ValueError for a window that is
        not a whole number of chunks."""
        config = model.config
        self.model, self.window, self.lookahead, self.blend_layers = (
            model,
            window,
            lookahead,
            blend_layers,
        )
        self.normalise, self.dtype = normalise, dtype
        self.receptive_field, self.width = receptive_field_of(config), int(config.hidden_size)
        self.num_heads = int(config.num_attention_heads)
        self.pre_norm = bool(config.do_stable_layer_norm)  # norms before, not after, each half
        self.conv_activation = ACT2FN[config.feat_extract_activation]
        self.conv_layers = [
            ConvLayer(layer, dtype) for layer in model.feature_extractor.conv_layers
        ]
        self.layers = [EncoderLayer(layer, self.num_heads, dtype) for layer in model.encoder.layers]
        conv = model.encoder.pos_conv_embed.conv
        (kernel,) = conv.kernel_size
        self.pos_conv_weight, self.pos_conv_bias = (
            conv.weight.detach().to(dtype),
            conv.bias.detach().to(dtype),
        )
        causal = bool(getattr(config, "causal_positions", False))
        self.left_context: int = kernel - 1 if causal else kernel // 2  # frames of the convolution
        self.right_context = 0 if causal else (kernel - 1) // 2
        self._feature_projection = model.feature_projection
        if window.chunk < 1 or window.left < window.chunk or window.left % window.chunk:
            raise ValueError(f"{window.left} frames before a chunk are no whole chunks")
        self._ring_chunks = window.left // window.chunk
        self._free_slots: list[int] = []
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []
        self._grow(INITIAL_SLOTS)

    @property
    def hop(self) -> int:
        """Samples after which there is a block to encode."""
        return BLOCK_FRAMES * FRAME

    @property
    def overhang(self) -> int:
        """Samples after a hop that its last frame covers."""
        return self.receptive_field - FRAME

    @property
    def is_exact(self) -> bool:
        """Whether frames equal those computed offline: no norm and no position looks ahead."""
        grouped = any(convolution.group_norm for convolution in self.conv_layers)
        return not (self.right_context or self.lookahead or self.normalise or grouped)

    @property
    def open_streams(self) -> int:
        """The number of open streams."""
        return len(self._keys[0]) - len(self._free_slots)

    # -- streams

    @torch.inference_mode()
    def open(self) -> EncoderState:
        """A new stream. It must end by `finish` or `close`."""
        if not self._free_slots:
            self._grow(2 * len(self._keys[0]))
        return EncoderState(self._free_slots.pop(), torch.zeros(self.left_context, self.width))

    def close(self, state: EncoderState) -> None:
        """Free the slot of a stream that is not finished. A second call does nothing."""
        if state.slot >= 0:
            self._free_slots.append(state.slot)
            state.slot = -1

    @torch.inference_mode()
    def _grow(self, slots: int) -> None:
        shape = (self.num_heads, self._ring_chunks, self.window.chunk, self.width // self.num_heads)
        had = len(self._keys[0]) if self._keys else 0
        for caches in (self._keys, self._values):
            # zeroed by calloc: a slot takes no memory before its first use
            grown = [torch.zeros(slots, *shape, dtype=self.dtype) for _ in self.layers]
            for new, old in zip(grown, caches, strict=False):
                new[:had] = old
            caches[:] = grown
        self._free_slots += range(slots - 1, had - 1, -1)  # the lowest slot is used first

    # -- steps

    def advance(self, packets: Sequence[tuple[EncoderState, Samples]]) -> list[EncodedFrames]:
        """Add packets, each of its own stream, and encode the chunks they complete, together."""
        for state, samples in packets:
            state.pending_samples = np.concatenate([state.pending_samples, samples])
        return self._drain([state for state, _ in packets])

    def mark_speech_end(self, state: EncoderState, at: int) -> None:
        """Drop pending samples from sample `at` of this stream on, since only silence follows.
        Frames that are encoded already stay."""
        state.pending_samples = state.pending_samples[: max(0, at - state.consumed_samples)]

    @torch.inference_mode()
    def finish(self, states: Sequence[EncoderState]) -> list[EncodedFrames]:
        """Encode the rest of each stream, together, and close the streams."""
        drained = zip(states, self._drain(states), strict=True)
        parts = {id(state): [encoded] for state, encoded in drained}
        if left := [m for m in states if frame_count(len(m.pending_samples), self.receptive_field)]:
            self._extract_features(
                left, [frame_count(len(m.pending_samples), self.receptive_field) for m in left]
            )
        for state, encoded in self._encode_full_chunks(states):
            parts[id(state)].append(encoded)
        if left := [m for m in states if self._waiting_features(m)]:
            rest = [self._waiting_features(state) for state in left]
            for state, encoded in zip(left, self._encode_chunks(left, rest, rest), strict=True):
                parts[id(state)].append(encoded)
        for state in states:
            self.close(state)
        return [self._join_frames(parts[id(state)]) for state in states]

    @torch.inference_mode()
    def _drain(self, states: Sequence[EncoderState]) -> list[EncodedFrames]:
        """Encode every whole block of pending samples."""
        done: dict[int, list[EncodedFrames]] = {id(state): [] for state in states}
        whole = (BLOCK_FRAMES - 1) * FRAME + self.receptive_field
        while ready := [m for m in states if len(m.pending_samples) >= whole]:
            self._extract_features(ready, [BLOCK_FRAMES] * len(ready))
            for state, encoded in self._encode_full_chunks(ready):
                done[id(state)].append(encoded)
        return [self._join_frames(done[id(state)]) for state in states]

    def _encode_full_chunks(
        self, states: Sequence[EncoderState]
    ) -> Iterator[tuple[EncoderState, EncodedFrames]]:
        """Encode every chunk whose features and lookahead are there."""
        chunk, rows = self.window.chunk, self.window.chunk + self.lookahead
        while full := [m for m in states if self._waiting_features(m) >= rows]:
            encoded = self._encode_chunks(full, [rows] * len(full), [chunk] * len(full))
            yield from zip(full, encoded, strict=True)

    def _waiting_features(self, state: EncoderState) -> int:
        return len(state.features) - self.left_context

    def _join_frames(self, parts: Sequence[EncodedFrames]) -> EncodedFrames:
        if len(parts) == 1:
            return parts[0]
        none = torch.zeros(0, self.width)
        last = torch.cat([none, *(part.frames for part in parts)])
        blends = [part.blended_layers for part in parts if part.blended_layers is not None]
        return EncodedFrames(last, torch.cat([none, *blends]) if self.blend_layers else None)

    # -- from samples to features

    def _extract_features(self, states: Sequence[EncoderState], counts: Sequence[int]) -> None:
        """Turn pending samples, at most a block of each stream, into projected features."""
        # Always whole blocks: the rounding of a matrix product may depend on its height.
        sound = np.zeros(
            (len(states), (BLOCK_FRAMES - 1) * FRAME + self.receptive_field), np.float32
        )
        for line, state, count in zip(sound, states, counts, strict=True):
            piece = state.pending_samples[: (count - 1) * FRAME + self.receptive_field]
            new, state.pending_samples = count * FRAME, state.pending_samples[count * FRAME :]
            state.consumed_samples += new
            if self.normalise:
                mean, variance = state.input_stats.update(torch.from_numpy(piece[:new]))
                piece = (piece - mean.item()) / np.sqrt(variance.item() + 1e-7)
            line[: len(piece)] = piece
        x = torch.from_numpy(sound).unsqueeze(-1)
        for convolution in self.conv_layers:
            x = convolution(x)
            if convolution.group_norm is not None:
                new_rows = [count * FRAME // convolution.stride for count in counts]
                x = self._group_norm(convolution.group_norm, x, states, new_rows)
            if convolution.layer_norm is not None:
                x = apply_layer_norm(convolution.layer_norm, x)
            x = self.conv_activation(x)
        for state, row, count in zip(states, self._project_features(x), counts, strict=True):
            state.features = torch.cat([state.features, row[:count]])

    def _group_norm(
        self, norm: nn.GroupNorm, x: Tensor, states: Sequence[EncoderState], new: Sequence[int]
    ) -> Tensor:
        """The group norm, with each channel's mean and variance over the utterance so far."""
        stats = [m.conv_stats.update(row[:n]) for m, row, n in zip(states, x, new, strict=True)]
        mean = torch.stack([mean for mean, _ in stats])[:, None]
        spread = torch.stack([variance for _, variance in stats])[:, None].add(norm.eps).rsqrt()
        return ((x - mean) * (spread * norm.weight) + norm.bias).to(self.dtype)

    def _project_features(self, x: Tensor) -> Tensor:
        """HuBERT's feature projection: (batch, frames, channels) -> (batch, frames, width)."""
        norm = getattr(self._feature_projection, "layer_norm", None)  # some HuBERTs have none
        x = x.float()
        return cast(Tensor, self._feature_projection.projection(x if norm is None else norm(x)))

    # -- from features to frames

    def _encode_chunks(
        self, states: Sequence[EncoderState], rows: Sequence[int], frame_counts: Sequence[int]
    ) -> list[EncodedFrames]:
        """Take `rows` waiting features of each stream through the layers.

        `frame_counts` of them become frames, the others are lookahead. The keys and values of a
        full chunk go into the caches.
        """
        left_context, chunk = self.left_context, self.window.chunk
        padded = -(-max(rows) // BLOCK_FRAMES) * BLOCK_FRAMES
        x = torch.zeros(len(states), left_context + padded + self.right_context, self.width)
        for line, state, count, keep in zip(x, states, rows, frame_counts, strict=True):
            line[: left_context + count] = state.features[: left_context + count]
            state.features = state.features[keep:]
        x = self._add_positions(x, padded)
        x = x if self.pre_norm else self.model.encoder.layer_norm(x)
        slots = torch.tensor([state.slot for state in states])
        turn = torch.tensor([state.chunk_count % self._ring_chunks for state in states])
        bias = self._attention_bias(states, rows, padded)
        outputs = [x] if self.blend_layers else []
        for index, layer in enumerate(self.layers):
            x, keys, values = self._encoder_layer(layer, x, index, slots, bias)
            if min(frame_counts) == chunk:  # the newest chunk overwrites the oldest
                self._keys[index][slots, :, turn] = keys[:, :, :chunk]
                self._values[index][slots, :, turn] = values[:, :, :chunk]
            if self.blend_layers:
                outputs.append(x)
        for state in states:
            state.chunk_count += 1
        last = self.model.encoder.layer_norm(x) if self.pre_norm else x
        blended = self.blend_layers(outputs) if self.blend_layers else [None] * len(states)
        return [
            EncodedFrames(x[:n], None if y is None else y[:n])
            for x, y, n in zip(last, blended, frame_counts, strict=True)
        ]

    def _add_positions(self, x: Tensor, rows: int) -> Tensor:
        """Add the positional convolution: (batch, left_context + rows + right_context, width) ->
        (batch, rows, width)."""
        past = x.to(self.dtype).transpose(1, 2)
        groups = self.width // self.pos_conv_weight.shape[1]
        y = F.conv1d(past, self.pos_conv_weight, self.pos_conv_bias, groups=groups)[..., :rows]
        y = cast(Tensor, self.model.encoder.pos_conv_embed.activation(y)).transpose(1, 2)
        return x[:, self.left_context : self.left_context + rows] + y

    def _attention_bias(
        self, states: Sequence[EncoderState], rows: Sequence[int], padded: int
    ) -> Tensor:
        """Additive attention mask over the ring and the own chunk, 0 for keys that may be attended
        to: (batch, 1, 1, keys)."""
        ring = torch.arange(self._ring_chunks).repeat_interleave(self.window.chunk)
        lived = ring < torch.tensor([state.chunk_count for state in states])[:, None]
        own = torch.arange(padded) < torch.tensor(rows)[:, None]
        seen = torch.cat([lived, own], 1)
        return torch.zeros(seen.shape).masked_fill(~seen, MASKED_SCORE)[:, None, None]

    def _encoder_layer(
        self, layer: EncoderLayer, x: Tensor, index: int, slots: Tensor, bias: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The output (batch, rows, width) of one layer, and its new keys and values."""
        batch, rows, width = x.shape
        y = layer.layer_norm(x) if self.pre_norm else x
        # (3, batch, heads, rows, width of a head)
        y = layer.qkv_proj(y).view(batch, rows, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        queries, keys, values = y[0], y[1], y[2]
        past = self._keys[index].index_select(0, slots).flatten(2, 3)
        scores = queries @ torch.cat([past, keys], 2).transpose(-1, -2)
        shares = (scores.float() + bias).softmax(-1).to(self.dtype)
        past = self._values[index].index_select(0, slots).flatten(2, 3)
        mixed = (shares @ torch.cat([past, values], 2)).transpose(1, 2).reshape(batch, rows, width)
        x = x + layer.out_proj(mixed)
        x = x if self.pre_norm else layer.layer_norm(x)
        y = layer.final_layer_norm(x) if self.pre_norm else x
        x = x + layer.output_dense(layer.intermediate_act_fn(layer.intermediate_dense(y)))
        return x if self.pre_norm else layer.final_layer_norm(x), keys, values
