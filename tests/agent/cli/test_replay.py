"""`hearken replay` and `hearken recordings` as their user meets them; recordings as tests."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from junitparser import JUnitXml
from typer.testing import CliRunner

from agent.cli.main import app
from agent.recordings.bundle import load_recording
from agent.recordings.recording import RecordingError
from tests.agent.conftest import SESSIONS, changed

ROOT = Path(__file__).parents[3]


@pytest.fixture
def shelf(tmp_path):
    """Two recordings of one's own."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in ("transfer", "handed-over"):
        shutil.copy(SESSIONS / f"{name}.zip", folder)
    return folder


def run(*arguments):
    done = CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False)
    return done.exit_code, done.stdout


def settings(folder, pack):
    file = folder / "other.toml"
    file.write_text(f'pack = "{pack}"\n')
    return file


def test_all_as_recorded_is_exit_code_0(shelf):
    code, told = run("replay", shelf)
    assert code == 0
    assert "2 of 2 as recorded" in told


def test_a_difference_is_exit_code_1_and_named_everywhere(shelf, own_pack, tmp_path):
    changed(own_pack / "replies.yaml", "And your four-digit", "Now your four-digit")
    junit, out = tmp_path / "out" / "junit.xml", tmp_path / "out.json"
    code, told = run("replay", shelf, "--config", settings(tmp_path, own_pack), "--junit", junit,
                     "--json", out)  # fmt: skip
    assert code == 1
    assert "first: turn 3" in told
    assert "since: the pack has been changed" in told
    (suite,) = JUnitXml.fromfile(str(junit))
    assert (suite.tests, suite.failures, suite.errors) == (2, 2, 0)
    found = json.loads(out.read_text())
    assert not found["passed"]
    assert {one["verdict"] for one in found["recordings"]} == {"different"}
    assert found["recordings"][1]["changes"][0]["kind"] == "reply"


def test_what_is_decided_now_may_be_kept(shelf, own_pack, tmp_path):
    changed(own_pack / "replies.yaml", "And your four-digit", "Now your four-digit")
    other = settings(tmp_path, own_pack)
    assert run("replay", shelf, "--config", other, "--update")[0] == 0
    assert run("replay", shelf, "--config", other)[0] == 0
    assert run("replay", shelf)[0] == 1


def test_another_pack_is_compared_with_this_one(shelf, own_pack):
    changed(own_pack / "replies.yaml", "And your four-digit", "Now your four-digit")
    code, told = run("replay", shelf, "--against", own_pack)
    assert code == 1
    assert "replies.yaml is another one" in told
    assert "decides otherwise in 2 of 2" in told


def test_another_build_is_compared_with_this_one(shelf):
    code, told = run("replay", shelf, "--against", ROOT)
    assert code == 0
    assert "decides otherwise in 0 of 2" in told


def test_what_cannot_replay_is_told(shelf, tmp_path):
    with pytest.raises(RecordingError, match="neither a settings file"):
        run("replay", shelf, "--against", tmp_path)


def test_what_if_another_policy_had_been_there(shelf, own_pack):
    policy = own_pack / "escalation.yaml"
    changed(policy, "      complaint: 0.4 ", "      complaint: 0.0 ")
    changed(policy, "      upset: 1.8 ", "      upset: 0.0 ")
    changed(policy, "      going_wrong: 0.9 ", "      going_wrong: 0.0 ")
    code, told = run("replay", shelf, "--policy", policy)
    assert code == 0
    assert "lost: upset over turns, turn 4 at 0:03.1" in told
    assert "gained: explicit request" in told  # now they have to ask for a person
    assert "cost, of 2 noted" in told


def test_a_policy_that_is_broken_is_named_as_given(shelf, tmp_path):
    policy = tmp_path / "mine.yaml"
    policy.write_text("rules: []\n")
    with pytest.raises(RecordingError, match=r"mine\.yaml"):
        run("replay", shelf, "--policy", policy)


def test_a_label_is_noted_and_taken_away(shelf):
    one = shelf / "transfer.zip"
    run("recordings", "label", one, "needed_person=yes", "seen_by=Dana")
    assert dict(load_recording(one).labels) == {"needed_person": "yes", "seen_by": "Dana"}
    run("recordings", "label", one, "seen_by=")
    assert dict(load_recording(one).labels) == {"needed_person": "yes"}
    with pytest.raises(RecordingError, match="yes or no"):
        run("recordings", "label", one, "needed_person=perhaps")


@pytest.mark.parametrize(
    ("command", "beginning"), [("captions", "WEBVTT"), ("vcon", "{"), ("wav", "RIFF")]
)
def test_a_recording_is_passed_on(command, beginning, tmp_path):
    out = tmp_path / "out"
    assert run("recordings", command, SESSIONS / "spoken.zip", out)[0] == 0
    assert out.read_bytes().startswith(beginning.encode())


def test_a_folder_of_recordings_is_a_test_suite(shelf, own_pack, tmp_path):
    def tests(*more):
        command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", str(shelf), *more]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)

    ran = tests()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 passed" in ran.stdout
    changed(own_pack / "replies.yaml", "And your four-digit", "Now your four-digit")
    ran = tests("--replay-config", str(settings(tmp_path, own_pack)))
    assert ran.returncode == 1
    assert "transfer.zip: different" in ran.stdout
    assert "first: turn 3" in ran.stdout
