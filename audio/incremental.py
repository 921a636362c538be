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

from audio.encoder import Reach, frames_in, sight_of
from audio.inference_layers import Convolution, Layer, normed
from audio.types import FRAME, Samples

BOUNDED = Reach(chunk=64, left=192)  # of a checkpoint that was never taught to stream: 1.28 s
AHEAD = 16  # frames of future that it is given, of all that it was taught to see
BLOCK = 16  # frames that are convolved at a time: 320 ms
SLOTS = 16  # streams at first; twice as many whenever more are live than ever before
HIDDEN = -1e4  # added to the score of what must not be attended to


@dataclass(slots=True, eq=False)
class Heard:
    """What a norm over the whole utterance goes by while the utterance is not whole."""

    count: float = 0.0
    total: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    square: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))

    def take(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Count (n, channels) or (n,) in; mean and variance of all so far."""
        x = x.double()
        self.count += len(x)
        self.total = self.total + x.sum(0)
        self.square = self.square + x.square().sum(0)
        mean = self.total / self.count
        return mean.float(), (self.square / self.count - mean.square()).clamp_min(0).float()


@dataclass(slots=True, eq=False)
class Memory:
    """All that one stream remembers between two packets, but for its keys and values."""

    slot: int
    features: Tensor  # (past + waiting, width): those behind for the positions, those to come
    pending: Samples = field(default_factory=lambda: np.zeros(0, np.float32))
    done: int = 0  # samples that have become features
    chunks: int = 0
    level: Heard = field(default_factory=Heard)  # of the samples
    colour: Heard = field(default_factory=Heard)  # of the first convolution, by channel


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """New frames of one stream."""

    last: Tensor  # (frames, width) what the head spells from
    blended: Tensor | None  # (frames, width) the layers, mixed for the emotion head


Mix = Callable[[Sequence[Tensor]], Tensor]  # every layer's (batch, frames, width) -> one


class Incremental:
    """A Hubert or Wav2Vec2 model and the streams that it is in the middle of. One thread calls."""

    def __init__(
        self,
        model: Any,
        reach: Reach,
        *,
        ahead: int = 0,
        normalise: bool = False,
        dtype: torch.dtype = torch.float32,
        mix: Mix | None = None,
    ) -> None:
        """`model` as transformers opened it; `ahead` frames of future, 0 for one whose positions
        look only backwards; `normalise`: samples to mean 0 and variance 1; `mix` blends layers."""
        config = model.config
        self.model, self.reach, self.ahead, self.mix = model, reach, ahead, mix
        self.normalise, self.dtype = normalise, dtype
        self.sight, self.width = sight_of(config), int(config.hidden_size)
        self.heads = int(config.num_attention_heads)
        self.pre = bool(config.do_stable_layer_norm)  # norms before, not after, each half
        self.act = ACT2FN[config.feat_extract_activation]
        self.convolutions = [
            Convolution(layer, dtype) for layer in model.feature_extractor.conv_layers
        ]
        self.layers = [Layer(layer, self.heads, dtype) for layer in model.encoder.layers]
        conv = model.encoder.pos_conv_embed.conv
        (kernel,) = conv.kernel_size
        self.kernel, self.bias = conv.weight.detach().to(dtype), conv.bias.detach().to(dtype)
        causal = bool(getattr(config, "causal_positions", False))
        self.behind: int = kernel - 1 if causal else kernel // 2  # frames looked back on
        self.beyond = 0 if causal else (kernel - 1) // 2
        self._projection = model.feature_projection
        if reach.chunk < 1 or reach.left < reach.chunk or reach.left % reach.chunk:
            raise ValueError(f"{reach.left} frames before a chunk are no whole chunks")
        self._blocks = reach.left // reach.chunk
        self._free: list[int] = []
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []
        self._grow(SLOTS)

    @property
    def hop(self) -> int:
        """Samples after which there is something to work out."""
        return BLOCK * FRAME

    @property
    def overhang(self) -> int:
        """Samples beyond a hop that its last frame sees."""
        return self.sight - FRAME

    @property
    def exact(self) -> bool:
        """Whether frames come out as they do offline: no norm and no position looks further."""
        grouped = any(convolution.grouped for convolution in self.convolutions)
        return not (self.beyond or self.ahead or self.normalise or grouped)

    @property
    def live(self) -> int:
        """Streams that are open."""
        return len(self._keys[0]) - len(self._free)

    # -- streams

    @torch.inference_mode()
    def open(self) -> Memory:
        if not self._free:
            self._grow(2 * len(self._keys[0]))
        return Memory(self._free.pop(), torch.zeros(self.behind, self.width))

    def close(self, memory: Memory) -> None:
        """Its slot is another's to use. A memory ends here or in `finish`; twice is once."""
        if memory.slot >= 0:
            self._free.append(memory.slot)
            memory.slot = -1

    @torch.inference_mode()
    def _grow(self, slots: int) -> None:
        shape = (self.heads, self._blocks, self.reach.chunk, self.width // self.heads)
        had = len(self._keys[0]) if self._keys else 0
        for caches in (self._keys, self._values):
            # calloc'd: a slot takes no memory before its first use
            grown = [torch.zeros(slots, *shape, dtype=self.dtype) for _ in self.layers]
            for new, old in zip(grown, caches, strict=False):
                new[:had] = old
            caches[:] = grown
        self._free += range(slots - 1, had - 1, -1)  # the lowest slot is used first

    # -- steps

    def advance(self, packets: Sequence[tuple[Memory, Samples]]) -> list[Encoded]:
        """Hear `packets`, each of its own stream, and encode the chunks they complete, together."""
        for memory, samples in packets:
            memory.pending = np.concatenate([memory.pending, samples])
        return self._drain([memory for memory, _ in packets])

    def end(self, memory: Memory, at: int) -> None:
        """Only silence follows sample `at` of this stream: what has not been heard of it need not
        be. Frames that are there already stay."""
        memory.pending = memory.pending[: max(0, at - memory.done)]

    @torch.inference_mode()
    def finish(self, memories: Sequence[Memory]) -> list[Encoded]:
        """The turns are over: encode what is left of each, together. Their memories end here."""
        drained = zip(memories, self._drain(memories), strict=True)
        parts = {id(memory): [encoded] for memory, encoded in drained}
        if left := [m for m in memories if frames_in(len(m.pending), self.sight)]:
            self._convolve(left, [frames_in(len(m.pending), self.sight) for m in left])
        for memory, encoded in self._chunks(memories):
            parts[id(memory)].append(encoded)
        if left := [m for m in memories if self._waiting(m)]:
            rest = [self._waiting(memory) for memory in left]
            for memory, encoded in zip(left, self._think(left, rest, rest), strict=True):
                parts[id(memory)].append(encoded)
        for memory in memories:
            self.close(memory)
        return [self._joined(parts[id(memory)]) for memory in memories]

    @torch.inference_mode()
    def _drain(self, memories: Sequence[Memory]) -> list[Encoded]:
        done: dict[int, list[Encoded]] = {id(memory): [] for memory in memories}
        whole = (BLOCK - 1) * FRAME + self.sight
        while ready := [m for m in memories if len(m.pending) >= whole]:
            self._convolve(ready, [BLOCK] * len(ready))
            for memory, encoded in self._chunks(ready):
                done[id(memory)].append(encoded)
        return [self._joined(done[id(memory)]) for memory in memories]

    def _chunks(self, memories: Sequence[Memory]) -> Iterator[tuple[Memory, Encoded]]:
        """Take every chunk that has its features, and its future, through the layers."""
        chunk, rows = self.reach.chunk, self.reach.chunk + self.ahead
        while full := [m for m in memories if self._waiting(m) >= rows]:
            encoded = self._think(full, [rows] * len(full), [chunk] * len(full))
            yield from zip(full, encoded, strict=True)

    def _waiting(self, memory: Memory) -> int:
        return len(memory.features) - self.behind

    def _joined(self, parts: Sequence[Encoded]) -> Encoded:
        if len(parts) == 1:
            return parts[0]
        none = torch.zeros(0, self.width)
        last = torch.cat([none, *(part.last for part in parts)])
        blends = [part.blended for part in parts if part.blended is not None]
        return Encoded(last, torch.cat([none, *blends]) if self.mix else None)

    # -- from samples to features

    def _convolve(self, memories: Sequence[Memory], frames: Sequence[int]) -> None:
        """Turn pending samples, at most a block of each stream, into projected features."""
        # Always whole blocks: the bits of a matrix product may depend on its height.
        sound = np.zeros((len(memories), (BLOCK - 1) * FRAME + self.sight), np.float32)
        for line, memory, count in zip(sound, memories, frames, strict=True):
            piece = memory.pending[: (count - 1) * FRAME + self.sight]
            new, memory.pending = count * FRAME, memory.pending[count * FRAME :]
            memory.done += new
            if self.normalise:
                mean, variance = memory.level.take(torch.from_numpy(piece[:new]))
                piece = (piece - mean.item()) / np.sqrt(variance.item() + 1e-7)
            line[: len(piece)] = piece
        x = torch.from_numpy(sound).unsqueeze(-1)
        for convolution in self.convolutions:
            x = convolution(x)
            if convolution.grouped is not None:
                new_rows = [count * FRAME // convolution.stride for count in frames]
                x = self._grouped(convolution.grouped, x, memories, new_rows)
            if convolution.norm is not None:
                x = normed(convolution.norm, x)
            x = self.act(x)
        for memory, row, count in zip(memories, self._project(x), frames, strict=True):
            memory.features = torch.cat([memory.features, row[:count]])

    def _grouped(
        self, norm: nn.GroupNorm, x: Tensor, memories: Sequence[Memory], new: Sequence[int]
    ) -> Tensor:
        """Each channel by its mean and variance over the utterance so far."""
        seen = [m.colour.take(row[:n]) for m, row, n in zip(memories, x, new, strict=True)]
        mean = torch.stack([mean for mean, _ in seen])[:, None]
        spread = torch.stack([variance for _, variance in seen])[:, None].add(norm.eps).rsqrt()
        return ((x - mean) * (spread * norm.weight) + norm.bias).to(self.dtype)

    def _project(self, x: Tensor) -> Tensor:
        norm = getattr(self._projection, "layer_norm", None)  # some HuBERTs do without
        x = x.float()
        return cast(Tensor, self._projection.projection(x if norm is None else norm(x)))

    # -- from features to frames

    def _think(
        self, memories: Sequence[Memory], rows: Sequence[int], kept: Sequence[int]
    ) -> list[Encoded]:
        """Take `rows` waiting features of each stream through the layers; `kept` of them become
        frames, the others were future. A chunk's keys and values are remembered."""
        behind, chunk = self.behind, self.reach.chunk
        padded = -(-max(rows) // BLOCK) * BLOCK
        x = torch.zeros(len(memories), behind + padded + self.beyond, self.width)
        for line, memory, count, keep in zip(x, memories, rows, kept, strict=True):
            line[: behind + count] = memory.features[: behind + count]
            memory.features = memory.features[keep:]
        x = self._placed(x, padded)
        x = x if self.pre else self.model.encoder.layer_norm(x)
        slots = torch.tensor([memory.slot for memory in memories])
        turn = torch.tensor([memory.chunks % self._blocks for memory in memories])
        bias = self._seen(memories, rows, padded)
        outputs = [x] if self.mix else []
        for index, layer in enumerate(self.layers):
            x, keys, values = self._layer(layer, x, index, slots, bias)
            if min(kept) == chunk:  # the newest chunk takes the place of the oldest
                self._keys[index][slots, :, turn] = keys[:, :, :chunk]
                self._values[index][slots, :, turn] = values[:, :, :chunk]
            if self.mix:
                outputs.append(x)
        for memory in memories:
            memory.chunks += 1
        last = self.model.encoder.layer_norm(x) if self.pre else x
        blended = self.mix(outputs) if self.mix else [None] * len(memories)
        return [
            Encoded(x[:n], None if y is None else y[:n])
            for x, y, n in zip(last, blended, kept, strict=True)
        ]

    def _placed(self, x: Tensor, rows: int) -> Tensor:
        """Add the positional convolution; (batch, behind + rows + beyond, width) -> rows."""
        past = x.to(self.dtype).transpose(1, 2)
        groups = self.width // self.kernel.shape[1]
        y = F.conv1d(past, self.kernel, self.bias, groups=groups)[..., :rows]
        y = cast(Tensor, self.model.encoder.pos_conv_embed.activation(y)).transpose(1, 2)
        return x[:, self.behind : self.behind + rows] + y

    def _seen(self, memories: Sequence[Memory], rows: Sequence[int], padded: int) -> Tensor:
        """0 for what a row may attend to, of the ring and of its own chunk: (batch, 1, 1, n)."""
        ring = torch.arange(self._blocks).repeat_interleave(self.reach.chunk)
        lived = ring < torch.tensor([memory.chunks for memory in memories])[:, None]
        own = torch.arange(padded) < torch.tensor(rows)[:, None]
        seen = torch.cat([lived, own], 1)
        return torch.zeros(seen.shape).masked_fill(~seen, HIDDEN)[:, None, None]

    def _layer(
        self, layer: Layer, x: Tensor, index: int, slots: Tensor, bias: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """A layer's output for (batch, rows, width), and the new keys and values."""
        batch, rows, width = x.shape
        y = layer.norm(x) if self.pre else x
        # (3, batch, heads, rows, width of a head)
        y = layer.project(y).view(batch, rows, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        queries, keys, values = y[0], y[1], y[2]
        past = self._keys[index].index_select(0, slots).flatten(2, 3)
        scores = queries @ torch.cat([past, keys], 2).transpose(-1, -2)
        shares = (scores.float() + bias).softmax(-1).to(self.dtype)
        past = self._values[index].index_select(0, slots).flatten(2, 3)
        mixed = (shares @ torch.cat([past, values], 2)).transpose(1, 2).reshape(batch, rows, width)
        x = x + layer.out(mixed)
        x = x if self.pre else layer.norm(x)
        y = layer.final(x) if self.pre else x
        x = x + layer.narrow(layer.act(layer.widen(y)))
        return x if self.pre else layer.final(x), keys, values
