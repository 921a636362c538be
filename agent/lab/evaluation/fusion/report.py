"""Results of the fusion comparison: estimates, goals and their JSON.

A goal's `met` is null where the speakers are too few to decide. The keys of the JSON have a fixed
order; a missing value is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from agent.lab.fusion_models.classifiers import FUSED_KINDS, FusionKind
from agent.lab.goals import Goal
from agent.lab.json_output import json_value
from agent.lab.statistics import Estimate
from agent.lab.training.fusion.fusion_training import INPUT_CONDITIONS
from agent.understanding.calibration import reliability_table

EstimateKey = tuple[FusionKind, str, FusionMetric]
AS_IS, VOICE_REMOVED, WORDS_REMOVED = "as they are", "voice removed", "words removed"
MIN_GAIN, MAX_CALIBRATION_ERROR = 0.05, 0.03


@dataclass(frozen=True, slots=True, eq=False)
class FusionReport:
    results: FusionResults
    footnotes: Sequence[str]  # footnotes of the table
    estimates: Mapping[EstimateKey, Estimate]
    gains: Mapping[tuple[str, FusionMetric], Estimate]  # best fusion minus best single modality
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
    gains: Mapping[tuple[str, FusionMetric], Estimate],
) -> Iterator[Goal]:
    """Goals for the gain over the best single modality."""
    for metric in measurable_metrics(results):
        found = gains[AS_IS, metric]
        met = found.value >= MIN_GAIN and found.low > 0
        what = f"{metric}: best fusion ({best}) over best single modality"
        yield Goal.with_verdict(what, "interval above 0, >= +5 %", found, met)
    for condition in (WORDS_REMOVED, VOICE_REMOVED):
        for metric in measurable_metrics(results):
            found = gains[condition, metric]
            what = f"{metric}, {condition}: best fusion ({best}) over best single modality"
            yield Goal.at_least(what, 0.0, found)


def _error_goals(estimates: Mapping[EstimateKey, Estimate], best: FusionKind) -> Iterator[Goal]:
    for condition in (AS_IS, CALL_CONDITION, WORDS_REMOVED, VOICE_REMOVED):
        for metric in ("sentiment ECE", "upset ECE"):
            if found := estimates.get((best, condition, metric)):
                what = f"calibration error of {metric.split()[0]}, {condition} ({best})"
                yield Goal.at_most(what, MAX_CALIBRATION_ERROR, found)


def fusion_json(report: FusionReport) -> dict[str, Any]:
    results = report.results
    return {
        "goals": [goal.as_json() for goal in report.goals],
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
) -> Iterator[tuple[FusionKind, FusionMetric, Estimate]]:
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
                json_value(row, 4)
                for row in reliability_table(judged.upset[there], results.upset[there])
            ],
        }
        for (kind, condition), judged in results.predictions.items()
    ]


def _estimate_json(estimate: Estimate) -> dict[str, Any]:
    return {
        **json_value(estimate.bounds),
        "speakers": estimate.clusters,
        "too_few_speakers": estimate.has_few_clusters,
    }
