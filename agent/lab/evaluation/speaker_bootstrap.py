"""How sure is a figure, and is one model better than another?

Every figure is a function of sums over recordings, so that drawing speakers again and again
(Bisani & Ney 2004, ICASSP: bootstrap of error rates) is one matrix product. Two models are compared
on the same draws: what is hard for both does not count. One speaker alone has an interval of no
width (tests/agent/evaluation/test_figures.py), and says nothing about others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
FEW = 5  # fewer speakers are too few to say anything about others
BINS = 10

Floats = NDArray[np.float64]
Formula = Callable[[Floats], Floats]  # sums (.., parts) -> (..)
Section = Literal["open", "asked", "emotion"]


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """`tally` (recordings, parts) is summed over recordings; `formula` makes the figure of it.

    `applies` (recordings,) says which recordings the figure is about.
    """

    section: Section
    key: str
    name: str
    applies: NDArray[np.bool_]
    tally: Floats
    formula: Formula
    less_is_better: bool = False

    @property
    def id(self) -> str:
        return f"{self.section}.{self.key}"


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % interval; NaN where there is nothing to divide by."""

    value: float
    low: float
    high: float
    recordings: int
    speakers: int

    @property
    def few(self) -> bool:
        return self.speakers < FEW


def share(sums: Floats) -> Floats:
    """(.., [part, whole]) -> part of the whole."""
    return sums[..., 0] / sums[..., 1]


def calibration_error(sums: Floats) -> Floats:
    """(.., BINS gaps and a count) -> expected calibration error."""
    gaps: Floats = np.abs(sums[..., :-1]).sum(-1) / sums[..., -1]
    return gaps


def calibration_tally(sure: Floats, right: NDArray[np.bool_]) -> Floats:
    """Confidence minus correctness in the bin of the confidence: (recordings, BINS + 1)."""
    tally = np.zeros((len(sure), BINS + 1))
    where = np.minimum((sure * BINS).astype(int), BINS - 1)
    tally[np.arange(len(sure)), where] = sure - right
    tally[:, -1] = 1
    return tally


def figure(
    measure: Measure, speakers: Sequence[str], within: NDArray[np.bool_] | None = None
) -> Figure:
    """`speakers` of all recordings; `within`: of which of them (a group) the figure is."""
    there = measure.applies if within is None else measure.applies & within
    total, drawn, count = _sums(measure, speakers, there)
    low, high = _interval(_value(measure, drawn))
    return Figure(float(_value(measure, total)), low, high, int(there.sum()), count)


def difference(measure: Measure, base: Measure, speakers: Sequence[str]) -> Figure:
    """`measure` minus `base`, the same figure of another model, over what applies to both."""
    there = measure.applies & base.applies
    total, drawn, count = _sums(measure, speakers, there)
    base_total, base_drawn, _ = _sums(base, speakers, there)
    low, high = _interval(_value(measure, drawn) - _value(base, base_drawn))
    value = float(_value(measure, total) - _value(base, base_total))
    return Figure(value, low, high, int(there.sum()), count)


def _sums(
    measure: Measure, speakers: Sequence[str], there: NDArray[np.bool_]
) -> tuple[Floats, Floats, int]:
    """(parts,), (DRAWS, parts), and the number of speakers drawn from."""
    if not there.any():
        parts = measure.tally.shape[1]
        return np.zeros(parts), np.zeros((1, parts)), 0
    names, which = np.unique(np.array(speakers)[there], return_inverse=True)
    by_speaker = np.zeros((len(names), measure.tally.shape[1]))
    np.add.at(by_speaker, which, measure.tally[there])
    return by_speaker.sum(0), draws(len(names)) @ by_speaker, len(names)


@lru_cache(maxsize=4)
def draws(speakers: int, seed: int = 0) -> Floats:
    """How often each speaker is in each draw: (DRAWS, speakers)."""
    random = np.random.default_rng(seed)
    counts = random.multinomial(speakers, np.full(speakers, 1 / speakers), size=DRAWS)
    return counts.astype(np.float64)


def _value(measure: Measure, sums: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return measure.formula(sums)


def _interval(values: Floats) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
