"""How does the comparison of fusions look in a terminal, and as a picture?"""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agent.lab.evaluation.fusion.metrics import CALL, QUANTITIES, Quantity
from agent.lab.evaluation.fusion.report import AS_IS, Report, other_fusions
from agent.lab.evaluation.speaker_bootstrap import Figure
from agent.lab.fusion_models.classifiers import FUSION_KINDS, FusionKind
from agent.lab.training.fusion.fusion_training import INPUT_CONDITIONS
from agent.understanding.calibration import reliability_table

NAMES: dict[FusionKind, str] = {
    "text": "words alone",
    "speech": "voice alone",
    "feature": "feature level",
    "decision": "decision level",
    "intermediate": "intermediate",
}


def show(report: Report, console: Console) -> None:
    outcome = report.outcome
    for of in QUANTITIES:
        if any(quantity == of for _, _, quantity in report.figures):
            console.print(_table(report, of))
    console.print(
        f"{len(outcome.speakers)} test turns of {len(set(outcome.speakers))} speakers, "
        f"{outcome.folds} folds, {outcome.seeds} seeds; 95 % intervals by drawing speakers anew.",
        highlight=False,
    )
    for sentence in report.about:
        console.print(sentence, highlight=False)
    console.print(f"Best on what a call gives: [bold]{NAMES[report.best]}[/].")
    for other, of, found in other_fusions(report):
        console.print(f"  {of} above {NAMES[other]}: {points(found)}", highlight=False)
    if report.served:
        console.print(_served(report))
    console.print(_goals(report))


def _served(report: Report) -> Table:
    title = "verdicts as served (words' model, emotion head on unseen actors), paired alike"
    shown = Table("upset, per cent", "UA", "AUROC", "ECE", title=title)
    for one in report.served:
        shown.add_row(one.name, percent(one.ua), percent(one.auroc), percent(one.ece))
    return shown


def _table(report: Report, of: Quantity) -> Table:
    shown = Table(
        "", "parameters", *(one.name for one in INPUT_CONDITIONS), title=f"{of}, per cent"
    )
    for kind in FUSION_KINDS:
        if kind not in report.outcome.capacity:
            continue
        cells = [percent(report.figures[kind, one.name, of]) for one in INPUT_CONDITIONS]
        shown.add_row(NAMES[kind], f"{report.outcome.capacity[kind]:,}", *cells)
    if any(quantity == of for _, quantity in report.gains):
        gains = [points(report.gains[one.name, of]) for one in INPUT_CONDITIONS]
        shown.add_section()
        shown.add_row(f"{NAMES[report.best]} less the better of words and voice", "", *gains)
    return shown


def _goals(report: Report) -> Table:
    shown = Table("goal", "wanted", "got (95 %)", "met", title="goals")
    words = {True: "[green]yes[/]", False: "[red]no[/]", None: "cannot be said"}
    for goal in report.goals:
        got = "-"
        if goal.got is not None and goal.low is not None and goal.high is not None:
            got = f"{100 * goal.got:+.1f} ({100 * goal.low:+.1f} to {100 * goal.high:+.1f})"
        shown.add_row(goal.what, goal.goal, got, words[goal.met])
    return shown


def percent(found: Figure) -> str:
    if isnan(found.value):
        return "-"
    return f"{100 * found.value:.1f} ({100 * found.low:.1f} to {100 * found.high:.1f})"


def points(found: Figure) -> str:
    if isnan(found.value):
        return "-"
    return f"{100 * found.value:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def plot(report: Report, path: Path) -> None:
    """UA by condition, and how far the best fusion's probability of being upset can be believed."""
    import matplotlib

    matplotlib.use("Agg")  # a file, whether or not there is a screen
    from matplotlib import pyplot

    quantities: list[Quantity] = list(dict.fromkeys(of for _, of in report.gains))
    figure, axes = pyplot.subplots(
        1, len(quantities) + 1, figsize=(7 * len(quantities) + 5, 4.8), layout="constrained"
    )
    for axis, of in zip(axes, quantities, strict=False):
        _bars(axis, report, of)
    _believed(axes[-1], report)
    figure.suptitle(report.about[0] if report.about else "", fontsize=9, wrap=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _bars(axis: object, report: Report, of: Quantity) -> None:
    kinds = [kind for kind in FUSION_KINDS if kind in report.outcome.capacity]
    width = 0.8 / len(kinds)
    for at, kind in enumerate(kinds):
        found = [report.figures[kind, one.name, of] for one in INPUT_CONDITIONS]
        places = [number + (at - len(kinds) / 2 + 0.5) * width for number in range(len(found))]
        below = [100 * (one.value - one.low) for one in found]
        above = [100 * (one.high - one.value) for one in found]
        values = [100 * one.value for one in found]
        axis.bar(  # type: ignore[attr-defined]
            places, values, width, yerr=[below, above], capsize=2, label=NAMES[kind]
        )
    axis.set_xticks(  # type: ignore[attr-defined]
        range(len(INPUT_CONDITIONS)),
        [one.name.replace(", ", ",\n") for one in INPUT_CONDITIONS],
        fontsize=8,
    )
    axis.set_ylim(30 if of.startswith("sentiment") else 45, 95)  # type: ignore[attr-defined]
    axis.set_title(f"{of}, per cent")  # type: ignore[attr-defined]
    axis.legend(fontsize=8, ncols=2)  # type: ignore[attr-defined]


def _believed(axis: object, report: Report) -> None:
    outcome = report.outcome
    there = outcome.upset >= 0
    for condition in (AS_IS, CALL, "words removed", "voice removed"):
        rows = reliability_table(
            outcome.judged[report.best, condition].upset[there], outcome.upset[there]
        )
        claimed: Sequence[float] = [row.claimed for row in rows]
        axis.plot(  # type: ignore[attr-defined]
            claimed, [row.true for row in rows], marker="o", label=condition
        )
    axis.plot([0, 1], [0, 1], "k:", linewidth=1)  # type: ignore[attr-defined]
    axis.set_xlabel("claimed to be upset")  # type: ignore[attr-defined]
    axis.set_ylabel("was upset")  # type: ignore[attr-defined]
    axis.set_title(f"{NAMES[report.best]}: claimed and true")  # type: ignore[attr-defined]
    axis.legend(fontsize=8)  # type: ignore[attr-defined]
