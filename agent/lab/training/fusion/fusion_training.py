"""How does a fusion learn, and how are its logits made probabilities?

Every turn is met as written or misheard, in the studio or on the telephone, and one in two lacks
its words or its voice, so that what is missing is nothing new. Calibrated on speakers and sentences
of the taught folds that were kept back, apart for both, words alone and voice alone: less is heard,
so less is claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.special import expit, softmax  # type: ignore[import-untyped]
from torch import Tensor, nn

from agent.lab.fusion_models.classifiers import Fuser, Kind, Turns
from agent.lab.training.fusion.pairs import UNKNOWN, Felt
from agent.understanding.calibration import line, temperature

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lesson:
    epochs: int = 14
    batch: int = 64
    rate: float = 3e-3
    decay: float = 0.02
    wordless: float = 0.25  # of the turns lack their words
    voiceless: float = 0.25


@dataclass(frozen=True, slots=True)
class Condition:
    """How turns reach the fusion. None: not at all."""

    name: str
    words: str | None  # "written" or "misheard"
    voice: str | None  # "studio" or "telephone"


CONDITIONS = (
    Condition("as they are", "written", "studio"),
    Condition("transcribed", "misheard", "studio"),
    Condition("telephone", "written", "telephone"),
    Condition("telephone, transcribed", "misheard", "telephone"),
    Condition("words removed", None, "telephone"),
    Condition("voice removed", "written", None),
)
# What a fusion is calibrated on where both, words alone or voice alone are there.
PRESENCE: dict[tuple[bool, bool], tuple[Condition, ...]] = {
    (True, True): CONDITIONS[:4],
    (True, False): (CONDITIONS[5], Condition("", "misheard", None)),
    (False, True): (CONDITIONS[4], Condition("", None, "studio")),
}


@dataclass(frozen=True, slots=True)
class Scale:
    """From logits to probabilities."""

    sentiment: float = 1.0  # divides
    slope: float = 1.0
    shift: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """Probabilities: of negative, neutral, positive (turns, 3); of upset (turns,)."""

    sentiment: Floats
    upset: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """A fusion with its calibration, and how often each verdict was right where it was taught."""

    fuser: Fuser
    scales: dict[tuple[bool, bool], Scale]
    usual_sentiment: Floats  # (3,)
    usual_upset: float

    def judge(self, turns: Sequence[Felt], condition: Condition) -> Verdicts:
        scale = self.scales[condition.words is not None, condition.voice is not None]
        logits = judged(self.fuser, turns, condition)
        return Verdicts(
            softmax(logits[:, :3] / scale.sentiment, axis=1),
            expit(scale.slope * logits[:, 3] + scale.shift),
        )


def taught(
    kind: Kind,
    draw: Callable[[np.random.Generator], Sequence[Felt]],
    kept_back: Sequence[Felt],
    seed: int,
    lesson: Lesson | None = None,
) -> Taught:
    """`draw` gives the turns of an epoch, which may be new ones every time."""
    lesson = lesson or Lesson()
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    some = draw(rng)
    fuser = Fuser(kind, some[0].written.shape[1], some[0].studio.shape[1]).train()
    fuser.measure(
        torch.cat([turn.written for turn in some]), torch.cat([turn.studio for turn in some])
    )
    optimizer = torch.optim.AdamW(fuser.parameters(), lesson.rate, weight_decay=lesson.decay)
    steps = lesson.epochs * -(-len(some) // lesson.batch)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, lesson.rate, steps + 1, pct_start=0.15)
    for epoch in range(lesson.epochs):
        some = draw(rng) if epoch else some
        for batch in _batches(some, lesson.batch, rng):
            loss = losses(fuser(_met(batch, lesson, rng)), batch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(fuser.parameters(), 2.0)
            optimizer.step()
            rates.step()
    fuser.eval()
    scales = {there: _scale(fuser, kept_back, met) for there, met in PRESENCE.items()}
    told = np.array([turn.sentiment for turn in some])
    upset = np.array([turn.upset for turn in some])
    counts = np.bincount(told[told != UNKNOWN], minlength=3) + 1.0
    often = float(upset[upset != UNKNOWN].mean()) if (upset != UNKNOWN).any() else 0.5
    return Taught(fuser, scales, counts / counts.sum(), often)


def _batches(
    turns: Sequence[Felt], size: int, rng: np.random.Generator
) -> Iterator[Sequence[Felt]]:
    """In a drawn order, of turns about as long: little padding."""
    lengths = np.array([len(turn.written) for turn in turns])
    order = np.argsort(lengths + rng.normal(0, 2, len(turns)))
    cuts = np.array_split(order, -(-len(turns) // size))
    for at in rng.permutation(len(cuts)):
        yield [turns[i] for i in cuts[at]]


def losses(logits: Tensor, turns: Sequence[Felt]) -> Tensor:
    """Both verdicts, over the turns for which each is known."""
    told = torch.tensor([turn.sentiment for turn in turns])
    upset = torch.tensor([float(turn.upset) for turn in turns])
    known = upset != UNKNOWN
    apart = F.cross_entropy(logits[:, :3], told, ignore_index=UNKNOWN, reduction="sum")
    yes = F.binary_cross_entropy_with_logits(logits[known, 3], upset[known], reduction="sum")
    return (apart + yes) / len(turns)


def _met(turns: Sequence[Felt], lesson: Lesson, rng: np.random.Generator) -> Turns:
    """Turns as training meets them."""
    misheard, telephone = rng.random((2, len(turns))) < 0.5
    lacking = torch.from_numpy(rng.random(len(turns)))
    met = Turns.of(
        [
            (turn.misheard if a else turn.written, turn.telephone if b else turn.studio)
            for turn, a, b in zip(turns, misheard, telephone, strict=True)
        ]
    )
    wordless = lacking < lesson.wordless
    return met.without(wordless, ~wordless & (lacking < lesson.wordless + lesson.voiceless))


@torch.inference_mode()
def judged(fuser: Fuser, turns: Sequence[Felt], condition: Condition) -> Floats:
    """Logits (turns, 4)."""
    parts = [np.zeros((0, 4))]
    for at in range(0, len(turns), 256):
        some = turns[at : at + 256]
        rows = [
            (
                getattr(turn, condition.words) if condition.words else turn.written[:0],
                getattr(turn, condition.voice) if condition.voice else turn.studio[:0],
            )
            for turn in some
        ]
        parts.append(fuser(Turns.of(rows)).double().numpy())
    return np.concatenate(parts)


def _scale(fuser: Fuser, turns: Sequence[Felt], met: Sequence[Condition]) -> Scale:
    logits = np.concatenate([judged(fuser, turns, condition) for condition in met])
    told = np.tile([turn.sentiment for turn in turns], len(met))
    upset = np.tile([turn.upset for turn in turns], len(met))
    known, known_upset = told != UNKNOWN, upset != UNKNOWN
    sentiment = temperature(logits[known, :3], told[known]) if known.any() else 1.0
    if len(set(upset[known_upset])) < 2:
        return Scale(sentiment)
    return Scale(sentiment, *line(logits[known_upset, 3], upset[known_upset]))
