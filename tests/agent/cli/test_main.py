"""The command line as its user meets it: against a real server, mistakes in one sentence."""

from __future__ import annotations

import re
import shutil
import sys

import pytest
from typer.testing import CliRunner

from agent.cli.main import app, main
from agent.cli.message_text import message_line
from tests.support.serving import in_hours, serving

OPERATOR = "tests/recordings/operator-operator.wav"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("state"), today=in_hours, agent_token="a") as running:
        yield running


def run(*arguments, said=""):
    done = CliRunner().invoke(app, arguments, input=said, catch_exceptions=False)
    return done.exit_code, done.output


@pytest.mark.model
@pytest.mark.socket
def test_chat_says_lines_and_shows_answers(house):
    code, output = run("chat", "--url", house.url, said="talk to a person\n")
    assert code == 0
    assert "talk_to_person" in output
    assert "hand-over queued" in output.replace("  ", " ") or "queued" in output


@pytest.mark.model
@pytest.mark.socket
def test_call_streams_a_recording_and_saves_the_answer(house, tmp_path):
    saved = tmp_path / "answer.wav"
    code, output = run("call", OPERATOR, "--url", house.url, "--save", str(saved))
    assert code == 0
    assert "operator" in output
    assert "talk_to_person" in output
    assert saved.stat().st_size > 10_000


@pytest.mark.model
@pytest.mark.socket
def test_a_chat_that_may_be_recorded_can_be_replayed(house, tmp_path):
    run("chat", "--url", house.url, "--record", said="what are your opening hours\n")
    settings = tmp_path / "server.toml"
    settings.write_text(f'state = "{house.server.services.settings.state}"\n')
    _, listed = run("recordings", "list", "--config", str(settings))
    session = re.search(r"^([0-9a-f]{16})  .*  chat ", listed, re.MULTILINE)
    kept = str(tmp_path / "kept.zip")
    run("recordings", "export", session[1], kept, "--config", str(settings))
    code, told = run("replay", kept)
    assert code == 0
    assert told.startswith("identical")


@pytest.mark.model
@pytest.mark.socket
def test_doctor_names_the_models(tmp_path, monkeypatch):
    monkeypatch.setenv("HEARKEN_STATE", str(tmp_path))
    code, output = run("doctor")
    assert code == 0
    assert "sha256" in output
    assert "Harper Valley Bank" in output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["chat", "--url", "ws://127.0.0.1:9/v1/session"], "is it running?"),
        (["call", "nowhere.wav", "--url", "ws://127.0.0.1:9/v1/session"], "nowhere.wav"),
        (["call", "README.md", "--url", "ws://127.0.0.1:9/v1/session"], "README.md"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(arguments, words, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["hearken", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


def test_a_broken_pack_is_refused_at_start_with_file_and_line(tmp_path, monkeypatch, capsys):
    import server  # noqa: F401  adds the command

    pack = tmp_path / "pack"
    shutil.copytree("dialogs/bank", pack)
    flows = pack / "flows.yaml"
    flows.write_text(flows.read_text().replace("flows:", "flowz:", 1))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["hearken", "serve", "--pack", str(pack), "--port", "0"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert re.search(r"flows\.yaml:\d+", capsys.readouterr().err.replace("\n", ""))


def test_messages_nobody_misses_are_not_told():
    assert message_line({"type": "audio", "data": b""}) is None
    assert message_line({"type": "speech", "turn": 1, "state": "end", "at": 1.0}) is None
