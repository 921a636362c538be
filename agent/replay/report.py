"""Reports of replays: tables for people, JSON for programs, JUnit for continuous integration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.replay.diff import DecisionChange, later_changes_text
from agent.replay.verdict import ReplayResult
from agent.replay.what_if import PolicyComparison, escalation_points
from dialogs.pack.model import ErrorCosts

VERDICT_STYLES = {"identical": "green", "same": "green", "different": "red", "error": "bold red"}
MAX_CHANGES_SHOWN = 8  # changes listed for one recording


def print_results(results: Sequence[ReplayResult], console: Console, full: bool = False) -> None:
    """Print a line for each recording; where it differs, the first divergence and counts of later
    ones. `full`: all changes."""
    for one in results:
        line = Text(f"{one.verdict:<10}", style=VERDICT_STYLES[one.verdict])
        line.append(f" {one.name}", style="bold")
        line.append(f"  {one.duration_s:.0f} s in {one.replay_s:.2f} s", style="dim")
        if one.run.recorded_fallbacks:
            line.append(
                f"  {one.run.recorded_fallbacks} turns as recorded: audio not stored", style="dim"
            )
        console.print(line)
        for report_line in one.report_lines():
            console.print(f"    {report_line}", markup=False, highlight=False, soft_wrap=True)
        for change in one.changes[1:] if full else ():
            console.print(f"      {change}", markup=False, highlight=False, soft_wrap=True)
    console.print(Text(summary_line(results), style="bold"))


def summary_line(results: Sequence[ReplayResult]) -> str:
    """The last line of the report: how many recordings passed, and the time taken."""
    replay_s = sum(one.replay_s for one in results)
    passed_count = sum(one.has_passed for one in results)
    hours = sum(one.duration_s for one in results) / 3600
    passed = f"{passed_count} of {len(results)} as recorded"
    return f"{passed}; {hours:.2f} h of conversation in {replay_s:.1f} s"


def print_comparison(
    name: str,
    changes_by_recording: Mapping[str, Sequence[DecisionChange]],
    build_differences: Sequence[str],
    console: Console,
) -> None:
    """Print the decisions of another build that differ, by recording."""
    for one in build_differences:
        console.print(f"{name}: {one}", style="dim", markup=False, soft_wrap=True)
    for recording, changes in changes_by_recording.items():
        verdict = "different" if changes else "same"
        line = Text(f"{verdict:<10}", style=VERDICT_STYLES[verdict])
        console.print(line.append(f" {recording}", style="bold"))
        for change in changes[:MAX_CHANGES_SHOWN]:
            console.print(f"    {change}", markup=False, highlight=False, soft_wrap=True)
        if len(changes) > MAX_CHANGES_SHOWN:
            rest = later_changes_text(changes[MAX_CHANGES_SHOWN - 1 :])
            console.print(f"    then: {rest}", markup=False, highlight=False, soft_wrap=True)
    different_count = sum(bool(changes) for changes in changes_by_recording.values())
    summary_text = Text(
        f"{name} decides otherwise in {different_count} of {len(changes_by_recording)}",
        style="bold",
    )
    console.print(summary_text, soft_wrap=True)


def print_policy_comparison(
    name: str,
    comparisons: Sequence[PolicyComparison],
    current_costs: ErrorCosts,
    other_costs: ErrorCosts,
    console: Console,
) -> None:
    """Print the escalations that another policy changes, and the costs of both policies.

    Both are computed with `current_costs`; `other_costs` are printed where they differ.
    """
    for one in comparisons:
        for shift in one.shifts:
            console.print(f"{one.name}: {shift}", markup=False, highlight=False, soft_wrap=True)
        for missing_answer in one.missing:
            console.print(
                f"{one.name}: not recorded: {missing_answer}", style="yellow", markup=False
            )
    table = Table("", "as it is", f"with {name}", box=None, pad_edge=False)
    calls_before, calls_after = (
        [len(called) for called in side] for side in _before_and_after(comparisons)
    )
    table.add_row("conversations", str(len(comparisons)), str(len(comparisons)))
    table.add_row(
        "with a person called", str(sum(map(bool, calls_before))), str(sum(map(bool, calls_after)))
    )
    table.add_row("calls", str(sum(calls_before)), str(sum(calls_after)))
    for shift_type in ("gained", "lost", "earlier", "later"):
        count = sum(shift.shift_type == shift_type for one in comparisons for shift in one.shifts)
        table.add_row(shift_type, "", str(count))
    labelled_costs = [
        one.costs_before_and_after(current_costs)
        for one in comparisons
        if one.person_needed is not None
    ]
    if labelled_costs:
        cost = [sum(pair[side] for pair in labelled_costs if pair) for side in (0, 1)]
        table.add_row(f"cost, of {len(labelled_costs)} noted", f"{cost[0]:g}", f"{cost[1]:g}")
    console.print(table)
    costs = f"missed: {current_costs.missed:g}, needless: {current_costs.needless:g}"
    if (other_costs.missed, other_costs.needless) != (current_costs.missed, current_costs.needless):
        others = f"missed: {other_costs.missed:g}, needless: {other_costs.needless:g}"
        costs += f"; the other policy says {others}"
    console.print(f"Costs as this pack has them ({costs}).", style="dim")
    if len(labelled_costs) < len(comparisons):
        label_hint = (
            "`hearken recordings label RECORDING needed_person=yes` (or no) says what was right"
        )
        console.print(
            f"{len(comparisons) - len(labelled_costs)} not noted: {label_hint}.",
            style="dim",
            markup=False,
        )


def _before_and_after(comparisons: Sequence[PolicyComparison]) -> tuple[list[Any], list[Any]]:
    return [one.before for one in comparisons], [one.after for one in comparisons]


def results_as_json(results: Sequence[ReplayResult]) -> dict[str, Any]:
    """All results and decisions as JSON; `hearken replay --against` reads this of another build."""
    return {
        "passed": all(one.has_passed for one in results),
        "recordings": [
            {
                "name": one.name,
                "session": one.session,
                "mode": one.mode,
                "verdict": one.verdict,
                "seconds": round(one.duration_s, 3),
                "took_s": round(one.replay_s, 3),
                "told": one.report_lines(),
                "changes": [change_as_json(change) for change in one.changes],
                "missing": list(one.run.missing_answers),
                "answers_as_recorded": one.run.recorded_fallbacks,
                "escalations": [
                    {"rule": call.rule, "turn": call.turn, "at": call.at}
                    for call in escalation_points(one.run.decisions)
                ],
                "decisions": [{"at": at} | decision for at, decision in one.run.decisions],
            }
            for one in results
        ],
    }


def change_as_json(change: DecisionChange) -> dict[str, Any]:
    """One changed decision as JSON fields."""
    return {
        "what": change.change_type,
        "kind": change.kind,
        "turn": change.turn,
        "at": change.at,
        "fields": {name: list(pair) for name, pair in change.fields.items()},
        "before": change.before,
        "after": change.after,
        "words": str(change),
    }


def write_junit(results: Sequence[ReplayResult], file: Path) -> None:
    """Write a JUnit file with one test case for each recording."""
    suite = TestSuite("hearken replay")
    for one in results:
        case = TestCase(one.name, f"replay.{one.mode}", one.replay_s)
        if not one.has_passed:
            result_class = Error if one.verdict == "error" else Failure
            report_lines = one.report_lines()
            result = result_class(report_lines[0] if report_lines else one.verdict, one.verdict)
            result.text = "\n".join([*report_lines, *map(str, one.changes)])
            case.result = [result]
        suite.add_testcase(case)
    document = JUnitXml()
    document.add_testsuite(suite)
    file.parent.mkdir(parents=True, exist_ok=True)
    document.write(str(file), pretty=True)
