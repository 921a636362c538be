"""Figures say what was drawn for their interval, and how many rows they have."""

import numpy as np
import pytest

from agent.lab.figures import (
    FIGURE_HEADINGS,
    Figure,
    figures_markdown,
    percent_text,
    range_figure,
    row_figure,
)
from agent.lab.metrics import accuracy, auroc
from agent.lab.statistics import Estimate


def test_a_figure_of_rows():
    random = np.random.default_rng(0)
    labels = random.random(80) < 0.4
    figure = row_figure("x", "AUROC", auroc, labels, labels + random.normal(size=80))
    assert figure.estimate.low <= figure.value <= figure.estimate.high
    assert figure.as_json() == {
        "name": "x",
        "measure": "AUROC",
        "value": pytest.approx(figure.value, abs=1e-5),
        "low": pytest.approx(figure.estimate.low, abs=1e-5),
        "high": pytest.approx(figure.estimate.high, abs=1e-5),
        "rows": 80,
    }
    assert np.isnan(row_figure("x", "accuracy", accuracy, [], []).value)


def test_a_table_says_what_was_drawn_and_a_range_that_nothing_was():
    found = Figure("calls", "UA", Estimate(0.5, 0.25, 0.75, "speakers", 12, 40))
    lines = figures_markdown(
        [
            found,
            range_figure("turn", "ms", 1.0, 0.5, 1.0, 7),
            range_figure("turn", "wrong", 0.1, 0.1, 0.1, 7),
        ]
    ).splitlines()
    assert lines[0] == f"| {' | '.join(FIGURE_HEADINGS)} |"
    assert lines[2:] == [
        "| calls | UA | 0.500 | 0.250 to 0.750 | speakers | 40 |",
        "| turn | ms | 1.000 | 0.500 to 1.000 |  | 7 |",
        "| turn | wrong | 0.100 |  |  | 7 |",
    ]


def test_too_few_speakers_have_no_interval_in_per_cent():
    assert percent_text(Estimate(0.5, 0.25, 0.75, "speakers", 5, 9)) == "50.0 % (25.0 to 75.0)"
    few = percent_text(Estimate(0.982, 0.982, 0.982, "speakers", 1, 500))
    assert few == "98.2 % (too few speakers to say)"
    assert percent_text(Estimate(*[float("nan")] * 3, "speakers")) == "-"
