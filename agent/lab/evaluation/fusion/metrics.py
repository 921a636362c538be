"""How good is a fusion, and by how much better than another?

UA is the mean recall over classes; AUROC is counted in a hundred steps of the score; the expected
calibration error is that of the probability of being upset, and of the likeliest sentiment. All are
sums over turns, so that speakers are drawn anew for a fusion and for what it is compared with alike
(agent/lab/evaluation/speaker_bootstrap.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from agent.lab.evaluation.fusion.experiment import Judged, Outcome
from agent.lab.evaluation.speaker_bootstrap import (
    Figure,
    Floats,
    Formula,
    Measure,
    calibration_error,
    calibration_tally,
    difference,
    figure,
)
from agent.lab.fusion_models.classifiers import FUSED_KINDS, SINGLE_MODALITY, FusionKind

Quantity = Literal["sentiment UA", "upset UA", "upset AUROC", "sentiment ECE", "upset ECE"]
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)
STEPS = 100
CALL = "telephone, transcribed"  # what a call is


def measure(outcome: Outcome, kind: FusionKind, condition: str, quantity: Quantity) -> Measure:
    judged = outcome.judged[kind, condition]
    tally, formula = _COUNTED[quantity](outcome, judged)
    truth = outcome.sentiment if quantity.startswith("sentiment") else outcome.upset
    less = quantity.endswith("ECE")
    return Measure("emotion", quantity, quantity, truth >= 0, tally, formula, less)


def score(outcome: Outcome, kind: FusionKind, condition: str, quantity: Quantity) -> Figure:
    return figure(measure(outcome, kind, condition, quantity), outcome.speakers)


def gain(
    outcome: Outcome, one: FusionKind, other: FusionKind, condition: str, quantity: Quantity
) -> Figure:
    """`one` minus `other`, over the same draws of speakers."""
    return difference(
        measure(outcome, one, condition, quantity),
        measure(outcome, other, condition, quantity),
        outcome.speakers,
    )


def best_single(outcome: Outcome, condition: str, quantity: Quantity) -> FusionKind:
    return max(SINGLE_MODALITY, key=lambda kind: score(outcome, kind, condition, quantity).value)


def winner(outcome: Outcome) -> FusionKind:
    """The fusion with the highest UA on what a call gives, both verdicts counted alike."""

    def both(kind: FusionKind) -> float:
        return sum(score(outcome, kind, CALL, of).value for of in known(outcome))

    return max(FUSED_KINDS, key=both)


def known(outcome: Outcome) -> list[Quantity]:
    """The UAs of the verdicts for which two kinds of turns are there."""
    truths: dict[Quantity, NDArray[np.int64]] = {
        "sentiment UA": outcome.sentiment,
        "upset UA": outcome.upset,
    }
    return [of for of, truth in truths.items() if len(set(truth[truth >= 0].tolist())) > 1]


def recalls(sums: Floats) -> Floats:
    """(.., classes found, classes there) -> mean recall of the classes that are there."""
    found, there = np.split(sums, 2, axis=-1)
    recall = np.where(there > 0, found / np.maximum(there, 1), np.nan)
    mean: Floats = np.nanmean(recall, axis=-1)
    return mean


def area(sums: Floats) -> Floats:
    """(.., turns not upset by score, turns upset by score) -> area under the curve."""
    calm, upset = np.split(sums, 2, axis=-1)
    below = calm.cumsum(-1) - calm / 2  # a tie counts half
    found: Floats = (upset * below).sum(-1) / (calm.sum(-1) * upset.sum(-1))
    return found


Counted = Callable[[Outcome, Judged], tuple[Floats, Formula]]


def recall_tally(truth: NDArray[np.int64], decided: NDArray[np.int64], classes: int) -> Floats:
    there = np.eye(classes)[np.maximum(truth, 0)]
    return np.concatenate([there * (truth == decided)[:, None], there], 1)


def area_tally(truth: NDArray[np.int64], scores: Floats) -> Floats:
    edges = np.quantile(scores, np.linspace(0, 1, STEPS + 1)[1:-1])
    step = np.searchsorted(edges, scores, side="right")
    tally = np.zeros((len(scores), 2 * STEPS))
    tally[np.arange(len(scores)), step + STEPS * (truth == 1)] = 1
    return tally


def _sure(outcome: Outcome, judged: Judged) -> tuple[Floats, Formula]:
    right = judged.sentiment.argmax(1) == outcome.sentiment
    return calibration_tally(judged.sentiment.max(1), right), calibration_error


_COUNTED: dict[Quantity, Counted] = {
    "sentiment UA": lambda o, j: (recall_tally(o.sentiment, j.decided, 3), recalls),
    "upset UA": lambda o, j: (recall_tally(o.upset, j.raised.astype(np.int64), 2), recalls),
    "upset AUROC": lambda o, j: (area_tally(o.upset, j.upset), area),
    "sentiment ECE": _sure,
    "upset ECE": lambda o, j: (calibration_tally(j.upset, o.upset == 1), calibration_error),
}
