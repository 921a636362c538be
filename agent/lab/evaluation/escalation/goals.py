"""Goals for predicting dissatisfaction, and whether they are met.

The value decides whether a goal is met; its interval shows the uncertainty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agent.lab.evaluation.escalation.scored_rows import ScoredRows
from agent.lab.goals import Goal

MIN_AUROC = {"MWOZ": 0.80, "SGD": 0.90, "ReDial": 0.80, "CCPE": 0.84, "STAR": 0.86}
# Baseline: TF-IDF of the turn and its context, a linear model, folds of whole conversations.
TF_IDF_AUROC = {"MWOZ": 0.770, "SGD": 0.880, "ReDial": 0.763, "CCPE": 0.816, "STAR": 0.833}
MAX_ECE = 0.03


def escalation_goals(scored: Iterable[ScoredRows]) -> Iterator[Goal]:
    for rows in scored:
        label = "annoyed users" if rows.name == "STAR" else "dissatisfied turns"
        source = rows.name if rows.name == "STAR" else f"USS {rows.name}"
        if (limit := MIN_AUROC.get(rows.name)) is not None:
            name, floor = f"{source}, {label}: AUROC", TF_IDF_AUROC[rows.name]
            yield Goal.at_least(name, limit, rows.auroc(), unit="", floor=floor)
        what = f"{source}, {label}: expected calibration error"
        yield Goal.at_most(what, MAX_ECE, rows.ece())
