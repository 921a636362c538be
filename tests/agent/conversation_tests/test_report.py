"""What people, programs and continuous integration are told of the results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from junitparser import JUnitXml
from rich.console import Console

from agent.conversation_tests.case import StepExpectation
from agent.conversation_tests.expectations import mismatches
from agent.conversation_tests.loader import load_cases
from agent.conversation_tests.outcome import StepOutcome, TurnReading
from agent.conversation_tests.report import (
    failure_lines,
    print_result,
    print_summary,
    results_as_json,
    write_junit,
)
from agent.conversation_tests.run import CaseResult, StepFailure
from dialogs.values import Reply, Understanding
from tests.support.packs import bank_pack

FILE = """
conversations:
  - {name: good, tags: [cards, night], turns: [customer: hello]}
  - {name: "[bad]", tags: [cards], turns: [customer: hello, wait: 11m]}
"""


@pytest.fixture
def results(tmp_path, monkeypatch):
    """One that passed, and one that failed in a turn and as a whole."""
    monkeypatch.chdir(tmp_path)
    file = Path("talks.yaml")
    file.write_text(FILE)
    good, bad = load_cases(file, bank_pack(), ())
    reading = TurnReading(Understanding("hello", "greeting", 0.9), "open", None)
    outcome = StepOutcome(
        "", "open", {}, "bot", "", False, False,
        replies=(Reply("Hello [you].", step="talk.greeting"),), readings=(reading,),
    )  # fmt: skip
    wanted = StepExpectation(flow="pay_bill")
    found = tuple(mismatches(wanted, outcome))
    whole = StepFailure(9, None, tuple(mismatches(StepExpectation(has_ended=True), outcome)),
                        replace(outcome, readings=()))  # fmt: skip
    failed = StepFailure(4, bad.steps[0], found, outcome)
    return [CaseResult(good, (), 0.25), CaseResult(bad, (failed, whole), 0.5)]


LINES = [
    "line 4  customer: hello",
    "  flow: expected pay_bill, came none",
    "  said: [talk.greeting] Hello [you].",
    "  because: asked open; act none; intent greeting 0.90; slots none",
    "line 9  the whole conversation",
    "  ended: expected yes, came no",
]


def printed(write) -> list[str]:
    console = Console(width=60, force_terminal=False, record=True)
    with console.capture() as capture:
        write(console)
    return capture.get().splitlines()


def test_a_failure_is_named_to_the_line(results):
    good, bad = results
    assert printed(lambda console: print_result(good, console)) == ["pass talks.yaml:3 good"]
    told = printed(lambda console: print_result(bad, console))
    assert told == ["FAIL talks.yaml:4 [bad]", *(f"    {line}" for line in LINES)]
    assert failure_lines(bad) == LINES


def test_the_summary_counts_by_tag(results):
    told = printed(lambda console: print_summary(results, 2.0, console))
    rows = [line.split() for line in told]
    assert rows[1:3] == [["cards", "2", "1", "1"], ["night", "1", "1"]]
    assert told[-1].startswith("1 of 2 conversations passed, 3 turns; 0.8 s, and 1.2 s to load")


def test_json_has_everything(results):
    found = results_as_json(results, 2.0)
    assert found["passed"] is False
    good, bad = found["conversations"]
    assert (good["name"], good["passed"], good["tags"]) == ("good", True, ["cards", "night"])
    assert bad["failures"][0] == {
        "line": 4,
        "turn": "customer: hello",
        "mismatches": [{"name": "flow", "expected": "pay_bill", "came": "none"}],
        "because": ["asked open; act none; intent greeting 0.90; slots none"],
        "said": ["[talk.greeting] Hello [you]."],
    }


def test_junit_has_a_suite_for_each_file(results, tmp_path):
    write_junit(results, tmp_path / "out" / "junit.xml")
    (suite,) = JUnitXml.fromfile(str(tmp_path / "out" / "junit.xml"))
    assert (suite.name, suite.tests, suite.failures) == ("talks.yaml", 2, 1)
    good, bad = suite
    assert not good.result
    assert bad.result[0].message == "line 4: flow: expected pay_bill, came none"
    assert bad.result[0].text == "\n".join(LINES)
