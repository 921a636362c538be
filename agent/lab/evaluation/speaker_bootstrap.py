"""Metrics with 95 % intervals by a bootstrap over speakers, and paired differences of models.

Every metric is a function of sums over recordings, so that resampling speakers (Bisani & Ney 2004,
ICASSP: bootstrap of error rates) is one matrix product. Two models are compared on the same draws,
which removes what is hard for both. A single speaker has an interval of no width, which says
nothing about others. Held by tests/agent/lab/evaluation/test_figures.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

BOOTSTRAP_DRAWS = 2000
MIN_SPEAKERS = 5  # with fewer speakers an interval says nothing about others
CALIBRATION_BINS = 10

Floats = NDArray[np.float64]
SumStatistic = Callable[[Floats], Floats]  # sums (.., parts) -> (..)
MetricSection = Literal["open", "asked", "emotion"]


@dataclass(frozen=True, slots=True, eq=False)
class TallyMetric:
    """A metric: `statistic` of the sum over recordings of `tally` (recordings, parts).

    `applies` (recordings,) marks the recordings that count.
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
    """A value with its 95 % bootstrap interval; NaN where the denominator is zero."""

    value: float
    low: float
    high: float
    recordings: int
    speakers: int

    @property
    def has_few_speakers(self) -> bool:
        return self.speakers < MIN_SPEAKERS


def ratio_of_sums(sums: Floats) -> Floats:
    """(.., [part, whole]) -> part / whole."""
    return sums[..., 0] / sums[..., 1]


def calibration_error(sums: Floats) -> Floats:
    """(.., gap of each bin, and a count) -> expected calibration error."""
    gaps: Floats = np.abs(sums[..., :-1]).sum(-1) / sums[..., -1]
    return gaps


def calibration_tally(confidence: Floats, correct: NDArray[np.bool_]) -> Floats:
    """(recordings, bins + 1): confidence minus correctness in its confidence bin, and a count."""
    tally = np.zeros((len(confidence), CALIBRATION_BINS + 1))
    where = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    tally[np.arange(len(confidence)), where] = confidence - correct
    tally[:, -1] = 1
    return tally


def estimate(
    metric: TallyMetric, speakers: Sequence[str], within: NDArray[np.bool_] | None = None
) -> SpeakerEstimate:
    """`metric` with its interval; `speakers`: of each recording; `within`: mask of a group."""
    there = metric.applies if within is None else metric.applies & within
    total, drawn, count = _bootstrap_sums(metric, speakers, there)
    low, high = _percentile_interval(_statistic_value(metric, drawn))
    return SpeakerEstimate(
        float(_statistic_value(metric, total)), low, high, int(there.sum()), count
    )


def estimate_difference(
    metric: TallyMetric, base: TallyMetric, speakers: Sequence[str]
) -> SpeakerEstimate:
    """`metric` minus `base`, the same metric of another model, where both apply."""
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
    """Sums (parts,), their bootstrap draws (draws, parts), and the number of speakers."""
    if not applies.any():
        parts = metric.tally.shape[1]
        return np.zeros(parts), np.zeros((1, parts)), 0
    names, which = np.unique(np.array(speakers)[applies], return_inverse=True)
    by_speaker = np.zeros((len(names), metric.tally.shape[1]))
    np.add.at(by_speaker, which, metric.tally[applies])
    return by_speaker.sum(0), speaker_draw_counts(len(names)) @ by_speaker, len(names)


@lru_cache(maxsize=4)
def speaker_draw_counts(speakers: int, seed: int = 0) -> Floats:
    """(draws, speakers): how often each speaker is in each draw."""
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
