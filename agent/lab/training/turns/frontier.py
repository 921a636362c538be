"""What does less dead air cost in turns that are cut off?

A frontier is the best that any policy of a sweep reaches: the fewest cut-offs for so much dead air
on average, the least dead air for so many cut-offs. On average, and not in the median: half the
turns answered at once and half much too late would have a fine median. Intervals are 95 %, by
bootstrap over speakers (a speaker's turns are drawn together), the frontier found anew each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agent.lab.training.turns.pause_tracks import HOP_S, Track
from agent.lab.training.turns.sweep import Measured, Policy

DEAD_AIRS = (0.3, 0.4, 0.5, 0.6, 0.8, 1.0)  # seconds
CUT_OFFS = (0.05, 0.10)
DRAWS = 1000
GRACE = HOP_S / 2  # seconds of dead air that nobody notices

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figure:
    """NaN where no policy of the sweep reaches so little."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Frontier:
    cut_at: tuple[Figure, ...]  # share of turns, for each of DEAD_AIRS
    dead_at: tuple[Figure, ...]  # seconds, for each of CUT_OFFS


@dataclass(frozen=True, slots=True)
class Outcome:
    """One policy's figures."""

    policy: Policy
    cut: float
    mean: float
    median: float
    p95: float


def outcome(measured: Measured, index: int) -> Outcome:
    dead = measured.dead[index]
    return Outcome(
        measured.policies[index],
        float(measured.cut[index].mean()),
        float(dead.mean()),
        float(np.median(dead)),
        float(np.percentile(dead, 95)),
    )


def choose(measured: Measured, cut_offs: float, least: float) -> Outcome:
    """The least dead air with at most so many cut-offs, and no patience below `least`; the fewest
    cut-offs where none has so few. Of what is as good to half a hop, the plainest: a factor that
    gains nothing is not worth having.
    """
    allowed = [i for i, p in enumerate(measured.policies) if p.allowed(least)]
    cut, dead = measured.cut.mean(1), measured.dead.mean(1)
    few = max(cut_offs, float(cut[allowed].min()))
    good = [i for i in allowed if cut[i] <= few]
    enough = float(dead[good].min()) + GRACE
    best = min(
        (i for i in good if dead[i] <= enough),
        key=lambda i: (measured.policies[i].meddling, cut[i], dead[i]),
    )
    return outcome(measured, best)


def frontiers(turns: Sequence[Track], *sweeps: Measured, seed: int = 0) -> list[Frontier]:
    """A frontier for each sweep of the same turns; with two, their difference is the third."""
    draws = _draws([turn.speaker for turn in turns], seed)  # (draws, turns); the first draws all
    every = [_points(sweep, draws) for sweep in sweeps]
    if len(every) == 2:
        every.append(every[1] - every[0])
    return [_frontier(points) for points in every]


def _points(measured: Measured, draws: Numbers) -> Numbers:
    """(draws, points): the figures of a frontier, in the order of DEAD_AIRS and CUT_OFFS."""
    total = draws.sum(1, keepdims=True)
    cut = draws @ measured.cut.T.astype(np.float64) / total  # (draws, policies)
    dead = draws @ measured.dead.T / total
    # With grace, because means of whole hops rarely come to exactly 300 ms.
    at_dead = [_best(cut, dead <= limit + GRACE) for limit in DEAD_AIRS]
    at_cut = [_best(dead, cut <= limit + 1e-9) for limit in CUT_OFFS]
    return np.stack([*at_dead, *at_cut], 1)


def _best(values: Numbers, allowed: NDArray[np.bool_]) -> Numbers:
    best = np.where(allowed, values, np.inf).min(1)
    return np.where(np.isinf(best), np.nan, best)


def _draws(speakers: Sequence[str], seed: int) -> Numbers:
    names, whose = np.unique(np.array(speakers), return_inverse=True)
    random = np.random.default_rng(seed)
    drawn = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=DRAWS)
    times = np.concatenate([np.ones((1, len(names))), drawn])  # (1 + draws, speakers)
    return np.asarray(times[:, whose], np.float64)


def _frontier(points: Numbers) -> Frontier:
    figures = []
    for column in points.T:
        drawn = column[1:][~np.isnan(column[1:])]
        low, high = np.percentile(drawn, [2.5, 97.5]) if len(drawn) else (np.nan, np.nan)
        figures.append(Figure(float(column[0]), float(low), float(high)))
    return Frontier(tuple(figures[: len(DEAD_AIRS)]), tuple(figures[len(DEAD_AIRS) :]))


def held_out(
    measured: Measured, turns: Sequence[Track], cut_offs: float, least: float, folds: int = 5
) -> tuple[float, float]:
    """Cut-offs and mean dead air when each speaker's policy was chosen on others. NaN for one."""
    names = sorted({turn.speaker for turn in turns})
    if len(names) < 2:
        return float("nan"), float("nan")
    fold = np.array([names.index(turn.speaker) % folds for turn in turns])
    cut, dead = np.zeros(len(turns)), np.zeros(len(turns))
    for one in range(min(folds, len(names))):
        out = fold == one
        others = replace(measured, cut=measured.cut[:, ~out], dead=measured.dead[:, ~out])
        index = measured.policies.index(choose(others, cut_offs, least).policy)
        cut[out], dead[out] = measured.cut[index, out], measured.dead[index, out]
    return float(cut.mean()), float(dead.mean())
