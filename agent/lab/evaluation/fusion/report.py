"""Results of the fusion comparison: estimates, goals and their JSON.

A goal's `met` is null where the speakers are too few to decide. The keys of the JSON have a fixed
order; a missing value is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isnan
from typing import Any

from agent.lab.evaluation.fusion.experiment import FusionResults
from agent.lab.evaluation.fusion.metrics import (
    CALL_CONDITION,
    FUSION_METRICS,
    FusionMetric,
    best_fusion,
    best_single_modality,
    estimate_gain,
    estimate_metric,
    measurable_metrics,
)
from agent.lab.evaluation.fusion.served_verdicts import ServedFusionScores
from agent.lab.evaluation.goals import Goal
from agent.lab.evaluation.speaker_bootstrap import SpeakerEstimate
from agent.lab.fusion_models.classifiers import FUSED_KINDS, FusionKind
from agent.lab.training.fusion.fusion_training import INPUT_CONDITIONS
from agent.understanding.calibration import reliability_table

EstimateKey = tuple[FusionKind, str, FusionMetric]
AS_IS, VOICE_REMOVED, WORDS_REMOVED = "as they are", "voice removed", "words removed"
MIN_GAIN, MAX_CALIBRATION_ERROR = 0.05, 0.03


@dataclass(frozen=True, slots=True, eq=False)
class FusionReport:
    results: FusionResults
    footnotes: Sequence[str]  # footnotes of the table
    estimates: Mapping[EstimateKey, SpeakerEstimate]
    gains: Mapping[
        tuple[str, FusionMetric], SpeakerEstimate
    ]  # best fusion minus best single modality
    best_kind: FusionKind
    goals: Sequence[Goal]
    served: Sequence[ServedFusionScores]


def fusion_report(
    results: FusionResults, footnotes: Sequence[str], served: Sequence[ServedFusionScores] = ()
) -> FusionReport:
    """The report; `served`: scores of the models in production, where they were measured."""
    estimates = {
        (kind, condition, of): estimate_metric(results, kind, condition, of)
        for kind, condition in results.predictions
        for of in FUSION_METRICS
        if _is_measurable(results, of)
    }
    best_kind = best_fusion(results)
    gains = {
        (one.name, of): estimate_gain(
            results, best_kind, best_single_modality(results, one.name, of), one.name, of
        )
        for one in INPUT_CONDITIONS
        for of in measurable_metrics(results)
    }
    goals = [*_gain_goals(results, best_kind, gains), *_error_goals(estimates, best_kind)]
    return FusionReport(results, footnotes, estimates, gains, best_kind, goals, served)


def _is_measurable(results: FusionResults, metric: FusionMetric) -> bool:
    return metric.split()[0] in {quantity.split()[0] for quantity in measurable_metrics(results)}


def _gain_goals(
    results: FusionResults,
    best: FusionKind,
    gains: Mapping[tuple[str, FusionMetric], SpeakerEstimate],
) -> Iterator[Goal]:
    """Goals for the gain over the best single modality."""
    for metric in measurable_metrics(results):
        found = gains[AS_IS, metric]
        met = found.value >= MIN_GAIN and found.low > 0
        what = f"{metric}: best fusion ({best}) over best single modality"
        yield _goal(what, "interval above 0, >= +5 %", found, met)
    for condition in (WORDS_REMOVED, VOICE_REMOVED):
        for metric in measurable_metrics(results):
            found = gains[condition, metric]
            what = f"{metric}, {condition}: best fusion ({best}) over best single modality"
            yield _goal(what, ">= 0 %", found, found.value >= 0)


def _error_goals(
    estimates: Mapping[EstimateKey, SpeakerEstimate], best: FusionKind
) -> Iterator[Goal]:
    for condition in (AS_IS, CALL_CONDITION, WORDS_REMOVED, VOICE_REMOVED):
        for metric in ("sentiment ECE", "upset ECE"):
            if found := estimates.get((best, condition, metric)):
                what = f"calibration error of {metric.split()[0]}, {condition} ({best})"
                yield _goal(what, "<= 3 %", found, found.value <= MAX_CALIBRATION_ERROR)


def _goal(what: str, goal: str, estimate: SpeakerEstimate, met: bool) -> Goal:
    unknown = estimate.has_few_speakers or isnan(estimate.value)
    return Goal(
        what,
        goal,
        _json_number(estimate.value),
        _json_number(estimate.low),
        _json_number(estimate.high),
        None if unknown else met,
        "too few speakers" if unknown else "",
    )


def fusion_json(report: FusionReport) -> dict[str, Any]:
    results = report.results
    return {
        "goals": [asdict(goal) for goal in report.goals],
        "winner": report.best_kind,
        "about": list(report.footnotes),
        "turns": len(results.speakers),
        "speakers": len(set(results.speakers)),
        "folds": results.folds,
        "seeds": results.seeds,
        "parameters": dict(results.parameter_counts),
        "figures": [
            {"fusion": kind, "condition": condition, "measure": of, **_estimate_json(found)}
            for (kind, condition, of), found in report.estimates.items()
        ],
        "winner_minus_best_single": [
            {"condition": condition, "measure": of, **_estimate_json(found)}
            for (condition, of), found in report.gains.items()
        ],
        "winner_minus_other_fusion": [
            {"other": other, "condition": CALL_CONDITION, "measure": of, **_estimate_json(found)}
            for other, of, found in gains_over_other_fusions(report)
        ],
        "served": [
            {
                "name": one.name,
                "upset UA": _estimate_json(one.ua),
                "upset AUROC": _estimate_json(one.auroc),
                "upset ECE": _estimate_json(one.ece),
            }
            for one in report.served
        ],
        "reliability": _reliability_json(results),
    }


def gains_over_other_fusions(
    report: FusionReport,
) -> Iterator[tuple[FusionKind, FusionMetric, SpeakerEstimate]]:
    """Gain of the best fusion over each of the other two, in CALL_CONDITION."""
    for other in FUSED_KINDS:
        if other != report.best_kind and (other, CALL_CONDITION) in report.results.predictions:
            for metric in measurable_metrics(report.results):
                yield (
                    other,
                    metric,
                    estimate_gain(report.results, report.best_kind, other, CALL_CONDITION, metric),
                )


def _reliability_json(results: FusionResults) -> list[dict[str, Any]]:
    """Bins of the predicted probability of upset, with the share of upset turns in each."""
    there = results.upset >= 0
    return [
        {
            "fusion": kind,
            "condition": condition,
            "bins": [
                {key: round(value, 4) for key, value in asdict(row).items()}
                for row in reliability_table(judged.upset[there], results.upset[there])
            ],
        }
        for (kind, condition), judged in results.predictions.items()
    ]


def _estimate_json(estimate: SpeakerEstimate) -> dict[str, Any]:
    return {
        "value": _json_number(estimate.value),
        "low": _json_number(estimate.low),
        "high": _json_number(estimate.high),
        "speakers": estimate.speakers,
        "too_few_speakers": estimate.has_few_speakers,
    }


def _json_number(value: float) -> float | None:
    return None if isnan(value) else round(value, 5)
