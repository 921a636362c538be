"""Recordings that were made for the tests, and builds that differ in one thing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agent.config import Settings
from agent.replay.builds import LocalBuild
from agent.replay.live_models import LiveModels

SESSIONS = Path("tests/recordings/sessions")


@pytest.fixture(scope="session")
def here() -> LocalBuild:
    return LocalBuild.from_settings(Settings())


@pytest.fixture(scope="session")
def models(here) -> LiveModels:
    return LiveModels(here.settings, here.target.pack)


@pytest.fixture
def own_pack(tmp_path) -> Path:
    """A pack of one's own to change."""
    folder = tmp_path / "pack"
    shutil.copytree(Settings().pack, folder)
    return folder


def changed(file: Path, before: str, after: str) -> None:
    """One thing in a file is another one."""
    text = file.read_text(encoding="utf-8")
    assert text.count(before) >= 1, f"{before!r} is not in {file.name}"
    file.write_text(text.replace(before, after, 1), encoding="utf-8")
