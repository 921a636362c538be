"""What does HuBERT make of many voices that are all still speaking?

The weights of one model, laid out for inference, and the caches of every live stream. Each frame is
encoded once. A step takes all the streams that have a block ready, whatever their age, through one
forward pass of fixed shape per stream; what a stream gets out does not depend, in any bit, on its
packets or on its company (tests/audio/test_incremental.py).

A checkpoint that was trained to stream (audio/encoder.py) comes out as it does offline. Any other
wav2vec2 or HuBERT sees `ahead` frames of future and a bounded past where it was taught to see the
whole utterance, and is normalised by what was heard so far: near offline, and how near is measured
by `hearken evaluate ears --streaming`.

Keys and values lie in ring buffers, one slot a stream: attention knows no order, so the newest
chunk takes the place of the oldest and nothing is moved.
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

DEFAULT_WINDOW = AttentionWindow(
    chunk=64, left=192
)  # of a checkpoint that was never taught to stream: 1.28 s
LOOKAHEAD_FRAMES = 16  # frames of future that it is given, of all that it was taught to see
BLOCK_FRAMES = 16  # frames that are convolved at a time: 320 ms
INITIAL_SLOTS = 16  # streams at first; twice as many whenever more are live than ever before
MASKED_SCORE = -1e4  # added to the score of what must not be attended to


@dataclass(slots=True, eq=False)
class RunningStats:
    """What a norm over the whole utterance goes by while the utterance is not whole."""

    count: float = 0.0
    total: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    square_total: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))

    def update(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Count (n, channels) or (n,) in; mean and variance of all so far."""
        x = x.double()
        self.count += len(x)
        self.total = self.total + x.sum(0)
        self.square_total = self.square_total + x.square().sum(0)
        mean = self.total / self.count
        return mean.float(), (self.square_total / self.count - mean.square()).clamp_min(0).float()


@dataclass(slots=True, eq=False)
class EncoderState:
    """All that one stream remembers between two packets, but for its keys and values."""

    slot: int
    features: Tensor  # (past + waiting, width): those behind for the positions, those to come
    pending_samples: Samples = field(default_factory=lambda: np.zeros(0, np.float32))
    consumed_samples: int = 0  # samples that have become features
    chunk_count: int = 0
    input_stats: RunningStats = field(default_factory=RunningStats)  # of the samples
    conv_stats: RunningStats = field(
        default_factory=RunningStats
    )  # of the first convolution, by channel


@dataclass(frozen=True, slots=True, eq=False)
class EncodedFrames:
    """New frames of one stream."""

    frames: Tensor  # (frames, width) what the head spells from
    blended_layers: Tensor | None  # (frames, width) the layers, mixed for the emotion head


LayerBlend = Callable[[Sequence[Tensor]], Tensor]  # every layer's (batch, frames, width) -> one


class IncrementalEncoder:
    """A Hubert or Wav2Vec2 model and the streams that it is in the middle of. One thread calls."""

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
        """`model` as transformers opened it; `ahead` frames of future, 0 for one whose positions
        look only backwards; `normalise`: samples to mean 0 and variance 1; `mix` blends layers."""
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
        self.left_context: int = kernel - 1 if causal else kernel // 2  # frames looked back on
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
        """Samples after which there is something to work out."""
        return BLOCK_FRAMES * FRAME

    @property
    def overhang(self) -> int:
        """Samples beyond a hop that its last frame sees."""
        return self.receptive_field - FRAME

    @property
    def is_exact(self) -> bool:
        """Whether frames come out as they do offline: no norm and no position looks further."""
        grouped = any(convolution.group_norm for convolution in self.conv_layers)
        return not (self.right_context or self.lookahead or self.normalise or grouped)

    @property
    def open_streams(self) -> int:
        """Streams that are open."""
        return len(self._keys[0]) - len(self._free_slots)

    # -- streams

    @torch.inference_mode()
    def open(self) -> EncoderState:
        if not self._free_slots:
            self._grow(2 * len(self._keys[0]))
        return EncoderState(self._free_slots.pop(), torch.zeros(self.left_context, self.width))

    def close(self, state: EncoderState) -> None:
        """Its slot is another's to use. A memory ends here or in `finish`; twice is once."""
        if state.slot >= 0:
            self._free_slots.append(state.slot)
            state.slot = -1

    @torch.inference_mode()
    def _grow(self, slots: int) -> None:
        shape = (self.num_heads, self._ring_chunks, self.window.chunk, self.width // self.num_heads)
        had = len(self._keys[0]) if self._keys else 0
        for caches in (self._keys, self._values):
            # calloc'd: a slot takes no memory before its first use
            grown = [torch.zeros(slots, *shape, dtype=self.dtype) for _ in self.layers]
            for new, old in zip(grown, caches, strict=False):
                new[:had] = old
            caches[:] = grown
        self._free_slots += range(slots - 1, had - 1, -1)  # the lowest slot is used first

    # -- steps

    def advance(self, packets: Sequence[tuple[EncoderState, Samples]]) -> list[EncodedFrames]:
        """Hear `packets`, each of its own stream, and encode the chunks they complete, together."""
        for state, samples in packets:
            state.pending_samples = np.concatenate([state.pending_samples, samples])
        return self._drain([state for state, _ in packets])

    def mark_speech_end(self, state: EncoderState, at: int) -> None:
        """Only silence follows sample `at` of this stream: what has not been heard of it need not
        be. Frames that are there already stay."""
        state.pending_samples = state.pending_samples[: max(0, at - state.consumed_samples)]

    @torch.inference_mode()
    def finish(self, states: Sequence[EncoderState]) -> list[EncodedFrames]:
        """The turns are over: encode what is left of each, together. Their memories end here."""
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
        """Take every chunk that has its features, and its future, through the layers."""
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
        # Always whole blocks: the bits of a matrix product may depend on its height.
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
        """Each channel by its mean and variance over the utterance so far."""
        seen = [m.conv_stats.update(row[:n]) for m, row, n in zip(states, x, new, strict=True)]
        mean = torch.stack([mean for mean, _ in seen])[:, None]
        spread = torch.stack([variance for _, variance in seen])[:, None].add(norm.eps).rsqrt()
        return ((x - mean) * (spread * norm.weight) + norm.bias).to(self.dtype)

    def _project_features(self, x: Tensor) -> Tensor:
        norm = getattr(self._feature_projection, "layer_norm", None)  # some HuBERTs do without
        x = x.float()
        return cast(Tensor, self._feature_projection.projection(x if norm is None else norm(x)))

    # -- from features to frames

    def _encode_chunks(
        self, states: Sequence[EncoderState], rows: Sequence[int], frame_counts: Sequence[int]
    ) -> list[EncodedFrames]:
        """Take `rows` waiting features of each stream through the layers; `kept` of them become
        frames, the others were future. A chunk's keys and values are remembered."""
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
            if min(frame_counts) == chunk:  # the newest chunk takes the place of the oldest
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
        """Add the positional convolution; (batch, behind + rows + beyond, width) -> rows."""
        past = x.to(self.dtype).transpose(1, 2)
        groups = self.width // self.pos_conv_weight.shape[1]
        y = F.conv1d(past, self.pos_conv_weight, self.pos_conv_bias, groups=groups)[..., :rows]
        y = cast(Tensor, self.model.encoder.pos_conv_embed.activation(y)).transpose(1, 2)
        return x[:, self.left_context : self.left_context + rows] + y

    def _attention_bias(
        self, states: Sequence[EncoderState], rows: Sequence[int], padded: int
    ) -> Tensor:
        """0 for what a row may attend to, of the ring and of its own chunk: (batch, 1, 1, n)."""
        ring = torch.arange(self._ring_chunks).repeat_interleave(self.window.chunk)
        lived = ring < torch.tensor([state.chunk_count for state in states])[:, None]
        own = torch.arange(padded) < torch.tensor(rows)[:, None]
        seen = torch.cat([lived, own], 1)
        return torch.zeros(seen.shape).masked_fill(~seen, MASKED_SCORE)[:, None, None]

    def _encoder_layer(
        self, layer: EncoderLayer, x: Tensor, index: int, slots: Tensor, bias: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """A layer's output for (batch, rows, width), and the new keys and values."""
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
