"""Recordings as tests: `pytest FOLDER` replays every recording in it, strictly.

A recording is a .zip, or a folder with session.json. It fails with the first divergence and what
followed. `--replay-mode fresh` lets the models answer again, `--replay-config` names a settings
file. The plugin comes with the package; nothing is imported before there is a recording.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from agent.replay.parallel import ReplayWorker

MANIFEST_FILE = "session.json"
WORKER_KEY: pytest.StashKey[ReplayWorker] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hearken", "recorded conversations")
    group.addoption(
        "--replay-mode", default="strict", choices=("strict", "fresh", "late"),
        help="who answers: the recording, or the models of now",
    )  # fmt: skip
    group.addoption("--replay-config", type=Path, help="a settings file of Hearken")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix == ".zip":
        from agent.recordings.bundle import is_recording

        return (
            RecordingFile.from_parent(parent, path=file_path) if is_recording(file_path) else None
        )
    if file_path.name == MANIFEST_FILE:
        return RecordingFile.from_parent(parent, path=file_path)
    return None


class RecordingFile(pytest.File):
    """One recording: one test."""

    def collect(self) -> Iterator[pytest.Item]:
        place = self.path.parent if self.path.name == MANIFEST_FILE else self.path
        yield ReplayItem.from_parent(self, name=place.stem, place=place)


class Divergence(AssertionError):
    """The recording did not come out as it was."""


class ReplayItem(pytest.Item):
    """Replays one recording."""

    def __init__(self, *, place: Path, **more: Any) -> None:
        super().__init__(**more)
        self.place = place

    def runtest(self) -> None:
        result = _worker(self.config).replay(self.place)
        if not result.has_passed:
            raise Divergence(
                "\n".join([f"{self.place.name}: {result.verdict}", *result.report_lines()])
            )

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, Divergence):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.place, None, f"replay of {self.name}"


def _worker(config: pytest.Config) -> ReplayWorker:
    """Made once: the pack and the models are read for all recordings of a run."""
    from agent.config import load_settings
    from agent.replay.builds import LocalBuild
    from agent.replay.parallel import ReplayWorker

    if WORKER_KEY not in config.stash:
        here = LocalBuild.from_settings(load_settings(config.getoption("--replay-config")))
        config.stash[WORKER_KEY] = ReplayWorker(here, config.getoption("--replay-mode"))
    return config.stash[WORKER_KEY]
