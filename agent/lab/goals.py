"""What was aimed at and what came out: one shape, one table, one JSON object for every report.

`hearken evaluate ... --json FILE` writes a list "goals" of `Goal.as_json`; `hearken evaluate goals`
reads it with `Goal.from_json` and makes the table of docs/evaluation.md of it. Held by
tests/agent/lab/test_goals.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.markup import escape
from rich.table import Table

from agent.lab.json_output import json_value
from agent.lab.statistics import BOOTSTRAP_DRAWS, Estimate

INTERVAL_HEADING = f"95 % interval (what was drawn {BOOTSTRAP_DRAWS:,} times)"
HEADINGS = ("what", "goal", "measured", INTERVAL_HEADING, "")


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal, and whether it was met. The fields are the keys of the JSON object.

    `goal` is as a person writes it (">= 91.5 %"), `limit` its number in `unit`; `got`, between
    `low` and `high` with 95 %, is in that unit too, where per cent is a share. `got` is None where
    nothing was measured, `met` where nothing can be said; `why` says why not. `drawn` is what was
    drawn for the interval, `floor` what a plain method reaches.
    """

    what: str
    goal: str
    got: float | None
    low: float | None = None
    high: float | None = None
    met: bool | None = None
    why: str = ""
    floor: float | None = None
    drawn: str | None = None
    limit: float | None = None
    unit: str = ""

    @classmethod
    def with_verdict(cls, what: str, goal: str, got: Estimate | float, met: bool) -> Goal:
        """A goal that the value of `got` meets or misses, unless there are too few to say."""
        if isinstance(got, float):
            return cls(what, goal, got, met=bool(met))
        why = f"too few {got.drawn}" if got.has_few_clusters else ""
        if not got.is_known:
            return cls(what, goal, None, why=why or "not defined on these rows")
        verdict = None if why else bool(met)
        return cls(what, goal, got.value, got.low, got.high, verdict, why, drawn=got.drawn)

    @classmethod
    def at_least(
        cls,
        what: str,
        limit: float,
        got: Estimate | float,
        unit: str = "%",
        floor: float | None = None,
    ) -> Goal:
        goal = cls.with_verdict(what, f">= {limit_text(limit, unit)}", got, _value(got) >= limit)
        return replace(goal, limit=limit, unit=unit, floor=floor)

    @classmethod
    def at_most(cls, what: str, limit: float, got: Estimate | float, unit: str = "%") -> Goal:
        goal = cls.with_verdict(what, f"<= {limit_text(limit, unit)}", got, _value(got) <= limit)
        return replace(goal, limit=limit, unit=unit)

    @classmethod
    def unmeasured(cls, what: str, goal: str, why: str) -> Goal:
        return cls(what, goal, None, why=why)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Goal:
        """The goal of a report's file; keys that are missing have their default. KeyError."""
        known = {name: stored[name] for name in cls.__dataclass_fields__ if name in stored}
        return cls(**known | {name: stored[name] for name in ("what", "goal", "got")})

    def as_json(self) -> dict[str, Any]:
        """Without NaN, which JSON does not have, and without digits that mean nothing."""
        fields: dict[str, Any] = json_value(self)
        return fields

    def cells(self) -> tuple[str, str, str, str, str]:
        """The goal under `HEADINGS`; shares as per cent where the goal says so."""
        if self.got is None:
            return self.what, self.goal, "not measured", "", self.why
        by = 100.0 if self.goal.rstrip().endswith("%") else 1.0
        interval = ""
        if self.low is not None and self.high is not None:
            interval = f"{by * self.low:.3g} to {by * self.high:.3g}"
            interval += f" ({self.drawn})" if self.drawn else ""
        verdict = {True: "met", False: "missed", None: "open"}[self.met]
        return (
            self.what,
            self.goal,
            f"{by * self.got:.3g}",
            interval,
            verdict + (f": {self.why}" if self.why else ""),
        )


def limit_text(limit: float, unit: str) -> str:
    """ "91.5 %" of 0.915 and "%", "200 ms" of 200 and "ms", "0.8" of 0.8 and no unit."""
    return f"{limit * (100 if unit == '%' else 1):g} {unit}".rstrip()


def goals_markdown(goals: Iterable[Goal]) -> str:
    """A table of Markdown."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(goal.cells() for goal in goals)]
    return "\n".join(f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in lines)


def goals_table(goals: Sequence[Goal]) -> Table:
    """The same table for a terminal, with what a plain method reaches where that is known."""
    has_floor = any(goal.floor is not None for goal in goals)
    table = Table(title="Goals", title_justify="left", title_style="bold")
    for heading in (*HEADINGS, *(["plain method"] if has_floor else [])):
        table.add_column(heading, overflow="fold")
    for goal in goals:
        *cells, verdict = map(escape, goal.cells())
        colour = {True: "green", False: "red", None: "yellow"}[goal.met]
        floor = [] if not has_floor else ["" if goal.floor is None else f"{goal.floor:g}"]
        table.add_row(*cells, f"[{colour}]{verdict}[/]", *floor)
    return table


def _value(got: Estimate | float) -> float:
    return got if isinstance(got, float) else got.value
