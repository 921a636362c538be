"""Figures of reports and model cards: which metric of what, and its estimate.

Held by tests/agent/lab/test_figures.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from rich.table import Table

from agent.lab.json_output import json_value
from agent.lab.statistics import Estimate, Statistic, interval_note, row_bootstrap

FIGURE_HEADINGS = ("measured on", "measure", "value", "95 % interval", "drawn", "rows")


@dataclass(frozen=True, slots=True)
class Figure:
    """The estimate of a measure on the rows that `name` names."""

    name: str
    measure: str
    estimate: Estimate

    @property
    def value(self) -> float:
        return self.estimate.value

    def cells(self) -> tuple[str, ...]:
        """The figure under `FIGURE_HEADINGS`. Where nothing was drawn, the interval is a range."""
        found = self.estimate
        has_bounds = found.drawn is not None or found.low < found.high
        interval = f"{found.low:.3f} to {found.high:.3f}" if has_bounds else ""
        drawn = found.drawn or ""
        return self.name, self.measure, f"{found.value:.3f}", interval, drawn, str(found.rows)

    def as_json(self) -> dict[str, Any]:
        names = {"name": self.name, "measure": self.measure}
        return {**names, **json_value(self.estimate.bounds), "rows": self.estimate.rows}


def row_figure(
    name: str, measure: str, metric: Callable[..., Statistic], *columns: ArrayLike
) -> Figure:
    """`metric` of the columns (rows,), where each row stands for itself."""
    return Figure(name, measure, row_bootstrap(metric(*columns), len(np.asarray(columns[0]))))


def range_figure(
    name: str, measure: str, value: float, low: float, high: float, rows: int
) -> Figure:
    """A figure whose `low` and `high` are not of a bootstrap, but what its name says."""
    return Figure(name, measure, Estimate(value, low, high, rows=rows))


def figures_table(figures: Sequence[Figure], title: str = "") -> Table:
    """The figures for a terminal."""
    table = Table(
        *FIGURE_HEADINGS, title=title or None, caption=interval_note(), caption_justify="left"
    )
    for figure in figures:
        table.add_row(*figure.cells())
    return table


def figures_markdown(figures: Sequence[Figure]) -> str:
    """The figures as a table of Markdown; `interval_note()` belongs beside it."""
    rows = [FIGURE_HEADINGS, ("---",) * len(FIGURE_HEADINGS), *(one.cells() for one in figures)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def percent_text(estimate: Estimate) -> str:
    """As in "81.2 % (70.1 to 90.3)"; without an interval where that says nothing."""
    if not estimate.is_known:
        return "-"
    value = f"{100 * estimate.value:.1f} %"
    if estimate.has_few_clusters:
        return f"{value} (too few {estimate.drawn} to say)"
    return f"{value} ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"
