"""`hearken evaluate goals FILE...`: one table of the goals in the files of several evaluations.

It can go between two marks of a Markdown file, such as docs/evaluation.md. Held by
tests/agent/lab/evaluation/test_goals_command.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agent.lab.evaluation import EvaluationError
from agent.lab.goals import Goal, goals_markdown

BEGIN_MARK, END_MARK = "<!-- goals: written by `hearken evaluate goals` -->", "<!-- /goals -->"


def show_goals(
    files: Annotated[list[Path], typer.Argument(help="Files of `hearken evaluate ... --json`.")],
    into: Annotated[
        Path | None, typer.Option(help="Write the table between its marks in this Markdown file.")
    ] = None,
) -> None:
    """Print one Markdown table of all goals."""
    goals = [goal for file in files for goal in _read_goals(file)]
    if into is None:
        Console().print(goals_markdown(goals), soft_wrap=True, highlight=False, markup=False)
        return
    text = into.read_text(encoding="utf-8")
    if text.count(BEGIN_MARK) != 1 or text.count(END_MARK) != 1:
        raise EvaluationError(
            f"{into} needs the two lines {BEGIN_MARK!r} and {END_MARK!r}, once each"
        )
    before, rest = text.split(BEGIN_MARK)
    _, after = rest.split(END_MARK)
    into.write_text(
        f"{before}{BEGIN_MARK}\n{goals_markdown(goals)}\n{END_MARK}{after}", encoding="utf-8"
    )


def _read_goals(file: Path) -> list[Goal]:
    try:
        goals = json.loads(file.read_text(encoding="utf-8"))["goals"]
        return [Goal.from_json(goal) for goal in goals]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise EvaluationError(
            f"{file} holds no goals ({problem}); write it with `hearken evaluate ... --json {file}`"
        ) from problem
