"""What does the comparison of fusions come to: figures, goals, and a file of both?

A goal's `met` is null where the turns do not allow to say. The JSON's keys come in a fixed order,
and a value that does not exist is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isnan
from typing import Any

from agent.lab.evaluation.fusion.experiment import Outcome
from agent.lab.evaluation.fusion.metrics import (
    CALL,
    QUANTITIES,
    Quantity,
    best_single,
    gain,
    known,
    score,
    winner,
)
from agent.lab.evaluation.fusion.served_verdicts import Served
from agent.lab.evaluation.goals import Goal
from agent.lab.evaluation.speaker_bootstrap import Figure
from agent.lab.fusion_models.classifiers import FUSED_KINDS, FusionKind
from agent.lab.training.fusion.fusion_training import INPUT_CONDITIONS
from agent.understanding.calibration import reliability_table

Cell = tuple[FusionKind, str, Quantity]
AS_IS, SILENT, WORDLESS = "as they are", "voice removed", "words removed"
GAIN, MOST_ERROR = 0.05, 0.03


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    outcome: Outcome
    about: Sequence[str]  # sentences that belong below the table
    figures: Mapping[Cell, Figure]
    gains: Mapping[tuple[str, Quantity], Figure]  # the winner over the best single, by condition
    best: FusionKind
    goals: Sequence[Goal]
    served: Sequence[Served]


def reported(outcome: Outcome, about: Sequence[str], served: Sequence[Served] = ()) -> Report:
    """`served`: what the verdicts that are really served come to, where that was measured."""
    figures = {
        (kind, condition, of): score(outcome, kind, condition, of)
        for kind, condition in outcome.judged
        for of in QUANTITIES
        if _measurable(outcome, of)
    }
    best = winner(outcome)
    gains = {
        (one.name, of): gain(outcome, best, best_single(outcome, one.name, of), one.name, of)
        for one in INPUT_CONDITIONS
        for of in known(outcome)
    }
    goals = [*_gain_goals(outcome, best, gains), *_error_goals(figures, best)]
    return Report(outcome, about, figures, gains, best, goals, served)


def _measurable(outcome: Outcome, of: Quantity) -> bool:
    return of.split()[0] in {quantity.split()[0] for quantity in known(outcome)}


def _gain_goals(
    outcome: Outcome, best: FusionKind, gains: Mapping[tuple[str, Quantity], Figure]
) -> Iterator[Goal]:
    """Where speakers are too few, an interval says nothing, and nothing is met or missed."""
    for of in known(outcome):
        found = gains[AS_IS, of]
        met = found.value >= GAIN and found.low > 0
        what = f"{of}: best fusion ({best}) over best single modality"
        yield _goal(what, "interval above 0, >= +5 %", found, met)
    for condition in (WORDLESS, SILENT):
        for of in known(outcome):
            found = gains[condition, of]
            what = f"{of}, {condition}: best fusion ({best}) over best single modality"
            yield _goal(what, ">= 0 %", found, found.value >= 0)


def _error_goals(figures: Mapping[Cell, Figure], best: FusionKind) -> Iterator[Goal]:
    for condition in (AS_IS, CALL, WORDLESS, SILENT):
        for of in ("sentiment ECE", "upset ECE"):
            if found := figures.get((best, condition, of)):
                what = f"calibration error of {of.split()[0]}, {condition} ({best})"
                yield _goal(what, "<= 3 %", found, found.value <= MOST_ERROR)


def _goal(what: str, goal: str, found: Figure, met: bool) -> Goal:
    unknown = found.few or isnan(found.value)
    return Goal(
        what,
        goal,
        _number(found.value),
        _number(found.low),
        _number(found.high),
        None if unknown else met,
        "too few speakers" if unknown else "",
    )


def as_json(report: Report) -> dict[str, Any]:
    outcome = report.outcome
    return {
        "goals": [asdict(goal) for goal in report.goals],
        "winner": report.best,
        "about": list(report.about),
        "turns": len(outcome.speakers),
        "speakers": len(set(outcome.speakers)),
        "folds": outcome.folds,
        "seeds": outcome.seeds,
        "parameters": dict(outcome.capacity),
        "figures": [
            {"fusion": kind, "condition": condition, "measure": of, **_figure(found)}
            for (kind, condition, of), found in report.figures.items()
        ],
        "winner_minus_best_single": [
            {"condition": condition, "measure": of, **_figure(found)}
            for (condition, of), found in report.gains.items()
        ],
        "winner_minus_other_fusion": [
            {"other": other, "condition": CALL, "measure": of, **_figure(found)}
            for other, of, found in other_fusions(report)
        ],
        "served": [
            {
                "name": one.name,
                "upset UA": _figure(one.ua),
                "upset AUROC": _figure(one.auroc),
                "upset ECE": _figure(one.ece),
            }
            for one in report.served
        ],
        "reliability": _reliability(outcome),
    }


def other_fusions(report: Report) -> Iterator[tuple[FusionKind, Quantity, Figure]]:
    """By how much the winner is better than the other two, on what a call gives."""
    for other in FUSED_KINDS:
        if other != report.best and (other, CALL) in report.outcome.judged:
            for of in known(report.outcome):
                yield other, of, gain(report.outcome, report.best, other, CALL, of)


def _reliability(outcome: Outcome) -> list[dict[str, Any]]:
    """Bins of the claimed probability of being upset, and how often it was so."""
    there = outcome.upset >= 0
    return [
        {
            "fusion": kind,
            "condition": condition,
            "bins": [
                {key: round(value, 4) for key, value in asdict(row).items()}
                for row in reliability_table(judged.upset[there], outcome.upset[there])
            ],
        }
        for (kind, condition), judged in outcome.judged.items()
    ]


def _figure(found: Figure) -> dict[str, Any]:
    return {
        "value": _number(found.value),
        "low": _number(found.low),
        "high": _number(found.high),
        "speakers": found.speakers,
        "too_few_speakers": found.few,
    }


def _number(value: float) -> float | None:
    return None if isnan(value) else round(value, 5)
