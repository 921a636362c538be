"""`hearken requests` lists what was asked of data, and marks it as done."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from agent.cli.main import app
from agent.store import Store


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEARKEN_STATE", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    store = Store(tmp_path / "hearken.sqlite3")
    store.note_data_request("s1:3", "copy", "s1", "100421", "2026-11-24T10:00:00+00:00")
    store.close()
    return lambda *words: CliRunner().invoke(app, ["requests", *words])


def test_open_requests_are_listed_and_marked_as_done(run):
    assert "R00001" in run().output
    assert "100421" in run().output
    assert "No request is open" in run("--done", "R00001").output
    listed = run("--all").output
    assert "R00001" in listed
    assert "100421" not in listed


def test_an_unknown_number_is_said(run):
    result = run("--done", "R00009")
    assert "R00009" in str(result.exception)
