"""Goals with their measured values, and the Markdown table of them.

The JSON of `hearken evaluate ... --json FILE` begins with a list "goals" of this shape; `hearken
evaluate goals FILE...` makes one table of several lists, and can write it between two marks of a
Markdown file. Held by tests/agent/lab/evaluation/test_goals.py.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from agent.lab.evaluation import EvaluationError

BEGIN_MARK, END_MARK = "<!-- goals: written by `hearken evaluate goals` -->", "<!-- /goals -->"
TABLE_HEADER = ("| what | goal | measured | 95 % interval | |", "|---|---|---|---|---|")


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal, the measured value `got`, and its 95 % interval `low` to `high`.

    `got` is None where it was not measured; `why` says why. `goal` is text, such as ">= 91.5 %".
    """

    what: str
    goal: str
    got: float | None
    low: float | None = None
    high: float | None = None
    met: bool | None = None
    why: str = ""


def goals_table(goals: Sequence[dict[str, Any]]) -> str:
    """The Markdown table; values are in per cent where the text of the goal is."""
    return "\n".join([*TABLE_HEADER, *(_goal_row(goal) for goal in goals)])


def _goal_row(goal: dict[str, Any]) -> str:
    wanted = str(goal["goal"])
    what, why = goal["what"], goal.get("why") or ""
    if goal["got"] is None:
        return f"| {what} | {wanted} | not measured | | {why} |"
    by = 100.0 if wanted.rstrip().endswith("%") else 1.0
    got, low, high = (
        None if x is None else by * x for x in (goal["got"], goal["low"], goal["high"])
    )
    interval = "" if low is None or high is None else f"{low:.3g} to {high:.3g}"
    verdict = {True: "met", False: "missed", None: ""}[goal["met"]]
    return f"| {what} | {wanted} | {got:.3g} | {interval} | {verdict}{': ' + why if why else ''} |"


def show_goals(
    files: Annotated[list[Path], typer.Argument(help="Files of `hearken evaluate ... --json`.")],
    into: Annotated[
        Path | None, typer.Option(help="Write the table between its marks in this Markdown file.")
    ] = None,
) -> None:
    """Print one Markdown table of all goals."""
    goals = [goal for file in files for goal in _read_goals(file)]
    if into is None:
        Console().print(goals_table(goals), soft_wrap=True, highlight=False, markup=False)
        return
    text = into.read_text(encoding="utf-8")
    if text.count(BEGIN_MARK) != 1 or text.count(END_MARK) != 1:
        raise EvaluationError(
            f"{into} needs the two lines {BEGIN_MARK!r} and {END_MARK!r}, once each"
        )
    before, rest = text.split(BEGIN_MARK)
    _, after = rest.split(END_MARK)
    into.write_text(
        f"{before}{BEGIN_MARK}\n{goals_table(goals)}\n{END_MARK}{after}", encoding="utf-8"
    )


def _read_goals(file: Path) -> list[dict[str, Any]]:
    try:
        goals = json.loads(file.read_text(encoding="utf-8"))["goals"]
        return [dict(goal) for goal in goals]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise EvaluationError(
            f"{file} holds no goals ({problem}); write it with `hearken evaluate ... --json {file}`"
        ) from problem
