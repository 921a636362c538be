"""How can words and voice be put together before a verdict, and which way is best?

Five judges of one turn, alike but for where the two meet, and within 2 % of each other in
parameters: words alone; voice alone; feature level (both are pooled, then judged together);
decision level (each is judged, the log-odds are added as if independent given the mood);
intermediate (words attend to the frames of the voice and frames to the words, Tsai et al. 2019,
arXiv 1906.00295, then as feature level). `hearken evaluate fusion` compares them.

Each modality has a learned `quiet` step before its own, so that attention over nothing is defined
and an absent modality is a thing of its own, not a neutral one. Invariants, held by
tests/agent/understanding/test_fusing.py: padding and company in a batch change no verdict; absent
words or voice give finite verdicts that depend on the other alone; every parameter learns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Kind = Literal["text", "speech", "feature", "decision", "intermediate"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SINGLE: tuple[Kind, ...] = ("text", "speech")
FUSIONS: tuple[Kind, ...] = ("feature", "decision", "intermediate")
VERDICTS = 4  # logits: negative, neutral, positive; upset
# (width of the towers, width of the judge), so that all have about as many parameters.
SIZES: dict[Kind, tuple[int, int]] = {
    "text": (88, 68),
    "speech": (68, 56),
    "feature": (48, 64),
    "decision": (48, 64),
    "intermediate": (40, 60),
}


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """A batch: `words` (batch, tokens, width) of which `said` (batch, tokens) are there, `frames`
    (batch, frames, width) of which `sounded` are. A modality is absent where none is there."""

    words: Tensor
    said: Tensor
    frames: Tensor
    sounded: Tensor

    @classmethod
    def of(cls, pairs: Sequence[tuple[Tensor, Tensor]]) -> Turns:
        """Words (tokens, width) and frames (frames, width) of each turn; no rows: absent."""
        words, said = _padded([words for words, _ in pairs])
        frames, sounded = _padded([frames for _, frames in pairs])
        return cls(words, said, frames, sounded)

    def without(self, words: Tensor, voice: Tensor) -> Turns:
        """The same with the words, or the voice, of some turns (batch,) gone."""
        return Turns(
            self.words, self.said & ~words[:, None], self.frames, self.sounded & ~voice[:, None]
        )


def _padded(rows: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    longest = max(1, *(len(row) for row in rows)) if rows else 1
    padded = torch.zeros(len(rows), longest, rows[0].shape[-1])
    there = torch.zeros(len(rows), longest, dtype=torch.bool)
    for at, row in enumerate(rows):
        padded[at, : len(row)] = row
        there[at, : len(row)] = True
    return padded, there


class Tower(nn.Module):
    """One modality: (batch, steps, inputs) -> (batch, 1 + steps, width), the quiet step first."""

    def __init__(self, inputs: int, width: int, dropped: float) -> None:
        super().__init__()
        self.quiet = nn.Parameter(torch.randn(1, 1, width) * 0.1)
        self.dropped = dropped
        self.register_buffer("usual", torch.zeros(inputs))
        self.register_buffer("spread", torch.ones(inputs))
        self.inlet = nn.Sequential(nn.Linear(inputs, width), nn.GELU())
        self.norm = nn.LayerNorm(width)
        self.near = nn.Conv1d(width, width, 5, padding=2)

    def measure(self, steps: Tensor) -> None:
        """Take from (steps, inputs) what the inputs are usually like."""
        self.get_buffer("usual").copy_(steps.mean(0))
        self.get_buffer("spread").copy_(steps.std(0).clamp_min(1e-3))

    def forward(self, steps: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        steps = (steps - self.get_buffer("usual")) / self.get_buffer("spread")
        if self.training:  # the same of a turn's numbers at every step: the next would tell them
            some = steps.new_empty(len(steps), 1, steps.shape[2]).bernoulli_(1 - self.dropped)
            steps = steps * some / (1 - self.dropped)
        y = self.inlet(steps) * there[..., None]
        z = self.near((self.norm(y) * there[..., None]).transpose(1, 2)).transpose(1, 2)
        y = y + F.gelu(z)
        quiet = self.quiet.expand(len(y), -1, -1)
        return torch.cat([quiet, y], 1), F.pad(there, (1, 0), value=True)


class Pool(nn.Module):
    """Mean and deviation of the steps by learned attention: (batch, steps, width) -> (batch, 2
    width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.share = nn.Linear(width, 1)

    def forward(self, steps: Tensor, there: Tensor) -> Tensor:
        share = self.share(steps).masked_fill(~there[..., None], -1e4).softmax(1)
        mean = (steps * share).sum(1)
        deviation = ((steps - mean[:, None]).square() * share).sum(1).clamp_min(1e-5).sqrt()
        return torch.cat([mean, deviation], -1)


def _judge(inputs: int, width: int) -> nn.Module:
    return nn.Sequential(
        nn.LayerNorm(inputs),
        nn.Dropout(0.3),
        nn.Linear(inputs, width),
        nn.GELU(),
        nn.Dropout(0.3),
        nn.Linear(width, VERDICTS),
    )


class Fuser(nn.Module):
    """Turns -> logits (batch, 4), not calibrated."""

    def __init__(self, kind: Kind, words: int, frames: int) -> None:
        super().__init__()
        self.kind: Kind = kind
        width, hidden = SIZES[kind]
        if kind != "speech":
            self.words, self.word_pool = Tower(words, width, 0.2), Pool(width)
        if kind != "text":
            self.frames, self.frame_pool = Tower(frames, width, 0.4), Pool(width)
        if kind == "intermediate":
            self.listen = nn.MultiheadAttention(width, 4, 0.1, batch_first=True)
            self.read = nn.MultiheadAttention(width, 4, 0.1, batch_first=True)
        if kind == "decision":
            self.judges = nn.ModuleList(_judge(2 * width, hidden) for _ in range(2))
            self.usual = nn.Parameter(torch.zeros(VERDICTS))  # log-odds before anything is heard
        else:
            pools = 1 if kind in SINGLE else 2
            self.judge = _judge(pools * 2 * width, hidden)

    def measure(self, words: Tensor, frames: Tensor) -> None:
        """Take from words (words, width) and frames (frames, width) what both are usually like."""
        if self.kind != "speech":
            self.words.measure(words)
        if self.kind != "text":
            self.frames.measure(frames)

    def forward(self, turns: Turns) -> Tensor:
        if self.kind == "text":
            return self._of(self.judge, self.word_pool(*self.words(turns.words, turns.said)))
        if self.kind == "speech":
            heard = self.frame_pool(*self.frames(turns.frames, turns.sounded))
            return self._of(self.judge, heard)
        words, said = self.words(turns.words, turns.said)  # (b, 1 + tokens, width)
        frames, sounded = self.frames(turns.frames, turns.sounded)  # (b, 1 + frames, width)
        if self.kind == "intermediate":
            listened = self.listen(words, frames, frames, ~sounded, need_weights=False)[0]
            read = self.read(frames, words, words, ~said, need_weights=False)[0]
            words, frames = words + listened, frames + read
        pooled = self.word_pool(words, said), self.frame_pool(frames, sounded)
        if self.kind != "decision":
            return self._of(self.judge, torch.cat(pooled, -1))
        logits = self.usual.expand(len(words), -1)
        for judge, one, there in zip(self.judges, pooled, (turns.said, turns.sounded), strict=True):
            logits = logits + judge(one) * there.any(1, keepdim=True)
        return logits

    @staticmethod
    def _of(judge: nn.Module, pooled: Tensor) -> Tensor:
        logits: Tensor = judge(pooled)
        return logits


def parameters(fuser: nn.Module) -> int:
    return sum(weight.numel() for weight in fuser.parameters())
