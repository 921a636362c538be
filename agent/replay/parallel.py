"""How are many recordings replayed at once?

Recordings do not know of each other: with models, each core takes its share in a process of its
own, in which the models are read once. Without, one process is faster than starting others.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from agent.config import Settings
from agent.recordings.bundle import load
from agent.replay.builds import Here
from agent.replay.live_models import Models
from agent.replay.run import Pace
from agent.replay.verdict import Mode, Replayed, replayed

FRESH_START = multiprocessing.get_context("spawn")  # torch does not survive a fork


class Worker:
    """This build with its models, for one recording after the other."""

    def __init__(self, here: Here, mode: Mode) -> None:
        self._here = here
        self._mode = mode
        self._models = None if mode == "strict" else Models(here.settings, here.build.pack)

    def replay(self, path: Path, pace: Pace | None = None) -> Replayed:
        """RecordingError when it cannot be read."""
        recording = load(path)
        models = self._models
        answers = models.hearing if models is not None else None
        try:
            found = replayed(recording, self._here.build, self._mode, answers, pace)
        finally:
            if models is not None:
                models.over(recording)
        names = models.names if models is not None else None
        return replace(found, since=self._here.since(recording, names))


def replay_all(here: Here, paths: Sequence[Path], mode: Mode, jobs: int = 0) -> Iterator[Replayed]:
    """In the order of `paths`, as they are done. `jobs` 0: as many as there are cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    jobs = min(jobs or cores or 1, len(paths))
    if mode == "strict" or jobs < 2:
        worker = Worker(here, mode)
        yield from (worker.replay(path) for path in paths)
        return
    longest_first = sorted(paths, key=_size, reverse=True)
    with ProcessPoolExecutor(jobs, FRESH_START, _begin, (here.settings, mode)) as pool:
        done = {path: pool.submit(_replay, path) for path in longest_first}
        yield from (done[path].result() for path in paths)


_worker: Worker | None = None


def _begin(settings: Settings, mode: Mode) -> None:
    global _worker
    _worker = Worker(Here.of(settings), mode)


def _replay(path: Path) -> Replayed:
    assert _worker is not None
    return _worker.replay(path)


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
