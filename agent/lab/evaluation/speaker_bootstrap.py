"""How sure is a figure, and is one model better than another?

Every figure is a function of sums over recordings, so that drawing speakers again and again
(Bisani & Ney 2004, ICASSP: bootstrap of error rates) is one matrix product. Two models are compared
on the same draws: what is hard for both does not count. One speaker alone has an interval of no
width (tests/agent/lab/evaluation/test_figures.py), and says nothing about others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

BOOTSTRAP_DRAWS = 2000
MIN_SPEAKERS = 5  # fewer speakers are too few to say anything about others
CALIBRATION_BINS = 10

Floats = NDArray[np.float64]
SumStatistic = Callable[[Floats], Floats]  # sums (.., parts) -> (..)
MetricSection = Literal["open", "asked", "emotion"]


@dataclass(frozen=True, slots=True, eq=False)
class TallyMetric:
    """`tally` (recordings, parts) is summed over recordings; `formula` makes the figure of it.

    `applies` (recordings,) says which recordings the figure is about.
    """

    section: MetricSection
    key: str
    name: str
    applies: NDArray[np.bool_]
    tally: Floats
    statistic: SumStatistic
    less_is_better: bool = False

    @property
    def id(self) -> str:
        return f"{self.section}.{self.key}"


@dataclass(frozen=True, slots=True)
class SpeakerEstimate:
    """A value with its 95 % interval; NaN where there is nothing to divide by."""

    value: float
    low: float
    high: float
    recordings: int
    speakers: int

    @property
    def has_few_speakers(self) -> bool:
        return self.speakers < MIN_SPEAKERS


def ratio_of_sums(sums: Floats) -> Floats:
    """(.., [part, whole]) -> part of the whole."""
    return sums[..., 0] / sums[..., 1]


def calibration_error(sums: Floats) -> Floats:
    """(.., BINS gaps and a count) -> expected calibration error."""
    gaps: Floats = np.abs(sums[..., :-1]).sum(-1) / sums[..., -1]
    return gaps


def calibration_tally(confidence: Floats, correct: NDArray[np.bool_]) -> Floats:
    """Confidence minus correctness in the bin of the confidence: (recordings, BINS + 1)."""
    tally = np.zeros((len(confidence), CALIBRATION_BINS + 1))
    where = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    tally[np.arange(len(confidence)), where] = confidence - correct
    tally[:, -1] = 1
    return tally


def estimate(
    metric: TallyMetric, speakers: Sequence[str], within: NDArray[np.bool_] | None = None
) -> SpeakerEstimate:
    """`speakers` of all recordings; `within`: of which of them (a group) the figure is."""
    there = metric.applies if within is None else metric.applies & within
    total, drawn, count = _bootstrap_sums(metric, speakers, there)
    low, high = _percentile_interval(_statistic_value(metric, drawn))
    return SpeakerEstimate(
        float(_statistic_value(metric, total)), low, high, int(there.sum()), count
    )


def estimate_difference(
    metric: TallyMetric, base: TallyMetric, speakers: Sequence[str]
) -> SpeakerEstimate:
    """`measure` minus `base`, the same figure of another model, over what applies to both."""
    there = metric.applies & base.applies
    total, drawn, count = _bootstrap_sums(metric, speakers, there)
    base_total, base_drawn, _ = _bootstrap_sums(base, speakers, there)
    low, high = _percentile_interval(
        _statistic_value(metric, drawn) - _statistic_value(base, base_drawn)
    )
    value = float(_statistic_value(metric, total) - _statistic_value(base, base_total))
    return SpeakerEstimate(value, low, high, int(there.sum()), count)


def _bootstrap_sums(
    metric: TallyMetric, speakers: Sequence[str], applies: NDArray[np.bool_]
) -> tuple[Floats, Floats, int]:
    """(parts,), (DRAWS, parts), and the number of speakers drawn from."""
    if not applies.any():
        parts = metric.tally.shape[1]
        return np.zeros(parts), np.zeros((1, parts)), 0
    names, which = np.unique(np.array(speakers)[applies], return_inverse=True)
    by_speaker = np.zeros((len(names), metric.tally.shape[1]))
    np.add.at(by_speaker, which, metric.tally[applies])
    return by_speaker.sum(0), speaker_draw_counts(len(names)) @ by_speaker, len(names)


@lru_cache(maxsize=4)
def speaker_draw_counts(speakers: int, seed: int = 0) -> Floats:
    """How often each speaker is in each draw: (DRAWS, speakers)."""
    random = np.random.default_rng(seed)
    counts = random.multinomial(speakers, np.full(speakers, 1 / speakers), size=BOOTSTRAP_DRAWS)
    return counts.astype(np.float64)


def _statistic_value(metric: TallyMetric, sums: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return metric.statistic(sums)


def _percentile_interval(values: Floats) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
