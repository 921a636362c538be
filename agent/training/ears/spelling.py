"""What does the encoder train to do, and by how much is it wrong?

CTC over letters at the top, the same half-way up, and at the beginning a flat start; all of it on
the encoder that is shipped, run with the mask that it streams with.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from audio import torchaudio_guard  # noqa: F401  before transformers, which imports torchaudio

# isort: split
from transformers import HubertForCTC

from agent.training.ears.batches import LETTERS, Batch
from agent.training.ears.filters import begin_as_filter_bank
from audio.encoder import Encoder, frames_in, small_config
from audio.types import FRAME

MID = 3  # the layer whose output also spells


class Spelling(nn.Module):
    """HubertForCTC and the extra heads that exist only while training."""

    def __init__(self) -> None:
        super().__init__()
        self.ctc = HubertForCTC(small_config(vocab_size=len(LETTERS)))
        self.encoder = Encoder(self.ctc.hubert)
        width = self.encoder.width
        self.mid_norm = nn.LayerNorm(width)
        self.mid_head = nn.Linear(width, len(LETTERS))
        begin_as_filter_bank(self.ctc.hubert)

    def loss(self, batch: Batch, masks: Tensor, middle: float, flat: float = 0.0) -> Tensor:
        encoder, counts = self.encoder, [frames_in(n) for n in batch.lengths]
        x = encoder.project(encoder.convolve(batch.samples))
        hidden = self.ctc.hubert.masked_spec_embed.to(x.dtype)
        outputs = encoder.think(torch.where(masks[..., None], hidden, x), counts)
        logits = self.ctc.lm_head(outputs[-1]), self.mid_head(self.mid_norm(outputs[MID]))
        final, half = (self._ctc(each, counts, batch) for each in logits)
        loss = (1 - middle) * final + middle * half
        if flat:
            wanted = flat_letters(batch, logits[0].shape[1]).flatten()
            for each in logits:
                wish = F.cross_entropy(each.float().flatten(0, 1), wanted, reduction="sum")
                loss = loss + flat * wish / (wanted >= 0).sum().clamp_min(1)
        return loss

    def _ctc(self, logits: Tensor, counts: list[int], batch: Batch) -> Tensor:
        likely = logits.float().log_softmax(-1).transpose(0, 1)  # (frames, batch, letters)
        loss = F.ctc_loss(
            likely,
            batch.labels,
            torch.tensor(counts),
            batch.label_lengths,
            reduction="sum",
            zero_infinity=True,
        )
        return loss / batch.label_lengths.sum()


def flat_letters(batch: Batch, frames: int, most: int = 16) -> Tensor:
    """Letters spread evenly over the sound of each short text: (batch, frames), -100 for no wish.

    A flat start, as hidden Markov models have: wrong in detail, but it is not the blank plateau.
    """
    wanted = batch.labels.new_full((len(batch.lengths), frames), -100)
    labels = torch.split(batch.labels, batch.label_lengths.tolist())
    blocks = batch.samples[:, : frames * FRAME].view(len(labels), frames, FRAME)
    loud = blocks.square().mean(2)  # (batch, frames)
    voiced = loud > 0.01 * loud.amax(1, keepdim=True)
    for row, label, there in zip(wanted, labels, voiced, strict=True):
        if len(label) <= most:
            spoken = torch.nonzero(there).flatten()
            first, count = int(spoken[0]), int(spoken[-1] - spoken[0]) + 1
            row[:] = 0
            row[first : first + count] = label[
                torch.arange(count, device=label.device) * len(label) // count
            ]
    return wanted


def time_masks(counts: Sequence[int], frames: int, random: np.random.Generator) -> Tensor:
    """SpecAugment's time masks (arXiv 1904.08779): up to two spans, never much of a short word."""
    masks = np.zeros((len(counts), frames), bool)
    for row, count in zip(masks, counts, strict=True):
        for _ in range(random.integers(0, 3)):
            span = int(random.integers(0, max(1, min(25, count // 8)) + 1))
            start = int(random.integers(0, max(1, count - span)))
            row[start : start + span] = True
    return torch.from_numpy(masks)
