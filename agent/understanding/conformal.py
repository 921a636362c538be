"""Conformal prediction sets of intents, with guaranteed coverage.

Split conformal prediction: a threshold on the probability of the true intent, from turns on which
the model was not fitted, gives sets that contain the true intent in `level` of all turns
exchangeable with those (Vovk, Gammerman & Shafer 2005; Angelopoulos & Bates 2021, arXiv
2107.07511). Thresholds are separate for each group of turns (Mondrian sets, Vovk 2003): typed and
heard, and of each those whose likeliest intent is clear and those where it is not. Clarifying
questions are for the unclear ones; pooled with the clear ones, whose first guess alone is right
more often than `level`, they would get sets that are too small. Invariants, held by
tests/agent/understanding/test_conformal.py: the likeliest intent is always in; a likelier intent is
never out when a less likely one is in; coverage holds on fresh draws.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.understanding.arrays import FloatArray

CalibrationGroup = Literal["typed, clear", "typed, unclear", "heard, clear", "heard, unclear"]
GROUPS: tuple[CalibrationGroup, ...] = (
    "typed, clear",
    "typed, unclear",
    "heard, clear",
    "heard, unclear",
)
COVERAGE_LEVEL = 0.90
# probability from which the likeliest intent is acted on (pack: deciding.act_from)
CLEAR_FROM = 0.60
MIN_TURNS = 30  # turns of a group; with fewer it gets no threshold


@dataclass(frozen=True, slots=True)
class ConformalPredictor:
    """`thresholds`: for each group the lowest probability of an intent in a prediction set."""

    thresholds: Mapping[CalibrationGroup, float] = field(default_factory=dict)
    level: float = COVERAGE_LEVEL

    @classmethod
    def from_settings(cls, stored: object) -> ConformalPredictor:
        """The predictor of a file's settings (`as_settings`); without thresholds for an older
        file."""
        if not isinstance(stored, dict):
            return cls()
        least = {name: float(stored["least"][name]) for name in GROUPS if name in stored["least"]}
        return cls(least, float(stored["level"]))

    def as_settings(self) -> dict[str, object]:
        """The predictor as settings of a file."""
        return {"level": self.level, "least": dict(self.thresholds)}

    def __call__(self, probabilities: Mapping[str, float], is_spoken: bool) -> tuple[str, ...]:
        """The prediction set, likeliest intent first; empty for a group without a threshold."""
        order = sorted(probabilities, key=lambda name: (-probabilities[name], name))
        if not order:
            return ()
        least = self.thresholds.get(group_of(probabilities[order[0]], is_spoken))
        if least is None:
            return ()
        return (order[0], *(name for name in order[1:] if probabilities[name] >= least))


def group_of(best: float, is_spoken: bool) -> CalibrationGroup:
    """The group of a turn, by the probability of its likeliest intent."""
    clear = "clear" if best >= CLEAR_FROM else "unclear"
    return GROUPS[2 * is_spoken + (clear == "unclear")]


def fit_predictor(
    probabilities: ArrayLike, labels: ArrayLike, is_spoken: ArrayLike, level: float = COVERAGE_LEVEL
) -> ConformalPredictor:
    """Fit thresholds on calibrated probabilities (n, intents), true columns (n,) and whether the
    words came from a transcriber (n,), of turns on which nothing else was fitted."""
    chances, right = np.asarray(probabilities, dtype=float), np.asarray(labels, dtype=int)
    truth = chances[np.arange(len(right)), right]
    least: dict[CalibrationGroup, float] = {}
    for name, inside in group_masks(chances, is_spoken).items():
        if inside.sum() >= MIN_TURNS:
            least[name] = _threshold(truth[inside], level)
    return ConformalPredictor(least, level)


def group_masks(
    probabilities: FloatArray, is_spoken: ArrayLike
) -> Mapping[CalibrationGroup, NDArray[np.bool_]]:
    """For each group, which rows belong to it, (n,)."""
    spoken, best = np.asarray(is_spoken, dtype=bool), probabilities.max(axis=1)
    names = np.array([group_of(float(b), bool(h)) for b, h in zip(best, spoken, strict=True)])
    return {name: names == name for name in GROUPS}


def _threshold(true_probabilities: FloatArray, level: float) -> float:
    """The finite-sample quantile: of n + 1 exchangeable turns, `level` lie at or above it."""
    count = len(true_probabilities)
    out = count - math.ceil((count + 1) * level)  # how many calibration turns may lie below
    return float(np.sort(true_probabilities)[out]) if out >= 0 else 0.0


def coverage_and_sizes(
    predictor: ConformalPredictor, probabilities: ArrayLike, labels: ArrayLike, is_spoken: ArrayLike
) -> dict[CalibrationGroup, tuple[NDArray[np.bool_], NDArray[np.int64]]]:
    """For each turn of each group: is the true intent in its set, and the size of the set."""
    chances, right = np.asarray(probabilities, dtype=float), np.asarray(labels, dtype=int)
    found: dict[CalibrationGroup, tuple[NDArray[np.bool_], NDArray[np.int64]]] = {}
    for name, inside in group_masks(chances, is_spoken).items():
        if name in predictor.thresholds and inside.any():
            rows, true = chances[inside], right[inside]
            kept = rows >= predictor.thresholds[name]
            kept[np.arange(len(rows)), rows.argmax(axis=1)] = True
            found[name] = kept[np.arange(len(rows)), true], kept.sum(axis=1)
    return found
