"""`hearken test` as its user meets it: what it plays, what it says, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from junitparser import JUnitXml
from typer.testing import CliRunner

from agent.cli.main import USER_ERRORS, app
from tests.support.parcels import train_parcel_weights, write_parcel_pack

TALKS = """
defaults: {tags: [short]}
conversations:
  - name: it greets
    tags: [greeting]
    turns: [{customer: hello, expect: {intent: greeting}}]
  - name: it says goodbye
    tags: [closing]
    turns: [{customer: hello, expect: {intent: goodbye}}]
"""


@pytest.fixture
def talks(tmp_path):
    file = tmp_path / "talks.yaml"
    file.write_text(TALKS)
    return file


def run(*arguments):
    done = CliRunner().invoke(app, ["test", *map(str, arguments)], catch_exceptions=False)
    return done.exit_code, done.stdout


@pytest.mark.model
def test_what_fails_is_named_everywhere(talks, tmp_path):
    junit, out = tmp_path / "junit.xml", tmp_path / "out.json"
    code, told = run(talks, "--junit", junit, "--json", out)
    assert code == 1
    assert "it greets" not in told
    assert f"FAIL {talks}:7 it says goodbye" in told
    assert "intent: expected goodbye, came greeting" in told
    assert "1 of 2 conversations passed, 2 turns" in told
    (suite,) = JUnitXml.fromfile(str(junit))
    assert (suite.tests, suite.failures) == (2, 1)
    assert [one["passed"] for one in json.loads(out.read_text())["conversations"]] == [True, False]


@pytest.mark.model
@pytest.mark.parametrize("choice", [("--tag", "greeting"), ("-k", "GREETS")])
def test_some_can_be_chosen(talks, choice):
    code, told = run(talks, "--verbose", *choice)
    assert code == 0
    assert f"pass {talks}:4 it greets" in told
    assert "1 of 1 conversations passed" in told


@pytest.mark.model
def test_standard_output_can_be_json_alone(talks):
    code, told = run(talks, "-k", "greets", "--json", "-")
    assert code == 0
    assert json.loads(told)["passed"] is True


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (("intent: greeting", "intent: greting"), (), 'talks.yaml:6: no intent "greting"; did you'),
        (("turns", "turn"), (), 'talks.yaml:6: unknown key "turn"; did you mean "turns"?'),
        (("", ""), ("--tag", "greetin"), 'no tag "greetin"; did you mean "greeting"?'),
        (("", ""), ("-k", "zebra"), '"zebra"'),
        (("", ""), ("nowhere.yaml",), "nowhere.yaml: neither"),
    ],
)
def test_a_mistake_is_told_before_anything_is_played(talks, change, arguments, message):
    talks.write_text(talks.read_text().replace(*change, 1))
    with pytest.raises(USER_ERRORS) as mistake:
        run(talks, *arguments)
    assert message in str(mistake.value)


def test_a_mistake_of_the_user_is_exit_code_2_and_one_line(tmp_path):
    (tmp_path / "talks.yaml").write_text("conversations: [{name: a, turns: [customr: hello]}]")
    command = [
        sys.executable,
        "-c",
        "import server; server.main()",
        "test",
        str(tmp_path / "talks.yaml"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"hearken: {tmp_path}/talks.yaml:1: ")


@pytest.mark.model
def test_a_pack_of_another_trade_declares_what_its_back_end_answers(tmp_path):
    pack = write_parcel_pack(tmp_path)
    settings = tmp_path / "parcels.toml"
    settings.write_text(f'weights = "{train_parcel_weights(pack, tmp_path)}"\n')
    code, told = run(pack, "--config", settings)
    assert code == 0, told
    assert "4 of 4 conversations passed" in told
    (pack / "tests" / "more.yaml").write_text(
        "conversations: [{name: a, turns: [customer: track parcel 301582]}]"
    )
    code, told = run(pack / "tests" / "more.yaml", "--config", settings)
    assert code == 1
    assert "cannot be played: the back end was asked to find_parcel: declare its answer" in told
