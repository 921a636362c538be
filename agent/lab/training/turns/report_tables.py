"""How does a reader see what less dead air costs?"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from math import isnan
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agent.lab.training.turns.frontier import CUT_OFFS, DEAD_AIRS, Figure, Outcome
from agent.lab.training.turns.policy_choice import PAUSES, Report, Side


def show(reports: Sequence[Report], words: bool, console: Console, out: Path | None) -> None:
    """Print the tables; write them as JSON too when a file is given."""
    for report in reports:
        console.print(_frontier(report, words))
        console.print(_points(report, words))
        if report.single or report.pauses < PAUSES:
            why = "one digit has no" if report.single else f"only {report.pauses} turns have a"
            console.print(
                f"  Nothing is chosen from these: {why} pause to learn from.\n", style="dim"
            )
    if out is not None:
        told = [_told(report) for report in reports]
        out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _frontier(report: Report, words: bool) -> Table:
    speakers = len({turn.speaker for turn in report.turns})
    title = (
        f"{report.name}: {len(report.turns)} turns, {speakers} speakers, "
        f"{report.pauses} turns with a pause"
    )
    table = Table("", title=title, title_justify="left", title_style="bold")
    table.add_column("silence alone", justify="right")
    if words:
        table.add_column("and words", justify="right")
        table.add_column("difference", justify="right")
    sides = [report.alone.frontier, report.worded.frontier, report.gained][: 3 if words else 1]
    for index, dead in enumerate(DEAD_AIRS):
        figures = [side.cut_at[index] for side in sides]
        table.add_row(
            f"cut off at {1000 * dead:.0f} ms of dead air", *(_said(f, _percent) for f in figures)
        )
    for index, share in enumerate(CUT_OFFS):
        figures = [side.dead_at[index] for side in sides]
        table.add_row(f"dead air at {100 * share:.0f} % cut off", *(_said(f, _ms) for f in figures))
    return table


def _points(report: Report, words: bool) -> Table:
    table = Table(
        "", "cut off", "dead air: mean", "median", "95th of 100", "silence", "words", box=None
    )
    table.add_row("now", *_outcome(report.now, report, words))
    mark = "▸ " if report.chosen else ""
    table.add_row("silence alone", *_outcome(report.alone.best, report, False))
    if words:
        table.add_row(f"{mark}and words", *_outcome(report.worded.best, report, True))
    for name, side in (("silence alone", report.alone), ("and words", report.worded)):
        if name == "silence alone" or words:
            cut, dead = side.held_out
            label = f"{name}, speakers held out"
            table.add_row(label, _percent(cut), _ms(dead), "", "", "", "", style="dim")
    return table


def _outcome(one: Outcome, report: Report, words: bool) -> tuple[str, ...]:
    policy = one.policy
    told = f"answered {policy.answered:g} s" if report.kind == "digits" and words else ""
    if words and report.kind == "open":
        told = f"complete x {policy.complete:g}, incomplete x {policy.incomplete:g}"
    return (
        _percent(one.cut),
        _ms(one.mean),
        _ms(one.median),
        _ms(one.p95),
        f"{policy.silence:g} s",
        told,
    )


def _said(figure: Figure, unit: Callable[[float], str]) -> str:
    if isnan(figure.value):
        return "-"
    return f"{unit(figure.value)} ({unit(figure.low)} to {unit(figure.high)})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"


def _told(report: Report) -> dict[str, object]:
    """For a machine; NaN, which JSON has no word for, as null."""

    def side(one: Side) -> dict[str, object]:
        return {
            "frontier": asdict(one.frontier),
            "best": asdict(one.best),
            "held_out": dict(zip(("cut", "mean"), one.held_out, strict=True)),
        }

    told = {
        "asked": report.name,
        "turns": len(report.turns),
        "pauses": report.pauses,
        "chosen": report.chosen,
        "now": asdict(report.now),
        "silence_alone": side(report.alone),
        "and_words": side(report.worded),
        "difference": asdict(report.gained),
    }
    return {key: _without_nan(value) for key, value in told.items()}


def _without_nan(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and isnan(value) else value
