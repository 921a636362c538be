"""Tables and JSON of a tuning run: what less dead air costs in cut-off turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agent.lab.json_output import json_value, write_json
from agent.lab.statistics import Estimate, interval_note
from agent.lab.training.turns.frontier import (
    CUT_OFF_LIMITS,
    DEAD_AIR_LIMITS_S,
    Frontier,
    PolicyOutcome,
)
from agent.lab.training.turns.policy_choice import (
    MIN_PAUSING_TURNS,
    PolicyFamily,
    QuestionKindReport,
)


def print_reports(
    reports: Sequence[QuestionKindReport], with_words: bool, console: Console, out: Path | None
) -> None:
    """Print the tables; write them as JSON too when a file is given."""
    for report in reports:
        console.print(_frontier_table(report, with_words))
        console.print(_outcome_table(report, with_words))
        if report.is_single_digit or report.pausing_turns < MIN_PAUSING_TURNS:
            why = (
                "one digit has no"
                if report.is_single_digit
                else f"only {report.pausing_turns} turns have a"
            )
            console.print(
                f"  Nothing is chosen from these: {why} pause to learn from.\n", style="dim"
            )
    if out is not None:
        write_json([_report_json(report) for report in reports], out)


def _frontier_table(report: QuestionKindReport, with_words: bool) -> Table:
    speakers = len({turn.speaker for turn in report.turns})
    title = (
        f"{report.name}: {len(report.turns)} turns, {speakers} speakers, "
        f"{report.pausing_turns} turns with a pause"
    )
    table = Table(
        "", title=title, title_justify="left", title_style="bold",
        caption=interval_note("speakers"), caption_justify="left",
    )  # fmt: skip
    table.add_column("silence alone", justify="right")
    if with_words:
        table.add_column("and words", justify="right")
        table.add_column("difference", justify="right")
    frontiers = [report.silence_alone.frontier, report.with_words.frontier, report.difference][
        : 3 if with_words else 1
    ]
    for index, dead in enumerate(DEAD_AIR_LIMITS_S):
        figures = [frontier.cut_at[index] for frontier in frontiers]
        table.add_row(
            f"cut off at {1000 * dead:.0f} ms of dead air",
            *(_with_interval(f, _percent) for f in figures),
        )
    for index, share in enumerate(CUT_OFF_LIMITS):
        figures = [frontier.dead_at[index] for frontier in frontiers]
        table.add_row(
            f"dead air at {100 * share:.0f} % cut off",
            *(_with_interval(f, _milliseconds) for f in figures),
        )
    return table


def _outcome_table(report: QuestionKindReport, with_words: bool) -> Table:
    table = Table(
        "", "cut off", "dead air: mean", "median", "95th of 100", "silence", "words", box=None
    )
    table.add_row("now", *_outcome_cells(report.current, report, with_words))
    mark = "▸ " if report.is_chosen else ""
    table.add_row("silence alone", *_outcome_cells(report.silence_alone.best, report, False))
    if with_words:
        table.add_row(f"{mark}and words", *_outcome_cells(report.with_words.best, report, True))
    for name, family in (("silence alone", report.silence_alone), ("and words", report.with_words)):
        if name == "silence alone" or with_words:
            cut, dead = family.held_out
            label = f"{name}, speakers held out"
            table.add_row(label, _percent(cut), _milliseconds(dead), "", "", "", "", style="dim")
    return table


def _outcome_cells(
    outcome: PolicyOutcome, report: QuestionKindReport, with_words: bool
) -> tuple[str, ...]:
    policy = outcome.policy
    words_cell = f"answered {policy.answered:g} s" if report.kind == "digits" and with_words else ""
    if with_words and report.kind == "open":
        words_cell = f"complete x {policy.complete:g}, incomplete x {policy.incomplete:g}"
    return (
        _percent(outcome.cut),
        _milliseconds(outcome.mean),
        _milliseconds(outcome.median),
        _milliseconds(outcome.p95),
        f"{policy.silence:g} s",
        words_cell,
    )


def _with_interval(figure: Estimate, unit: Callable[[float], str]) -> str:
    if not figure.is_known:
        return "-"
    return f"{unit(figure.value)} ({unit(figure.low)} to {unit(figure.high)})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"


def _report_json(report: QuestionKindReport) -> dict[str, object]:
    def side(one: PolicyFamily) -> dict[str, object]:
        return {
            "frontier": _frontier_json(one.frontier),
            "best": one.best,
            "held_out": dict(zip(("cut", "mean"), one.held_out, strict=True)),
        }

    row = {
        "asked": report.name,
        "turns": len(report.turns),
        "pauses": report.pausing_turns,
        "chosen": report.is_chosen,
        "now": report.current,
        "silence_alone": side(report.silence_alone),
        "and_words": side(report.with_words),
        "difference": _frontier_json(report.difference),
    }
    return {key: json_value(value, decimals=None) for key, value in row.items()}


def _frontier_json(frontier: Frontier) -> dict[str, object]:
    return {
        "cut_at": [estimate.bounds for estimate in frontier.cut_at],
        "dead_at": [estimate.bounds for estimate in frontier.dead_at],
    }
