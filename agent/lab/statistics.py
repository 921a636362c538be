"""Estimates with 95 % intervals, from one bootstrap under every figure of the lab.

Rows of one cluster are alike: a speaker's recordings, a conversation's turns. So whole clusters are
drawn, with replacement and as many as there are (Bisani & Ney 2004, ICASSP); where every row stands
for itself, each row is a cluster. Rules for all figures:

- `BOOTSTRAP_DRAWS` draws, seeded: the same seed gives the same interval.
- The interval runs between the 2.5th and 97.5th percentiles of the statistic over the draws in
  which it is defined, and is widened to hold the value. A biased statistic, such as calibration
  error, may have all its percentiles on one side of its value; leaving the value out would claim a
  precision that nobody has, and widening never turns a doubtful difference into a certain one.
- A comparison is the difference of two statistics on the same draws: what is hard for both does not
  count.

One cluster alone has an interval of no width, and says nothing about others
(`Estimate.has_few_clusters`). Held by tests/agent/lab/test_statistics.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import isnan, nan
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.lab.arrays import FloatArray, IntArray

BOOTSTRAP_DRAWS = 2_000
INTERVAL_PERCENTILES = (2.5, 97.5)
MIN_CLUSTERS = 5  # fewer are too few to say anything about others
MAX_BLOCK_ENTRIES = 4_000_000  # of draws x rows that are in memory at once

ClusterKind = Literal["speakers", "conversations", "rows"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval; NaN, all three, where the statistic is not defined.

    `drawn` says of what the draws were, `clusters` how many of them there are and `rows` how many
    rows they have. Without `drawn` nothing was drawn: `low` and `high` are a range, which the name
    of the figure explains.
    """

    value: float
    low: float
    high: float
    drawn: ClusterKind | None = None
    clusters: int = 0
    rows: int = 0

    @property
    def is_known(self) -> bool:
        return not isnan(self.value)

    @property
    def bounds(self) -> dict[str, float]:
        """Value and interval under their names in every report's JSON."""
        return {"value": self.value, "low": self.low, "high": self.high}

    @property
    def has_few_clusters(self) -> bool:
        return self.drawn is not None and self.clusters < MIN_CLUSTERS


class Resample:
    """A block of draws: how often each cluster, and with it each of its rows, was drawn.

    `counts` is (draws, clusters), `cluster` (rows,) the cluster of each row.
    """

    def __init__(self, counts: FloatArray, cluster: IntArray) -> None:
        self._counts, self._cluster = counts, cluster

    @property
    def weights(self) -> FloatArray:
        """How often each row was drawn, (draws, rows)."""
        return np.asarray(self._counts[:, self._cluster])

    def sums(self, tally: FloatArray) -> FloatArray:
        """The sum over the drawn rows of `tally` (rows, parts): (draws, parts)."""
        by_cluster = np.zeros((self._counts.shape[1], tally.shape[1]))
        np.add.at(by_cluster, self._cluster, tally)
        return self._counts @ by_cluster


Statistic = Callable[[Resample], FloatArray]  # -> (draws,), NaN where it is not defined


def cluster_bootstrap(
    statistic: Statistic, clusters: ArrayLike, drawn: ClusterKind, seed: int = 0
) -> Estimate:
    """The statistic of all rows, with its interval; `clusters` (rows,) names each row's cluster."""
    names = np.asarray(clusters)
    values = bootstrap_values(statistic, names, seed)
    return estimate_from_values(values, drawn, len(np.unique(names)), len(names))


def row_bootstrap(statistic: Statistic, rows: int, seed: int = 0) -> Estimate:
    """The statistic with its interval, where each row is a cluster of its own."""
    return cluster_bootstrap(statistic, np.arange(rows), "rows", seed)


def difference(statistic: Statistic, base: Statistic) -> Statistic:
    """`statistic` minus `base`, both of the same rows and on the same draws."""
    return lambda resample: statistic(resample) - base(resample)


def bootstrap_values(statistic: Statistic, clusters: ArrayLike, seed: int = 0) -> FloatArray:
    """The statistic of all rows, then of each draw: (1 + BOOTSTRAP_DRAWS, ...); no rows: (1,), NaN.

    For statistics of several parts, (draws, parts), and for estimates that share their draws.
    """
    names, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    if not len(names):
        return np.full(1, nan)
    blocks = _blocks(len(names), cluster, seed)
    return np.concatenate([statistic(Resample(counts, cluster)) for counts in blocks])


def estimate_from_values(
    values: FloatArray, drawn: ClusterKind, clusters: int, rows: int
) -> Estimate:
    """The estimate of a statistic from its values (1 + draws,), the first of all rows."""
    value, draws = float(values[0]), values[1:][~np.isnan(values[1:])]
    if isnan(value) or not len(draws):
        return Estimate(value, value, value, drawn, clusters, rows)
    low, high = np.percentile(draws, INTERVAL_PERCENTILES).tolist()
    return Estimate(value, min(low, value), max(high, value), drawn, clusters, rows)


def interval_note(drawn: ClusterKind | None = None) -> str:
    """The words beside intervals that say how they were made; without `drawn`, of several kinds."""
    unit = drawn or "what is named beside them"
    return (
        f"95 % intervals: percentiles of {BOOTSTRAP_DRAWS:,} bootstrap draws of {unit}, widened to "
        "hold the value"
    )


def _blocks(clusters: int, cluster: IntArray, seed: int) -> Iterator[FloatArray]:
    """How often each cluster is in the sample, and in each draw: (draws, clusters) at a time."""
    yield np.ones((1, clusters))
    size = max(1, MAX_BLOCK_ENTRIES // len(cluster))
    counts = _draw_counts(clusters, seed)
    for start in range(0, BOOTSTRAP_DRAWS, size):
        yield counts[start : start + size].astype(np.float64)


@lru_cache(maxsize=4)
def _draw_counts(clusters: int, seed: int) -> NDArray[np.uint16]:
    """How often each cluster is in each draw, (BOOTSTRAP_DRAWS, clusters)."""
    random, equal = np.random.default_rng(seed), np.full(clusters, 1 / clusters)
    return random.multinomial(clusters, equal, size=BOOTSTRAP_DRAWS).astype(np.uint16)
