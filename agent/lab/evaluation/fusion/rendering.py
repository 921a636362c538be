"""Terminal rendering of a `FusionReport`, and its plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agent.lab.evaluation.fusion.metrics import CALL_CONDITION, FUSION_METRICS, FusionMetric
from agent.lab.evaluation.fusion.report import AS_IS, FusionReport, gains_over_other_fusions
from agent.lab.fusion_models.classifiers import FUSION_KINDS, FusionKind
from agent.lab.goals import goals_table
from agent.lab.statistics import Estimate, interval_note
from agent.lab.training.fusion.fusion_training import INPUT_CONDITIONS
from agent.understanding.calibration import reliability_table

KIND_LABELS: dict[FusionKind, str] = {
    "text": "words alone",
    "speech": "voice alone",
    "feature": "feature level",
    "decision": "decision level",
    "intermediate": "intermediate",
}


def print_fusion_report(report: FusionReport, console: Console) -> None:
    outcome = report.results
    for metric in FUSION_METRICS:
        if any(quantity == metric for _, _, quantity in report.estimates):
            console.print(_metric_table(report, metric))
    console.print(
        f"{len(outcome.speakers)} test turns of {len(set(outcome.speakers))} speakers, "
        f"{outcome.folds} folds, {outcome.seeds} seeds; {interval_note('speakers')}.",
        highlight=False,
    )
    for sentence in report.footnotes:
        console.print(sentence, highlight=False)
    console.print(f"Best in the condition of a call: [bold]{KIND_LABELS[report.best_kind]}[/].")
    for other, metric, found in gains_over_other_fusions(report):
        console.print(
            f"  {metric} above {KIND_LABELS[other]}: {points_text(found)}", highlight=False
        )
    if report.served:
        console.print(_served_table(report))
    console.print(goals_table(report.goals))


def _served_table(report: FusionReport) -> Table:
    title = "verdicts as served (word model, emotion head on unseen actors), paired alike"
    shown = Table("upset, per cent", "UA", "AUROC", "ECE", title=title)
    for one in report.served:
        shown.add_row(
            one.name, percent_text(one.ua), percent_text(one.auroc), percent_text(one.ece)
        )
    return shown


def _metric_table(report: FusionReport, metric: FusionMetric) -> Table:
    shown = Table(
        "", "parameters", *(one.name for one in INPUT_CONDITIONS), title=f"{metric}, per cent"
    )
    for kind in FUSION_KINDS:
        if kind not in report.results.parameter_counts:
            continue
        cells = [percent_text(report.estimates[kind, one.name, metric]) for one in INPUT_CONDITIONS]
        shown.add_row(KIND_LABELS[kind], f"{report.results.parameter_counts[kind]:,}", *cells)
    if any(quantity == metric for _, quantity in report.gains):
        gains = [points_text(report.gains[one.name, metric]) for one in INPUT_CONDITIONS]
        shown.add_section()
        shown.add_row(
            f"{KIND_LABELS[report.best_kind]} less the better of words and voice", "", *gains
        )
    return shown


def percent_text(estimate: Estimate) -> str:
    if not estimate.is_known:
        return "-"
    return f"{100 * estimate.value:.1f} ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"


def points_text(estimate: Estimate) -> str:
    if not estimate.is_known:
        return "-"
    return f"{100 * estimate.value:+.1f} ({100 * estimate.low:+.1f} to {100 * estimate.high:+.1f})"


def save_fusion_plot(report: FusionReport, path: Path) -> None:
    """Plot UA by condition, and the reliability of the best fusion's probability of upset."""
    import matplotlib

    matplotlib.use("Agg")  # renders to files, without a display
    from matplotlib import pyplot

    quantities: list[FusionMetric] = list(dict.fromkeys(metric for _, metric in report.gains))
    figure, axes = pyplot.subplots(
        1, len(quantities) + 1, figsize=(7 * len(quantities) + 5, 4.8), layout="constrained"
    )
    for axis, metric in zip(axes, quantities, strict=False):
        _draw_bars(axis, report, metric)
    _draw_reliability(axes[-1], report)
    figure.suptitle(report.footnotes[0] if report.footnotes else "", fontsize=9, wrap=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _draw_bars(axis: object, report: FusionReport, metric: FusionMetric) -> None:
    kinds = [kind for kind in FUSION_KINDS if kind in report.results.parameter_counts]
    width = 0.8 / len(kinds)
    for at, kind in enumerate(kinds):
        found = [report.estimates[kind, one.name, metric] for one in INPUT_CONDITIONS]
        places = [number + (at - len(kinds) / 2 + 0.5) * width for number in range(len(found))]
        below = [100 * (one.value - one.low) for one in found]
        above = [100 * (one.high - one.value) for one in found]
        values = [100 * one.value for one in found]
        axis.bar(  # type: ignore[attr-defined]
            places, values, width, yerr=[below, above], capsize=2, label=KIND_LABELS[kind]
        )
    axis.set_xticks(  # type: ignore[attr-defined]
        range(len(INPUT_CONDITIONS)),
        [one.name.replace(", ", ",\n") for one in INPUT_CONDITIONS],
        fontsize=8,
    )
    axis.set_ylim(30 if metric.startswith("sentiment") else 45, 95)  # type: ignore[attr-defined]
    axis.set_title(f"{metric}, per cent")  # type: ignore[attr-defined]
    axis.legend(fontsize=8, ncols=2)  # type: ignore[attr-defined]


def _draw_reliability(axis: object, report: FusionReport) -> None:
    outcome = report.results
    there = outcome.upset >= 0
    for condition in (AS_IS, CALL_CONDITION, "words removed", "voice removed"):
        rows = reliability_table(
            outcome.predictions[report.best_kind, condition].upset[there], outcome.upset[there]
        )
        claimed: Sequence[float] = [row.claimed for row in rows]
        axis.plot(  # type: ignore[attr-defined]
            claimed, [row.true for row in rows], marker="o", label=condition
        )
    axis.plot([0, 1], [0, 1], "k:", linewidth=1)  # type: ignore[attr-defined]
    axis.set_xlabel("predicted probability of upset")  # type: ignore[attr-defined]
    axis.set_ylabel("share of upset turns")  # type: ignore[attr-defined]
    axis.set_title(f"{KIND_LABELS[report.best_kind]}: reliability")  # type: ignore[attr-defined]
    axis.legend(fontsize=8)  # type: ignore[attr-defined]
