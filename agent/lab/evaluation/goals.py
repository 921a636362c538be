"""What was aimed for, what came out, and how does the README get its table of both?

Every `hearken evaluate ... --json FILE` begins with a list "goals" of this shape; `hearken evaluate
goals FILE...` makes one table of them, and can put it between two marks of a Markdown file.
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

BEGIN, END = "<!-- goals: written by `hearken evaluate goals` -->", "<!-- /goals -->"
HEADER = ("| what | goal | measured | 95 % interval | |", "|---|---|---|---|---|")


@dataclass(frozen=True, slots=True)
class Goal:
    """`got` lies between `low` and `high` with 95 %; None where it could not be measured, and
    `why` says why not. `goal` is as a person writes it: ">= 91.5 %"."""

    what: str
    goal: str
    got: float | None
    low: float | None = None
    high: float | None = None
    met: bool | None = None
    why: str = ""


def table(goals: Sequence[dict[str, Any]]) -> str:
    """Rows of Markdown; shares as per cent where the goal says so."""
    return "\n".join([*HEADER, *(_row(goal) for goal in goals)])


def _row(goal: dict[str, Any]) -> str:
    said = str(goal["goal"])
    what, why = goal["what"], goal.get("why") or ""
    if goal["got"] is None:
        return f"| {what} | {said} | not measured | | {why} |"
    by = 100.0 if said.rstrip().endswith("%") else 1.0
    got, low, high = (
        None if x is None else by * x for x in (goal["got"], goal["low"], goal["high"])
    )
    interval = "" if low is None or high is None else f"{low:.3g} to {high:.3g}"
    verdict = {True: "met", False: "missed", None: ""}[goal["met"]]
    return f"| {what} | {said} | {got:.3g} | {interval} | {verdict}{': ' + why if why else ''} |"


def show_goals(
    files: Annotated[list[Path], typer.Argument(help="What `hearken evaluate ... --json` wrote.")],
    into: Annotated[
        Path | None, typer.Option(help="Put the table between its marks in this Markdown file.")
    ] = None,
) -> None:
    """One table of all goals, as Markdown."""
    goals = [goal for file in files for goal in _read(file)]
    if into is None:
        Console().print(table(goals), soft_wrap=True, highlight=False, markup=False)
        return
    text = into.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise EvaluationError(f"{into} needs the two lines {BEGIN!r} and {END!r}, once each")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    into.write_text(f"{before}{BEGIN}\n{table(goals)}\n{END}{after}", encoding="utf-8")


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        goals = json.loads(file.read_text(encoding="utf-8"))["goals"]
        return [dict(goal) for goal in goals]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise EvaluationError(
            f"{file} holds no goals ({problem}); write it with `hearken evaluate ... --json {file}`"
        ) from problem
