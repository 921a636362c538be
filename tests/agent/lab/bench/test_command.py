"""`hearken bench streams`: what cannot be measured is told in a sentence."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from agent.cli.main import app
from agent.lab.bench import BenchError
from agent.lab.bench.levels import level_from_outcome
from agent.lab.bench.machine import this_machine
from agent.lab.bench.server_process import running_server
from agent.lab.bench.streams_report import StreamsReport, StreamsSettings
from tests.agent.lab.bench.test_levels import FINE


def refused(*arguments):
    done = CliRunner().invoke(app, ["bench", "streams", *map(str, arguments)])
    assert isinstance(done.exception, BenchError)
    return str(done.exception)


@pytest.mark.parametrize("option", ["--churn", "--minutes"])
def test_a_search_has_no_fixed_number_of_callers(option):
    assert "give --callers" in refused(option, 3)


def test_churn_and_soak_are_two_measurements():
    assert "either" in refused("--callers", 3, "--churn", 1, "--minutes", 1)


def test_there_must_be_something_to_say(tmp_path):
    assert "no recording in" in refused("--recordings", tmp_path)


def test_a_server_that_is_not_there_is_told():
    url = "ws://127.0.0.1:1/v1/session"
    assert f"nobody answers at {url}" in refused("--url", url, "--turn-s", 1)


def test_a_server_that_does_not_start_says_why(tmp_path):
    with (
        pytest.raises(BenchError, match="unknown setting 'ear'"),
        running_server(tmp_path, ear="x"),
    ):
        pass


def test_everything_found_goes_into_the_file(tmp_path):
    level = level_from_outcome(8, FINE, None, 250.0)
    written = StreamsReport(StreamsSettings(tmp_path), levels=[level], streams=8).as_json()
    assert written["levels"][0]["held"]
    assert written["machine"]["cores"] == this_machine().cores
    assert written["setting"]["recordings"] == str(tmp_path)
