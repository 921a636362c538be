"""A real load from its own process on a real server. Nothing depends on how fast either is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agent.lab.bench.caller_voices import load_caller_voices, resampler_lookahead
from agent.lab.bench.levels import level_from_outcome
from agent.lab.bench.load_plan import LoadPlan
from agent.lab.bench.load_process import run_load
from tests.agent.lab.bench.loads import plan
from tests.support.serving import serving

pytestmark = pytest.mark.socket


def test_the_process_that_makes_the_load_carries_no_models():
    code = "import sys, agent.lab.bench.load; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert not {"torch", "numpy", "onnxruntime"} & set(loaded.split())


@pytest.mark.model
def test_two_callers_are_heard_and_understood(tmp_path):
    moments = []
    with serving(tmp_path) as house:
        load = LoadPlan(
            url=house.url,
            voices=load_caller_voices(Path("tests/recordings"), turn_s=0.8, packet_ms=20, seed=0),
            callers=2,
            seconds=3.5,  # one turn of at most 1.2 s and its silence, and not a second one
            ramp_s=0.1,
            packet_ms=20,
            talk=1.0,
            ahead=resampler_lookahead(),
            first_counts=True,
        )
        outcome = run_load(load, lambda moment, at: moments.append(moment))
    assert outcome.spoken == outcome.answered == 2
    assert len(outcome.answers) >= 2
    assert outcome.partials
    assert (outcome.refused, outcome.closed) == ({}, {})
    assert outcome.calls == 2
    assert outcome.packets
    assert [moment for moment in moments if moment != "tick"] == ["steady", "counted"]


def test_callers_whom_nobody_answers_are_refused():
    outcome = run_load(plan(callers=3, seconds=0.1, ramp_s=0.1), lambda moment, at: None)
    assert outcome.refused == {"unreachable": 3}
    assert not level_from_outcome(3, outcome, None, 250.0).is_sustained


@pytest.mark.model
def test_callers_whom_the_server_sends_away_are_refused(tmp_path):
    with serving(tmp_path, max_sessions=1) as house:
        load = plan(url=house.url, callers=3, seconds=0.1, ramp_s=0.1)
        outcome = run_load(load, lambda moment, at: None)
    assert sum(outcome.refused.values()) == 2
    assert all(why.startswith("503") for why in outcome.refused)


@pytest.mark.model
def test_callers_without_the_token_are_closed(tmp_path):
    with serving(tmp_path, token="secret") as house:
        load = plan(url=house.url, callers=1, seconds=0.3, ramp_s=0.1)
        outcome = run_load(load, lambda moment, at: None)
    assert list(outcome.closed) == ["1008 hello's token is not valid."]
