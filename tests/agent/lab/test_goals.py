"""A goal is met by its value, told in its own unit, and the same after it was in a file."""

import json
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from agent.lab.goals import HEADINGS, Goal, goals_markdown, goals_table
from agent.lab.statistics import BOOTSTRAP_DRAWS, Estimate

SHARE = Estimate(0.8123, 0.7, 0.9, "speakers", clusters=20, rows=90)
NOTHING = Estimate(*[float("nan")] * 3, "speakers", clusters=20, rows=90)


@pytest.mark.parametrize(
    ("goal", "wanted", "met"),
    [
        (Goal.at_least("a", 0.8, SHARE), ">= 80 %", True),
        (Goal.at_least("a", 0.915, SHARE), ">= 91.5 %", False),
        (Goal.at_least("a", 0.8, SHARE, unit=""), ">= 0.8", True),
        (Goal.at_most("a", 0.03, SHARE), "<= 3 %", False),
        (Goal.at_most("a", 5.0, 3.7, "ms"), "<= 5 ms", True),
        (Goal.at_most("a", 5.0, Estimate(7.5, 2.0, 7.5), "ms"), "<= 5 ms", False),
    ],
)
def test_a_goal_is_met_by_the_value(goal, wanted, met):
    assert (goal.goal, goal.met, goal.why) == (wanted, met, "")


def test_where_nothing_can_be_said_nothing_is_met_or_missed():
    few = Goal.at_least("a", 0.8, replace(SHARE, clusters=4))
    assert (few.met, few.why, few.got) == (None, "too few speakers", SHARE.value)
    unknown = Goal.at_least("a", 0.8, NOTHING)
    assert (unknown.met, unknown.got) == (None, None)
    assert unknown.why
    assert Goal.unmeasured("a", ">= 1", "nobody was there").met is None


def test_a_goal_is_told_in_its_own_unit_with_what_was_drawn():
    rows = goals_markdown(
        [
            Goal.at_least("a", 0.8, SHARE),
            Goal.at_most("b", 5.0, 7.5, "ms"),
            Goal.unmeasured("c", ">= 1", "nobody was there"),
            Goal.at_least("d", 0.8, replace(SHARE, clusters=4)),
        ]
    ).splitlines()
    assert f"{BOOTSTRAP_DRAWS:,}" in rows[0]
    assert rows[2:] == [
        "| a | >= 80 % | 81.2 | 70 to 90 (speakers) | met |",
        "| b | <= 5 ms | 7.5 | | missed |",
        "| c | >= 1 | not measured | | nobody was there |",
        "| d | >= 80 % | 81.2 | 70 to 90 (speakers) | open: too few speakers |",
    ]


@pytest.mark.parametrize("found", [SHARE, NOTHING, 0.25])
def test_a_goal_is_the_same_after_it_was_in_a_file(found):
    goal = Goal.at_least("a", 0.8, found, floor=0.7)
    assert Goal.from_json(json.loads(json.dumps(goal.as_json(), allow_nan=False))) == goal


def test_a_file_may_say_less_but_not_leave_out_what_was_aimed_at():
    assert Goal.from_json({"what": "a", "goal": ">= 1", "got": 2}).cells()[2] == "2"
    with pytest.raises(KeyError, match="got"):
        Goal.from_json({"what": "a", "goal": ">= 1"})


def test_a_terminal_shows_the_same_cells_and_what_a_plain_method_reaches():
    shown = shown_in_terminal(Goal.at_least("[a]", 0.8, SHARE, floor=0.77))
    for words in ("[a]", "70 to 90 (speakers)", "0.77", "plain method", HEADINGS[3]):
        assert words in shown
    assert "plain method" not in shown_in_terminal(Goal.at_least("a", 0.8, SHARE))


def shown_in_terminal(*goals):
    console = Console(width=300, file=StringIO())
    console.print(goals_table(goals))
    return console.file.getvalue()
