"""Settings come from a file and the environment, and a mistake is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.config import SettingsError, load_settings
from audio.text_endpointing import TurnEndings
from audio.turns import TurnRules


def test_defaults_need_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_settings().port == 8765


def test_file_then_environment_then_nothing_else(tmp_path, monkeypatch):
    file = tmp_path / "h.toml"
    file.write_text('port = 9000\nhost = "0.0.0.0"\n')
    monkeypatch.setenv("HEARKEN_PORT", "9001")
    settings = load_settings(file)
    assert (settings.port, settings.host) == (9001, "0.0.0.0")


def test_an_unknown_key_names_the_nearest(tmp_path):
    file = tmp_path / "h.toml"
    file.write_text("max_session = 3\n")
    with pytest.raises(SettingsError, match="did you mean 'max_sessions'"):
        load_settings(file)


def test_an_unknown_variable_is_an_error_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEARKEN_TOKN", "x")
    with pytest.raises(SettingsError, match="did you mean 'token'"):
        load_settings()


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[turns]\ncomplet = 0.7", "did you mean 'turns.complete'"),
        ("[turns.silence]\ndigit = 1.0", "did you mean 'turns.silence.digits'"),
        ("[turns.silence]\ndigits = 50", "turns.silence.digits"),
        ("turns = 3", "turns"),
    ],
)
def test_a_key_inside_a_section_is_checked_too(tmp_path, toml, words):
    file = tmp_path / "h.toml"
    file.write_text(toml)
    with pytest.raises(SettingsError, match=words):
        load_settings(file)


def test_settings_for_one_question_leave_the_others_alone(tmp_path):
    file = tmp_path / "h.toml"
    file.write_text("[turns.silence]\ndigits = 1.5\n")
    rules, usual = load_settings(file).turns.turn_rules(TurnEndings()), TurnRules()
    assert rules.silence == {**usual.silence, "digits": 1.5}
    assert rules == replace(usual, silence=rules.silence)


@pytest.mark.parametrize("toml", ["port = ", "port = 99999", 'port = "many"'])
def test_a_bad_value_is_an_error_in_words(tmp_path, toml):
    file = tmp_path / "h.toml"
    file.write_text(toml)
    with pytest.raises(SettingsError):
        load_settings(file)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(SettingsError, match="no settings file"):
        load_settings(tmp_path / "none.toml")


def test_secrets_are_masked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEARKEN_TOKEN", "s3cret")
    assert "s3cret" not in str(load_settings().masked_values())
