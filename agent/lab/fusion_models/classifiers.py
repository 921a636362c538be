"""Classifiers of mood from words and voice that differ only in where the two are fused.

Five classifiers of one turn, within 2 % of each other in parameters: words alone; voice alone;
feature level (both are pooled, then classified together); decision level (each is classified, the
log-odds are added as if independent given the mood); intermediate (words attend to the frames of
the voice and frames to the words, Tsai et al. 2019, arXiv 1906.00295, then as feature level).
`hearken evaluate fusion` compares them.

Each modality has a learned `absent_step` before its own steps, so that attention is defined for an
absent modality, and absence differs from neutral input. Invariants, held by
tests/agent/lab/fusion_models/test_classifiers.py: padding and the rest of a batch change no result;
absent words or voice give finite logits that depend on the other alone; every parameter learns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FusionKind = Literal["text", "speech", "feature", "decision", "intermediate"]
FUSION_KINDS: tuple[FusionKind, ...] = get_args(FusionKind)
SINGLE_MODALITY: tuple[FusionKind, ...] = ("text", "speech")
FUSED_KINDS: tuple[FusionKind, ...] = ("feature", "decision", "intermediate")
NUM_LOGITS = 4  # logits: negative, neutral, positive; upset
# (width of the encoders, width of the classifier); all kinds have about as many parameters.
LAYER_WIDTHS: dict[FusionKind, tuple[int, int]] = {
    "text": (88, 68),
    "speech": (68, 56),
    "feature": (48, 64),
    "decision": (48, 64),
    "intermediate": (40, 60),
}


@dataclass(frozen=True, slots=True, eq=False)
class TurnBatch:
    """A batch: `words` (batch, tokens, width) with `word_mask` (batch, tokens), `frames` (batch,
    frames, width) with `frame_mask`. A modality is absent where its mask is all False."""

    words: Tensor
    word_mask: Tensor
    frames: Tensor
    frame_mask: Tensor

    @classmethod
    def from_pairs(cls, pairs: Sequence[tuple[Tensor, Tensor]]) -> TurnBatch:
        """The batch of turns with words (tokens, width) and frames (frames, width); no rows:
        absent."""
        words, said = _pad([words for words, _ in pairs])
        frames, sounded = _pad([frames for _, frames in pairs])
        return cls(words, said, frames, sounded)

    def without_modality(self, no_words: Tensor, no_voice: Tensor) -> TurnBatch:
        """The same batch without the words, or the voice, of the turns that are True (batch,)."""
        return TurnBatch(
            self.words,
            self.word_mask & ~no_words[:, None],
            self.frames,
            self.frame_mask & ~no_voice[:, None],
        )


def _pad(rows: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    longest = max(1, *(len(row) for row in rows)) if rows else 1
    padded = torch.zeros(len(rows), longest, rows[0].shape[-1])
    mask = torch.zeros(len(rows), longest, dtype=torch.bool)
    for at, row in enumerate(rows):
        padded[at, : len(row)] = row
        mask[at, : len(row)] = True
    return padded, mask


class ModalityEncoder(nn.Module):
    """Encoder of one modality: (batch, steps, inputs) -> (batch, 1 + steps, width), the learned
    `absent_step` first."""

    def __init__(self, inputs: int, width: int, dropout: float) -> None:
        super().__init__()
        self.absent_step = nn.Parameter(torch.randn(1, 1, width) * 0.1)
        self.dropout = dropout
        self.register_buffer("usual", torch.zeros(inputs))
        self.register_buffer("spread", torch.ones(inputs))
        self.input_projection = nn.Sequential(nn.Linear(inputs, width), nn.GELU())
        self.norm = nn.LayerNorm(width)
        self.local_conv = nn.Conv1d(width, width, 5, padding=2)

    def fit_normalisation(self, steps: Tensor) -> None:
        """Set the normalisation from (steps, inputs)."""
        self.get_buffer("usual").copy_(steps.mean(0))
        self.get_buffer("spread").copy_(steps.std(0).clamp_min(1e-3))

    def forward(self, steps: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        steps = (steps - self.get_buffer("usual")) / self.get_buffer("spread")
        if self.training:  # drop whole inputs of a turn: neighbouring steps would reveal them
            some = steps.new_empty(len(steps), 1, steps.shape[2]).bernoulli_(1 - self.dropout)
            steps = steps * some / (1 - self.dropout)
        y = self.input_projection(steps) * mask[..., None]
        z = self.local_conv((self.norm(y) * mask[..., None]).transpose(1, 2)).transpose(1, 2)
        y = y + F.gelu(z)
        quiet = self.absent_step.expand(len(y), -1, -1)
        return torch.cat([quiet, y], 1), F.pad(mask, (1, 0), value=True)


class AttentivePooling(nn.Module):
    """Mean and deviation of the steps, weighted by learned attention: (batch, steps, width) ->
    (batch, 2 width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention = nn.Linear(width, 1)

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        share = self.attention(steps).masked_fill(~mask[..., None], -1e4).softmax(1)
        mean = (steps * share).sum(1)
        deviation = ((steps - mean[:, None]).square() * share).sum(1).clamp_min(1e-5).sqrt()
        return torch.cat([mean, deviation], -1)


def _build_classifier(inputs: int, width: int) -> nn.Module:
    return nn.Sequential(
        nn.LayerNorm(inputs),
        nn.Dropout(0.3),
        nn.Linear(inputs, width),
        nn.GELU(),
        nn.Dropout(0.3),
        nn.Linear(width, NUM_LOGITS),
    )


class FusionClassifier(nn.Module):
    """TurnBatch -> logits (batch, 4), not calibrated."""

    def __init__(self, kind: FusionKind, words: int, frames: int) -> None:
        super().__init__()
        self.kind: FusionKind = kind
        width, hidden = LAYER_WIDTHS[kind]
        if kind != "speech":
            self.word_encoder, self.word_pool = (
                ModalityEncoder(words, width, 0.2),
                AttentivePooling(width),
            )
        if kind != "text":
            self.frame_encoder, self.frame_pool = (
                ModalityEncoder(frames, width, 0.4),
                AttentivePooling(width),
            )
        if kind == "intermediate":
            self.words_to_frames = nn.MultiheadAttention(width, 4, 0.1, batch_first=True)
            self.frames_to_words = nn.MultiheadAttention(width, 4, 0.1, batch_first=True)
        if kind == "decision":
            self.classifiers = nn.ModuleList(_build_classifier(2 * width, hidden) for _ in range(2))
            self.prior = nn.Parameter(torch.zeros(NUM_LOGITS))  # log-odds without words and voice
        else:
            pools = 1 if kind in SINGLE_MODALITY else 2
            self.classifier = _build_classifier(pools * 2 * width, hidden)

    def fit_normalisation(self, words: Tensor, frames: Tensor) -> None:
        """Set the normalisation from words (words, width) and frames (frames, width)."""
        if self.kind != "speech":
            self.word_encoder.fit_normalisation(words)
        if self.kind != "text":
            self.frame_encoder.fit_normalisation(frames)

    def forward(self, batch: TurnBatch) -> Tensor:
        if self.kind == "text":
            return self._logits(
                self.classifier, self.word_pool(*self.word_encoder(batch.words, batch.word_mask))
            )
        if self.kind == "speech":
            pooled_frames = self.frame_pool(*self.frame_encoder(batch.frames, batch.frame_mask))
            return self._logits(self.classifier, pooled_frames)
        words, word_mask = self.word_encoder(batch.words, batch.word_mask)  # (b, 1 + tokens, width)
        frames, frame_mask = self.frame_encoder(
            batch.frames, batch.frame_mask
        )  # (b, 1 + frames, width)
        if self.kind == "intermediate":
            listened = self.words_to_frames(words, frames, frames, ~frame_mask, need_weights=False)[
                0
            ]
            read = self.frames_to_words(frames, words, words, ~word_mask, need_weights=False)[0]
            words, frames = words + listened, frames + read
        pooled = self.word_pool(words, word_mask), self.frame_pool(frames, frame_mask)
        if self.kind != "decision":
            return self._logits(self.classifier, torch.cat(pooled, -1))
        logits = self.prior.expand(len(words), -1)
        for classifier, features, mask in zip(
            self.classifiers, pooled, (batch.word_mask, batch.frame_mask), strict=True
        ):
            logits = logits + classifier(features) * mask.any(1, keepdim=True)
        return logits

    @staticmethod
    def _logits(classifier: nn.Module, pooled: Tensor) -> Tensor:
        logits: Tensor = classifier(pooled)
        return logits


def parameter_count(model: nn.Module) -> int:
    """The number of parameters of a model."""
    return sum(weight.numel() for weight in model.parameters())
