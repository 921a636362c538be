"""Training and calibration of a fusion of words and voice.

Training shows every turn with written or transcribed words, from the studio or the telephone, and
half of the turns without their words or without their voice, so that a missing input is familiar.
Calibration uses held-out speakers and sentences of the training folds, separately for both inputs,
words alone and voice alone: with less input the probabilities are less extreme.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import expit, softmax  # type: ignore[import-untyped]
from torch import Tensor, nn

from agent.lab.arrays import FloatArray
from agent.lab.fusion_models.classifiers import FusionClassifier, FusionKind, TurnBatch
from agent.lab.training.fusion.pairs import UNKNOWN, FusionTurn
from agent.understanding.calibration import fit_platt, fit_temperature


@dataclass(frozen=True, slots=True)
class FusionTrainingSettings:
    epochs: int = 14
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    without_words_share: float = 0.25  # of the turns
    without_voice_share: float = 0.25


@dataclass(frozen=True, slots=True)
class InputCondition:
    """The inputs that a fusion receives: names of fields of `FusionTurn`; None if missing."""

    name: str
    words: str | None  # "written" or "misheard"
    voice: str | None  # "studio" or "telephone"


INPUT_CONDITIONS = (
    InputCondition("as they are", "written", "studio"),
    InputCondition("transcribed", "misheard", "studio"),
    InputCondition("telephone", "written", "telephone"),
    InputCondition("telephone, transcribed", "misheard", "telephone"),
    InputCondition("words removed", None, "telephone"),
    InputCondition("voice removed", "written", None),
)
# (words present, voice present) -> the conditions that a fusion is calibrated on.
CALIBRATION_CONDITIONS: dict[tuple[bool, bool], tuple[InputCondition, ...]] = {
    (True, True): INPUT_CONDITIONS[:4],
    (True, False): (INPUT_CONDITIONS[5], InputCondition("", "misheard", None)),
    (False, True): (INPUT_CONDITIONS[4], InputCondition("", None, "studio")),
}


@dataclass(frozen=True, slots=True)
class LogitScale:
    """Calibration of the logits: a temperature for sentiment, slope and shift for upset."""

    sentiment_temperature: float = 1.0  # divides the logits
    upset_slope: float = 1.0
    upset_shift: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class FusionProbabilities:
    """Probabilities of negative, neutral, positive (turns, 3), and of upset (turns,)."""

    sentiment: FloatArray
    upset: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class CalibratedFusion:
    """A fusion with its calibration, and the class shares of its training turns."""

    fuser: FusionClassifier
    scales: dict[tuple[bool, bool], LogitScale]
    sentiment_prior: FloatArray  # (3,)
    upset_prior: float

    def predict(
        self, turns: Sequence[FusionTurn], condition: InputCondition
    ) -> FusionProbabilities:
        scale = self.scales[condition.words is not None, condition.voice is not None]
        logits = fusion_logits(self.fuser, turns, condition)
        return FusionProbabilities(
            softmax(logits[:, :3] / scale.sentiment_temperature, axis=1),
            expit(scale.upset_slope * logits[:, 3] + scale.upset_shift),
        )


def train_calibrated_fusion(
    kind: FusionKind,
    draw_turns: Callable[[np.random.Generator], Sequence[FusionTurn]],
    held_out: Sequence[FusionTurn],
    seed: int,
    settings: FusionTrainingSettings | None = None,
) -> CalibratedFusion:
    """Train and calibrate; `draw_turns` returns an epoch's turns, which may differ each time."""
    settings = settings or FusionTrainingSettings()
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    epoch_turns = draw_turns(rng)
    fuser = FusionClassifier(
        kind, epoch_turns[0].written.shape[1], epoch_turns[0].studio.shape[1]
    ).train()
    fuser.fit_normalisation(
        torch.cat([turn.written for turn in epoch_turns]),
        torch.cat([turn.studio for turn in epoch_turns]),
    )
    optimizer = torch.optim.AdamW(
        fuser.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    steps = settings.epochs * -(-len(epoch_turns) // settings.batch_size)
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, steps + 1, pct_start=0.15
    )
    for epoch in range(settings.epochs):
        epoch_turns = draw_turns(rng) if epoch else epoch_turns
        for batch in _batches(epoch_turns, settings.batch_size, rng):
            loss = fusion_loss(fuser(_training_inputs(batch, settings, rng)), batch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(fuser.parameters(), 2.0)
            optimizer.step()
            rates.step()
    fuser.eval()
    scales = {
        presence: _fit_scale(fuser, held_out, conditions)
        for presence, conditions in CALIBRATION_CONDITIONS.items()
    }
    sentiments = np.array([turn.sentiment for turn in epoch_turns])
    upset = np.array([turn.upset for turn in epoch_turns])
    counts = np.bincount(sentiments[sentiments != UNKNOWN], minlength=3) + 1.0
    upset_share = float(upset[upset != UNKNOWN].mean()) if (upset != UNKNOWN).any() else 0.5
    return CalibratedFusion(fuser, scales, counts / counts.sum(), upset_share)


def _batches(
    turns: Sequence[FusionTurn], size: int, rng: np.random.Generator
) -> Iterator[Sequence[FusionTurn]]:
    """Batches in random order, of turns of similar length: little padding."""
    lengths = np.array([len(turn.written) for turn in turns])
    order = np.argsort(lengths + rng.normal(0, 2, len(turns)))
    cuts = np.array_split(order, -(-len(turns) // size))
    for at in rng.permutation(len(cuts)):
        yield [turns[i] for i in cuts[at]]


def fusion_loss(logits: Tensor, turns: Sequence[FusionTurn]) -> Tensor:
    """Sentiment and upset loss, each over the turns whose label is known."""
    sentiments = torch.tensor([turn.sentiment for turn in turns])
    upset = torch.tensor([float(turn.upset) for turn in turns])
    known = upset != UNKNOWN
    sentiment_loss = F.cross_entropy(
        logits[:, :3], sentiments, ignore_index=UNKNOWN, reduction="sum"
    )
    upset_loss = F.binary_cross_entropy_with_logits(logits[known, 3], upset[known], reduction="sum")
    return (sentiment_loss + upset_loss) / len(turns)


def _training_inputs(
    turns: Sequence[FusionTurn], settings: FusionTrainingSettings, rng: np.random.Generator
) -> TurnBatch:
    """A training batch with random conditions and random missing inputs."""
    misheard, telephone = rng.random((2, len(turns))) < 0.5
    draws = torch.from_numpy(rng.random(len(turns)))
    inputs = TurnBatch.from_pairs(
        [
            (turn.misheard if a else turn.written, turn.telephone if b else turn.studio)
            for turn, a, b in zip(turns, misheard, telephone, strict=True)
        ]
    )
    wordless = draws < settings.without_words_share
    return inputs.without_modality(
        wordless, ~wordless & (draws < settings.without_words_share + settings.without_voice_share)
    )


@torch.inference_mode()
def fusion_logits(
    fuser: FusionClassifier, turns: Sequence[FusionTurn], condition: InputCondition
) -> FloatArray:
    """Logits (turns, 4)."""
    parts = [np.zeros((0, 4))]
    for at in range(0, len(turns), 256):
        batch = turns[at : at + 256]
        rows = [
            (
                getattr(turn, condition.words) if condition.words else turn.written[:0],
                getattr(turn, condition.voice) if condition.voice else turn.studio[:0],
            )
            for turn in batch
        ]
        parts.append(fuser(TurnBatch.from_pairs(rows)).double().numpy())
    return np.concatenate(parts)


def _fit_scale(
    fuser: FusionClassifier, turns: Sequence[FusionTurn], conditions: Sequence[InputCondition]
) -> LogitScale:
    logits = np.concatenate([fusion_logits(fuser, turns, condition) for condition in conditions])
    sentiments = np.tile([turn.sentiment for turn in turns], len(conditions))
    upset = np.tile([turn.upset for turn in turns], len(conditions))
    known, known_upset = sentiments != UNKNOWN, upset != UNKNOWN
    sentiment_temperature = (
        fit_temperature(logits[known, :3], sentiments[known]) if known.any() else 1.0
    )
    if len(set(upset[known_upset])) < 2:
        return LogitScale(sentiment_temperature)
    return LogitScale(sentiment_temperature, *fit_platt(logits[known_upset, 3], upset[known_upset]))
