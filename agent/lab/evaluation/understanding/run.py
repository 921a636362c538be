"""Figures and goals of `hearken evaluate understanding`, and the sequence that measures them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agent.lab.evaluation.understanding import benchmarks, shipped
from agent.lab.evaluation.understanding.benchmarks import (
    Banking77Result,
    Clinc150Result,
    SpokenChannel,
)
from agent.lab.evaluation.understanding.report import UnderstandingReport
from agent.lab.figures import range_figure, row_figure
from agent.lab.goals import Goal
from agent.lab.metrics import auroc, mean
from agent.lab.progress import ReportProgress
from agent.lab.training.understanding.evaluate import read_bank_turns, rows_at_prior
from agent.lab.training.understanding.intents import IntentSettings
from agent.understanding import conformal
from agent.understanding.hidden_layer import TextEncoder
from dialogs.pack.model import Pack

COVERAGE_TOLERANCE = 0.02
NO_ENCODER_REASON = "no sentence encoder was given (--sentence-checkpoint)"
NO_SPEECH_REASON = "sentences were not synthesised and transcribed (--no-spoken)"


def understanding_report(
    data: Path | None,
    weights: Path,
    pack: Pack,
    test_data: Path | None,
    channel: SpokenChannel | None,
    encoder: tuple[str, TextEncoder] | None,
    report_progress: ReportProgress,
) -> UnderstandingReport:
    """The report; `test_data`: folder of hand-written turns (tests/data), in a checkout only."""
    report, settings = UnderstandingReport(), IntentSettings()
    if data is not None:
        report_progress("Banking77 as a pack of 77 intents")
        _add_banking77(report, benchmarks.banking77(data, settings, None, channel), "")
        for shots in (5, 10):
            report_progress(f"Banking77, {shots} examples an intent")
            _add_few_shot(
                report, benchmarks.few_shot_accuracies(data, shots, settings, None), shots, None
            )
        report_progress("CLINC150 as a pack of 150 intents")
        _add_clinc150(report, benchmarks.clinc150(data, settings, None), "", 0.80, 0.955)
        _add_encoder_results(report, data, settings, encoder, channel, report_progress)
        report_progress("sentiment")
        report.add_calibration(
            "sentiment, GoEmotions test", *shipped.sentiment_confidence(weights, data), 0.03
        )
    if test_data is not None:
        report_progress("the shipped weights")
        name = encoder[0] if encoder else ""
        _add_shipped(report, shipped.shipped_results(pack, weights, test_data, name), bool(encoder))
        claimed, true = shipped.upset_probabilities(
            weights, read_bank_turns(test_data / shipped.BANK_TURNS_FILE)
        )
        report.add_calibration(
            "upset from words, bank turns", claimed, true, 0.03, rows_at_prior(true)
        )
    return report


def _add_banking77(
    report: UnderstandingReport, result: Banking77Result, suffix: str, goal: float = 0.915
) -> None:
    name = f"Banking77, 77 intents{suffix}"
    report.add_figure(row_figure(name, "accuracy", mean, result.typed.is_correct), goal)
    report.add_calibration(
        f"intent, {name}", result.typed.probabilities.max(axis=1), result.typed.is_correct, 0.03
    )
    if result.spoken is None:
        report.add_unmeasured_goal(
            f"{name}, heard on the phone: accuracy", ">= 80 %", NO_SPEECH_REASON
        )
        return
    title = f"{name}, heard on the phone from held-out voices"
    report.add_figure(row_figure(title, "accuracy", mean, result.spoken.is_correct), 0.80)
    for voices, which in (("recorded", result.is_recorded), ("espeak", ~result.is_recorded)):
        if which.any():
            report.add_figure(
                row_figure(f"{title}, {voices}", "accuracy", mean, result.spoken.is_correct[which])
            )
    errors = result.word_errors
    report.figures.append(
        range_figure(title, "word errors", errors, errors, errors, len(result.is_recorded))
    )
    report.add_calibration(
        f"intent, {title}", result.spoken.probabilities.max(axis=1), result.spoken.is_correct, 0.03
    )
    for heard, judged in ((False, result.typed), (True, result.spoken)):
        _add_conformal_sets(report, f"Banking77{suffix}", judged, heard)


def _add_conformal_sets(
    report: UnderstandingReport,
    name: str,
    predictions: benchmarks.IntentPredictions,
    is_spoken: bool,
) -> None:
    """Add the coverage of the conformal sets; the goal is for turns that need a clarification."""
    marks = np.full(len(predictions.labels), is_spoken)
    coverage = predictions.model.conformal
    for group, (covered, sizes) in conformal.coverage_and_sizes(
        coverage, predictions.probabilities, predictions.labels, marks
    ).items():
        title = f"{name}, possible intents, {group} ({sizes.mean():.1f} of them)"
        figure = row_figure(title, "coverage", mean, covered)
        report.figures.append(figure)
        if group.endswith("unclear"):
            met = abs(figure.value - coverage.level) <= COVERAGE_TOLERANCE
            wanted = f"{100 * coverage.level:g} +- {100 * COVERAGE_TOLERANCE:g} %"
            report.goals.append(
                Goal.with_verdict(f"{title}: coverage", wanted, figure.estimate, met)
            )


def _add_few_shot(
    report: UnderstandingReport, accuracies: Sequence[float], shots: int, goal: float | None
) -> None:
    value, low, high = float(np.mean(accuracies)), min(accuracies), max(accuracies)
    name = f"Banking77, {shots} examples an intent (range of {len(accuracies)} draws)"
    report.add_figure(range_figure(name, "accuracy", value, low, high, len(accuracies)), goal)


def _add_clinc150(
    report: UnderstandingReport,
    result: Clinc150Result,
    suffix: str,
    recall_goal: float,
    auroc_goal: float,
) -> None:
    name = f"CLINC150, 150 intents{suffix}"
    report.add_figure(row_figure(name, "accuracy in scope", mean, result.typed.is_correct))
    report.add_figure(
        row_figure(f"{name}, 5 % rejected on dev", "out-of-scope recall", mean,
               result.outside_scores < result.threshold), recall_goal,
    )  # fmt: skip
    report.add_figure(
        row_figure(name, "wrongly rejected", mean, result.inside_scores < result.threshold)
    )
    out = np.r_[
        np.zeros(len(result.inside_scores), bool), np.ones(len(result.outside_scores), bool)
    ]
    scores = -np.r_[result.inside_scores, result.outside_scores]
    report.add_figure(row_figure(name, "out-of-scope AUROC", auroc, out, scores), auroc_goal)
    report.add_calibration(
        f"intent, {name}", result.typed.probabilities.max(axis=1), result.typed.is_correct, 0.03
    )


def _add_encoder_results(
    report: UnderstandingReport,
    data: Path,
    settings: IntentSettings,
    encoder: tuple[str, TextEncoder] | None,
    channel: SpokenChannel | None,
    report_progress: ReportProgress,
) -> None:
    if encoder is None:
        for what, goal in (
            ("Banking77, 77 intents, with sentence encoder: accuracy", ">= 94.2 %"),
            ("Banking77, 10 examples an intent, with sentence encoder: accuracy", ">= 87 %"),
            ("CLINC150, with sentence encoder: out-of-scope recall", ">= 87 %"),
            ("CLINC150, with sentence encoder: out-of-scope AUROC", ">= 97 %"),
        ):
            report.add_unmeasured_goal(what, goal, NO_ENCODER_REASON)
        return
    name, sentences = encoder
    suffix = f", beside {name}"
    report_progress(f"Banking77{suffix}")
    _add_banking77(report, benchmarks.banking77(data, settings, sentences, channel), suffix, 0.942)
    _add_few_shot(report, benchmarks.few_shot_accuracies(data, 10, settings, sentences), 10, 0.87)
    report_progress(f"CLINC150{suffix}")
    _add_clinc150(report, benchmarks.clinc150(data, settings, sentences), suffix, 0.87, 0.97)


def _add_shipped(
    report: UnderstandingReport, result: shipped.ShippedResults, has_encoder: bool
) -> None:
    intent_pairs = [
        (t.intent, u.intent) for t, u in zip(result.turns, result.understandings, strict=True)
    ]
    right = np.array([meant == understood for meant, understood in intent_pairs if meant])
    report.add_figure(row_figure("bank turns", "accuracy", mean, right))
    several = np.array([len(one.intents) > 1 for one in result.multi_intent_turns])
    exact = np.array(
        [
            a.intents == got
            for a, got in zip(result.multi_intent_turns, result.recognised_intents, strict=True)
        ]
    )
    is_split = np.array([len(got) > 1 for got in result.recognised_intents])
    name = "turns with several requests"
    report.add_figure(row_figure(name, "all of them understood, in order", mean, exact[several]))
    report.add_figure(
        row_figure("single requests with a connective", "cut in two", mean, is_split[~several])
    )
    limit = -15.0 if has_encoder else -5.0
    turns = 3 * len(result.turns)
    time = range_figure(
        "text turn, one thread", "p95", result.p95_ms, result.median_ms, result.p95_ms, turns
    )
    report.add_figure(time, limit, "ms")
    if not has_encoder:
        report.add_unmeasured_goal(
            "text turn, one thread, with sentence encoder: p95", "<= 15 ms", NO_ENCODER_REASON
        )
