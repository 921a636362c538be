"""Goals for predicting dissatisfaction, and whether they are met.

The value decides whether a goal is met; its interval shows the uncertainty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agent.lab.evaluation.escalation.conversation_bootstrap import ConversationEstimate, ScoredRows

MIN_AUROC = {"MWOZ": 0.80, "SGD": 0.90, "ReDial": 0.80, "CCPE": 0.84, "STAR": 0.86}
# Baseline: TF-IDF of the turn and its context, a linear model, folds of whole conversations.
TF_IDF_AUROC = {"MWOZ": 0.770, "SGD": 0.880, "ReDial": 0.763, "CCPE": 0.816, "STAR": 0.833}
MAX_ECE = 0.03


@dataclass(frozen=True, slots=True)
class EscalationGoal:
    """A goal, the value `got` with its 95 % interval, and the TF-IDF baseline, where known."""

    what: str
    goal: float
    got: float
    low: float
    high: float
    met: bool
    floor: float | None = None


def escalation_goals(scored: Iterable[ScoredRows]) -> Iterator[EscalationGoal]:
    for rows in scored:
        label = "annoyed users" if rows.name == "STAR" else "dissatisfied turns"
        source = rows.name if rows.name == "STAR" else f"USS {rows.name}"
        if (goal := MIN_AUROC.get(rows.name)) is not None:
            got = rows.auroc()
            floor = TF_IDF_AUROC[rows.name]
            yield _goal(f"{source}, {label}: AUROC", goal, got, got.value >= goal, floor)
        error = rows.ece()
        what = f"{source}, {label}: expected calibration error"
        yield _goal(what, MAX_ECE, error, error.value <= MAX_ECE)


def goal_text(goal: EscalationGoal) -> str:
    """The goal as text, in the form that `hearken evaluate goals` reads."""
    return f"<= {100 * goal.goal:g} %" if goal.goal == MAX_ECE else f">= {goal.goal:g}"


def _goal(
    what: str, goal: float, got: ConversationEstimate, met: bool, floor: float | None = None
) -> EscalationGoal:
    return EscalationGoal(what, goal, got.value, got.low, got.high, met, floor)
