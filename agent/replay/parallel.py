"""Parallel replay of many recordings.

Recordings are independent: with models, one process per core replays its share and loads the models
once. Without models, this process alone is faster than starting others.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from agent.config import Settings
from agent.recordings.bundle import load_recording
from agent.replay.builds import LocalBuild
from agent.replay.live_models import LiveModels
from agent.replay.modes import ReplayMode
from agent.replay.run import StepCallback
from agent.replay.verdict import ReplayResult, replay_recording

SPAWN_CONTEXT = multiprocessing.get_context("spawn")  # torch does not work after a fork


class ReplayWorker:
    """Replays recordings one after the other with one build, whose models it loads once."""

    def __init__(self, build: LocalBuild, mode: ReplayMode) -> None:
        self._build = build
        self._mode = mode
        self._models = None if mode == "strict" else LiveModels(build.settings, build.target.pack)

    def replay(self, path: Path, on_step: StepCallback | None = None) -> ReplayResult:
        """The result for the recording at `path`. RecordingError when it cannot be read."""
        recording = load_recording(path)
        models = self._models
        source_factory = models.answer_source if models is not None else None
        try:
            result = replay_recording(
                recording, self._build.target, self._mode, source_factory, on_step
            )
        finally:
            if models is not None:
                models.end_session(recording.record.id)
        model_names = models.model_names if models is not None else None
        return replace(result, known_changes=self._build.changes_since(recording, model_names))


def replay_all(
    build: LocalBuild, paths: Sequence[Path], mode: ReplayMode, jobs: int = 0
) -> Iterator[ReplayResult]:
    """Results in the order of `paths`, as they become available. `jobs` 0: one process per core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    jobs = min(jobs or cores or 1, len(paths))
    if mode == "strict" or jobs < 2:
        worker = ReplayWorker(build, mode)
        yield from (worker.replay(path) for path in paths)
        return
    longest_first = sorted(paths, key=_size_bytes, reverse=True)
    with ProcessPoolExecutor(jobs, SPAWN_CONTEXT, _start_worker, (build.settings, mode)) as pool:
        futures = {path: pool.submit(_replay_in_worker, path) for path in longest_first}
        yield from (futures[path].result() for path in paths)


_worker: ReplayWorker | None = None


def _start_worker(settings: Settings, mode: ReplayMode) -> None:
    global _worker
    _worker = ReplayWorker(LocalBuild.from_settings(settings), mode)


def _replay_in_worker(path: Path) -> ReplayResult:
    assert _worker is not None
    return _worker.replay(path)


def _size_bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
