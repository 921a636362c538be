"""Which of the project's goals for escalation are met?

A goal is met by the value; its interval says how sure that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agent.lab.evaluation.escalation.conversation_bootstrap import Counted, Scored

AUROC = {"MWOZ": 0.80, "SGD": 0.90, "ReDial": 0.80, "CCPE": 0.84, "STAR": 0.86}
# Words of the turn and its context by TF-IDF, a linear model, folds of whole conversations.
FLOORS = {"MWOZ": 0.770, "SGD": 0.880, "ReDial": 0.763, "CCPE": 0.816, "STAR": 0.833}
ECE = 0.03


@dataclass(frozen=True, slots=True)
class Goal:
    """`got` lies between `low` and `high`; `floor` is what plain TF-IDF reaches, where known."""

    what: str
    goal: float
    got: float
    low: float
    high: float
    met: bool
    floor: float | None = None


def goals(scored: Iterable[Scored]) -> Iterator[Goal]:
    for one in scored:
        label = "annoyed users" if one.name == "STAR" else "dissatisfied turns"
        source = one.name if one.name == "STAR" else f"USS {one.name}"
        if (goal := AUROC.get(one.name)) is not None:
            got = one.auroc()
            floor = FLOORS[one.name]
            yield _goal(f"{source}, {label}: AUROC", goal, got, got.value >= goal, floor)
        error = one.ece()
        what = f"{source}, {label}: expected calibration error"
        yield _goal(what, ECE, error, error.value <= ECE)


def as_said(goal: Goal) -> str:
    """The goal as a person writes it, as `hearken evaluate goals` wants it."""
    return f"<= {100 * goal.goal:g} %" if goal.goal == ECE else f">= {goal.goal:g}"


def _goal(what: str, goal: float, got: Counted, met: bool, floor: float | None = None) -> Goal:
    return Goal(what, goal, got.value, got.low, got.high, met, floor)
