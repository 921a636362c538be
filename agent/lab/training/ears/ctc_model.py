"""The CTC training model: the shipped encoder with its heads and losses.

CTC over letters and over phones at the top, over phones at the middle layer, and at the beginning a
flat start; the encoder runs with the attention mask that it streams with. English spelling says
little about sound, so with few hours of data phones are learned several times sooner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from audio import torchaudio_guard  # noqa: F401  before transformers, which imports torchaudio

# isort: split
from transformers import HubertForCTC

from agent.lab.training.ears.batches import LETTERS, SpeechBatch
from agent.lab.training.ears.filter_bank import initialise_filter_bank
from audio.encoder import ChunkedEncoder, frame_count, small_config
from audio.phones import PHONE_HEAD_FILE, PHONE_LABELS
from audio.types import FRAME

MID_LAYER = 3  # the layer whose output also predicts phones


@dataclass(frozen=True, slots=True)
class LossWeights:
    """The weight of each task in the loss."""

    letters: float = 0.35
    phones: float = 0.45
    mid_phones: float = 0.2


class CtcTrainingModel(nn.Module):
    """HubertForCTC and the extra heads that exist only while training."""

    def __init__(self) -> None:
        super().__init__()
        self.ctc = HubertForCTC(small_config(vocab_size=len(LETTERS)))
        self.encoder = ChunkedEncoder(self.ctc.hubert)
        width = self.encoder.width
        self.mid_norm = nn.LayerNorm(width)
        self.mid_head = nn.Linear(width, len(PHONE_LABELS))
        self.phone_head = nn.Linear(width, len(PHONE_LABELS))
        initialise_filter_bank(self.ctc.hubert)

    def load_exported(self, folder: Path) -> None:
        """Load exported weights; heads that exist only in training keep their initial weights."""
        self.ctc.load_state_dict(load_file(folder / "model.safetensors"))
        phones = folder / PHONE_HEAD_FILE
        if phones.exists():
            self.phone_head.load_state_dict(load_file(phones))

    def loss(
        self,
        batch: SpeechBatch,
        masks: Tensor,
        weights: LossWeights,
        flat_start_weight: float = 0.0,
    ) -> Tensor:
        """The weighted CTC losses; `masks` (batch, frames) hides input frames."""
        encoder, counts = self.encoder, [frame_count(n) for n in batch.lengths]
        x = encoder.project_features(encoder.extract_features(batch.samples))
        hidden = self.ctc.hubert.masked_spec_embed.to(x.dtype)
        outputs = encoder.encode(torch.where(masks[..., None], hidden, x), counts)
        letters = self.ctc.lm_head(outputs[-1])
        phones = self.phone_head(outputs[-1])
        mid_phones = self.mid_head(self.mid_norm(outputs[MID_LAYER]))
        loss = weights.letters * _ctc_loss(letters, counts, batch.labels, batch.label_lengths)
        loss = loss + weights.phones * _ctc_loss(phones, counts, batch.phones, batch.phone_lengths)
        loss = loss + weights.mid_phones * _ctc_loss(
            mid_phones, counts, batch.phones, batch.phone_lengths
        )
        if flat_start_weight:
            for logits, labels, lengths in (
                (letters, batch.labels, batch.label_lengths),
                (phones, batch.phones, batch.phone_lengths),
                (mid_phones, batch.phones, batch.phone_lengths),
            ):
                targets = flat_start_targets(batch, labels, lengths, logits.shape[1]).flatten()
                cross_entropy = F.cross_entropy(
                    logits.float().flatten(0, 1), targets, reduction="sum"
                )
                loss = loss + flat_start_weight * cross_entropy / (targets >= 0).sum().clamp_min(1)
        return loss


def _ctc_loss(logits: Tensor, counts: list[int], labels: Tensor, lengths: Tensor) -> Tensor:
    log_probabilities = logits.float().log_softmax(-1).transpose(0, 1)  # (frames, batch, letters)
    loss = F.ctc_loss(
        log_probabilities,
        labels,
        torch.tensor(counts),
        lengths,
        reduction="sum",
        zero_infinity=True,
    )
    return loss / lengths.sum()


def flat_start_targets(
    batch: SpeechBatch, labels: Tensor, lengths: Tensor, frames: int, max_labels: int = 16
) -> Tensor:
    """Labels spread evenly over the voiced frames of short texts: (batch, frames); -100: no target.

    A flat start, as of hidden Markov models: wrong in detail, but it avoids CTC's blank plateau.
    """
    targets = labels.new_full((len(lengths), frames), -100)
    each = torch.split(labels, lengths.tolist())
    blocks = batch.samples[:, : frames * FRAME].view(len(each), frames, FRAME)
    loud = blocks.square().mean(2)  # (batch, frames)
    voiced = loud > 0.01 * loud.amax(1, keepdim=True)
    for row, label, voiced_blocks in zip(targets, each, voiced, strict=True):
        if len(label) <= max_labels:
            spoken = torch.nonzero(voiced_blocks).flatten()
            first, count = int(spoken[0]), int(spoken[-1] - spoken[0]) + 1
            row[:] = 0
            row[first : first + count] = label[
                torch.arange(count, device=label.device) * len(label) // count
            ]
    return targets


def time_masks(counts: Sequence[int], frames: int, random: np.random.Generator) -> Tensor:
    """SpecAugment's time masks (arXiv 1904.08779), (batch, frames), True where an input is hidden.

    Mild, because the few passes over the data leave little risk of overfitting.
    """
    masks = np.zeros((len(counts), frames), bool)
    for row, count in zip(masks, counts, strict=True):
        for _ in range(random.integers(0, 2)):
            span = int(random.integers(0, max(1, min(15, count // 8)) + 1))
            start = int(random.integers(0, max(1, count - span)))
            row[start : start + span] = True
    return torch.from_numpy(masks)
