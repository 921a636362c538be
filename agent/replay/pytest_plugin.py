"""pytest plugin that runs recordings as tests: `pytest FOLDER` replays every recording in it.

A recording is a .zip, or a folder with session.json. A failed test shows the first divergence and
counts of the later ones. `--replay-mode fresh` lets the models answer again, `--replay-config`
names a settings file. The package registers the plugin for every pytest run: nothing slow is
imported before it finds a recording.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.recordings import MANIFEST_FILE

if TYPE_CHECKING:
    from agent.replay.parallel import ReplayWorker

WORKER_KEY: pytest.StashKey[ReplayWorker] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hearken", "recorded conversations")
    group.addoption(
        "--replay-mode",
        default="strict",
        choices=("strict", "fresh", "late"),
        help="strict: the recording answers; else the models",
    )
    group.addoption("--replay-config", type=Path, help="settings file of Hearken")


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
    """The file of one recording, which is one test."""

    def collect(self) -> Iterator[pytest.Item]:
        path = self.path.parent if self.path.name == MANIFEST_FILE else self.path
        yield ReplayItem.from_parent(self, name=path.stem, recording_path=path)


class Divergence(AssertionError):
    """The replay differs from the recording."""


class ReplayItem(pytest.Item):
    """The test that replays one recording."""

    def __init__(self, *, recording_path: Path, **more: Any) -> None:
        super().__init__(**more)
        self.recording_path = recording_path

    def runtest(self) -> None:
        result = _worker(self.config).replay(self.recording_path)
        if not result.has_passed:
            raise Divergence(
                "\n".join([f"{self.recording_path.name}: {result.verdict}", *result.report_lines()])
            )

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, Divergence):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.recording_path, None, f"replay of {self.name}"


def _worker(config: pytest.Config) -> ReplayWorker:
    """The worker of this pytest run, made once: it loads the pack and the models."""
    from agent.config import load_settings
    from agent.replay.builds import LocalBuild
    from agent.replay.parallel import ReplayWorker

    if WORKER_KEY not in config.stash:
        build = LocalBuild.from_settings(load_settings(config.getoption("--replay-config")))
        config.stash[WORKER_KEY] = ReplayWorker(build, config.getoption("--replay-mode"))
    return config.stash[WORKER_KEY]
