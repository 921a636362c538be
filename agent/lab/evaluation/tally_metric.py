"""A metric of an evaluation, with the rows it applies to, and its estimates over speakers.

Every metric is a function of sums over recordings, so that groups of recordings and differences
between models are estimated from the same tally. Speakers are drawn (agent/lab/statistics.py).
Held by tests/agent/lab/evaluation/test_tally_metric.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from agent.lab.arrays import BoolArray, FloatArray
from agent.lab.metrics import SumFormula, of_sums
from agent.lab.statistics import Estimate, cluster_bootstrap, difference

MetricSection = Literal["open", "asked", "emotion"]


@dataclass(frozen=True, slots=True, eq=False)
class TallyMetric:
    """A metric: `formula` of the sum over recordings of `tally` (recordings, parts).

    `applies` (recordings,) marks the recordings that count.
    """

    section: MetricSection
    key: str
    name: str
    applies: BoolArray
    tally: FloatArray
    formula: SumFormula
    less_is_better: bool = False

    @property
    def id(self) -> str:
        return f"{self.section}.{self.key}"


def estimate(
    metric: TallyMetric, speakers: Sequence[str], within: BoolArray | None = None
) -> Estimate:
    """The metric, for `speakers` (recordings,); `within`, of some of the recordings (a group)."""
    there = metric.applies if within is None else metric.applies & within
    statistic = of_sums(metric.tally[there], metric.formula)
    return cluster_bootstrap(statistic, np.array(speakers)[there], "speakers")


def estimate_difference(
    metric: TallyMetric, base: TallyMetric, speakers: Sequence[str]
) -> Estimate:
    """`metric` minus `base`, the same metric of another model, over what applies to both."""
    there = metric.applies & base.applies
    one, other = (of_sums(each.tally[there], each.formula) for each in (metric, base))
    return cluster_bootstrap(difference(one, other), np.array(speakers)[there], "speakers")
