"""Trade-off between dead air and cut-off turns: the Pareto frontier of a sweep.

The frontier is the best that any policy of a sweep reaches: the fewest cut-offs for a mean dead
air, the least mean dead air for a share of cut-offs. The mean, not the median: half the turns
answered at once and half much too late would have a good median. Speakers are drawn for the
intervals (agent/lab/statistics.py); every draw has a frontier of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from agent.lab.arrays import BoolArray, FloatArray
from agent.lab.statistics import (
    Estimate,
    Resample,
    bootstrap_values,
    estimate_from_values,
)
from agent.lab.training.turns.pause_tracks import HOP_S, PauseTrack
from agent.lab.training.turns.sweep import SweepResult, TurnPolicy

DEAD_AIR_LIMITS_S = (0.3, 0.4, 0.5, 0.6, 0.8, 1.0)  # seconds
CUT_OFF_LIMITS = (0.05, 0.10)
GRACE_S = HOP_S / 2  # of dead air, too little to notice


@dataclass(frozen=True, slots=True)
class Frontier:
    """The frontier at fixed limits; NaN where no policy reaches one.

    The JSON report holds these fields by name.
    """

    cut_at: tuple[Estimate, ...]  # share of turns, for each of DEAD_AIRS
    dead_at: tuple[Estimate, ...]  # seconds, for each of CUT_OFFS


@dataclass(frozen=True, slots=True)
class PolicyOutcome:
    """Share of turns cut off, and dead air in seconds, of one policy.

    The JSON report holds these fields by name.
    """

    policy: TurnPolicy
    cut: float
    mean: float
    median: float
    p95: float


def policy_outcome(measured: SweepResult, index: int) -> PolicyOutcome:
    dead = measured.dead[index]
    return PolicyOutcome(
        measured.policies[index],
        float(measured.cut[index].mean()),
        float(dead.mean()),
        float(np.median(dead)),
        float(np.percentile(dead, 95)),
    )


def choose_policy(
    measured: SweepResult, max_cut_off_share: float, min_patience_s: float
) -> PolicyOutcome:
    """The policy with the least dead air among those within both limits.

    If no policy has so few cut-offs, the one with the fewest. Of policies equal to within half a
    hop, the one with the least influence of the words: a factor without gain is not worth having.
    """
    allowed = [i for i, p in enumerate(measured.policies) if p.is_allowed(min_patience_s)]
    cut, dead = measured.cut.mean(1), measured.dead.mean(1)
    reachable_cut_off_share = max(max_cut_off_share, float(cut[allowed].min()))
    candidates = [i for i in allowed if cut[i] <= reachable_cut_off_share]
    max_dead_air = float(dead[candidates].min()) + GRACE_S
    best = min(
        (i for i in candidates if dead[i] <= max_dead_air),
        key=lambda i: (measured.policies[i].word_influence, cut[i], dead[i]),
    )
    return policy_outcome(measured, best)


def frontiers(turns: Sequence[PauseTrack], *sweeps: SweepResult, seed: int = 0) -> list[Frontier]:
    """A frontier for each sweep of the same turns; of two sweeps, also their difference."""
    speakers = [turn.speaker for turn in turns]
    points = [bootstrap_values(partial(_frontier_points, one), speakers, seed) for one in sweeps]
    if len(points) == 2:
        points.append(points[1] - points[0])
    return [_frontier(of_sweep, len(set(speakers)), len(turns)) for of_sweep in points]


def _frontier_points(measured: SweepResult, resample: Resample) -> FloatArray:
    """(draws, points): cut-offs at each DEAD_AIR_LIMITS_S, dead air at each CUT_OFF_LIMITS."""
    count = resample.weights.sum(1, keepdims=True)
    cut = resample.sums(measured.cut.T.astype(np.float64)) / count  # (draws, policies)
    dead = resample.sums(measured.dead.T) / count
    # GRACE_S, because means of whole hops are rarely exactly 300 ms.
    at_dead = [_best_allowed(cut, dead <= limit + GRACE_S) for limit in DEAD_AIR_LIMITS_S]
    at_cut = [_best_allowed(dead, cut <= limit + 1e-9) for limit in CUT_OFF_LIMITS]
    return np.stack([*at_dead, *at_cut], 1)


def _best_allowed(values: FloatArray, allowed: BoolArray) -> FloatArray:
    best = np.where(allowed, values, np.inf).min(1)
    return np.where(np.isinf(best), np.nan, best)


def _frontier(points: FloatArray, speakers: int, turns: int) -> Frontier:
    estimates = [estimate_from_values(p, "speakers", speakers, turns) for p in points.T]
    at = len(DEAD_AIR_LIMITS_S)
    return Frontier(tuple(estimates[:at]), tuple(estimates[at:]))


def held_out_outcome(
    measured: SweepResult,
    turns: Sequence[PauseTrack],
    max_cut_off_share: float,
    min_patience_s: float,
    folds: int = 5,
) -> tuple[float, float]:
    """(share cut off, mean dead air) with each policy chosen on other speakers."""
    names = sorted({turn.speaker for turn in turns})
    if len(names) < 2:
        return float("nan"), float("nan")
    fold = np.array([names.index(turn.speaker) % folds for turn in turns])
    cut, dead = np.zeros(len(turns)), np.zeros(len(turns))
    for number in range(min(folds, len(names))):
        out = fold == number
        others = replace(measured, cut=measured.cut[:, ~out], dead=measured.dead[:, ~out])
        index = measured.policies.index(
            choose_policy(others, max_cut_off_share, min_patience_s).policy
        )
        cut[out], dead[out] = measured.cut[index, out], measured.dead[index, out]
    return float(cut.mean()), float(dead.mean())
