"""What an evaluation of understanding found: figures, goals and reliability."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from agent.lab.arrays import BoolArray, FloatArray, IntArray
from agent.lab.figures import Figure
from agent.lab.goals import Goal
from agent.lab.metrics import calibration_error
from agent.lab.statistics import cluster_bootstrap
from agent.understanding.calibration import ReliabilityBin, reliability_table


@dataclass(slots=True)
class UnderstandingReport:
    figures: list[Figure] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    reliability: dict[str, list[ReliabilityBin]] = field(default_factory=dict)

    def add_figure(self, figure: Figure, goal: float | None = None, unit: str = "%") -> None:
        """Add a figure and, if given, its goal: a lower limit, or an upper one if negative."""
        self.figures.append(figure)
        if goal is None:
            return
        name = f"{figure.name}: {figure.measure}"
        if goal < 0:
            self.goals.append(Goal.at_most(name, -goal, figure.estimate, unit))
        else:
            self.goals.append(Goal.at_least(name, goal, figure.estimate, unit))

    def add_calibration(
        self,
        name: str,
        claimed: FloatArray,
        true: BoolArray,
        goal: float,
        rows: IntArray | None = None,
    ) -> None:
        """The calibration error and the reliability of probabilities (rows,).

        `rows`: of these rows alone; one that is there several times is drawn as one.
        """
        rows = np.arange(len(claimed)) if rows is None else rows
        error = cluster_bootstrap(calibration_error(claimed[rows], true[rows]), rows, "rows")
        self.add_figure(Figure(name, "calibration error (ECE)", error), -goal)
        self.reliability[name] = reliability_table(claimed[rows], true[rows])

    def add_unmeasured_goal(self, what: str, goal: str, reason: str) -> None:
        self.goals.append(Goal.unmeasured(what, goal, reason))
