"""Reports of conversation tests: lines for people, JSON for programs, JUnit for integration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from junitparser import Failure, JUnitXml, TestCase, TestSuite
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.conversation_tests.run import CaseResult, StepFailure

INDENT = "    "


def print_result(result: CaseResult, console: Console) -> None:
    """Print the line of one conversation, and its failures."""
    case = result.case
    verdict = Text("pass", "green") if result.has_passed else Text("FAIL", "bold red")
    line = Text.assemble(verdict, f" {shown_path(case.file)}:{case.line} ", (case.name, "bold"))
    console.print(line, soft_wrap=True)
    for one in failure_lines(result):
        console.print(INDENT + one, markup=False, highlight=False, soft_wrap=True)


def shown_path(file: Path) -> str:
    """The path as one would type it here."""
    here = Path.cwd()
    return str(file.resolve().relative_to(here) if file.resolve().is_relative_to(here) else file)


def failure_lines(result: CaseResult) -> list[str]:
    """For each failing turn: what was expected, what came, and why."""
    return [line for failure in result.failures for line in _step_lines(failure)]


def _step_lines(failure: StepFailure) -> list[str]:
    title = failure.step.title if failure.step else "the whole conversation"
    lines = [f"line {failure.line}  {title}", *(f"  {one}" for one in failure.mismatches)]
    if failure.step is not None:
        lines += [f"  said: {reply}" for reply in failure.outcome.reply_lines]
        lines += [f"  because: {reading}" for reading in failure.outcome.readings]
    return lines


def print_summary(results: Sequence[CaseResult], seconds: float, console: Console) -> None:
    """Print how many conversations passed, by tag and altogether, and the time taken."""
    tags = Counter(tag for one in results for tag in one.case.tags)
    passed = Counter(tag for one in results if one.has_passed for tag in one.case.tags)
    if tags:
        table = Table("tag", "conversations", "passed", "failed", box=None)
        for tag, count in sorted(tags.items()):
            failed = count - passed[tag]
            style = "red" if failed else ""
            table.add_row(tag, str(count), str(passed[tag]), str(failed or ""), style=style)
        console.print(table)
    console.print(Text(summary_line(results, seconds), style="bold"), soft_wrap=True)


def summary_line(results: Sequence[CaseResult], seconds: float) -> str:
    """The last line of the report."""
    turns = sum(len(one.case.steps) for one in results)
    passed = sum(one.has_passed for one in results)
    played = sum(one.seconds for one in results)
    return (
        f"{passed} of {len(results)} conversations passed, {turns} turns; "
        f"{played:.1f} s, and {max(0.0, seconds - played):.1f} s to load"
    )


def results_as_json(results: Sequence[CaseResult], seconds: float) -> dict[str, Any]:
    """The results as JSON values."""
    return {
        "passed": all(one.has_passed for one in results),
        "seconds": round(seconds, 3),
        "conversations": [
            {
                "file": str(one.case.file),
                "line": one.case.line,
                "name": one.case.name,
                "tags": list(one.case.tags),
                "turns": len(one.case.steps),
                "passed": one.has_passed,
                "seconds": round(one.seconds, 3),
                "failures": [_failure_as_json(failure) for failure in one.failures],
            }
            for one in results
        ],
    }


def _failure_as_json(failure: StepFailure) -> dict[str, Any]:
    return {
        "line": failure.line,
        "turn": failure.step.title if failure.step else "",
        "mismatches": [
            {"name": one.name, "expected": one.expected, "came": one.came}
            for one in failure.mismatches
        ],
        "because": [str(one) for one in failure.outcome.readings],
        "said": failure.outcome.reply_lines,
    }


def write_junit(results: Sequence[CaseResult], path: Path) -> None:
    """Write a JUnit file: a suite for each file of conversations."""
    report = JUnitXml()
    for file, group in groupby(results, key=lambda one: one.case.file):
        suite = TestSuite(file.name)
        for one in group:
            case = TestCase(one.case.name, str(file), round(one.seconds, 3))
            if not one.has_passed:
                mismatch = one.failures[0].mismatches[0]
                failure = Failure(f"line {one.failures[0].line}: {mismatch}")
                failure.text = "\n".join(failure_lines(one))
                case.result = [failure]
            suite.add_testcase(case)
        report.add_testsuite(suite)
    path.parent.mkdir(parents=True, exist_ok=True)
    report.write(str(path), pretty=True)
