"""Settings of every test, the seconds by kind at the end of a run, and a guard of the marks.

The kinds are the marks of pyproject.toml; without any, a test is quick. A test that listens on a
network address or reads the trained weights without the mark that says so fails
(tests/test_marks.py).
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections import Counter
from collections.abc import Container, Generator
from multiprocessing.forkserver import _forkserver
from pathlib import Path

import psutil
import pytest
from hypothesis import settings

from agent.config import Settings

# One thread for products, as in the server: two that share a busy core wait for each other. Before
# torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Tests hear with the embedded models alone, unless they say otherwise: the packaged one for whole
# turns takes seconds to load.
os.environ.setdefault("HEARKEN_WRITER_CHECKPOINT", "")

# Conversations of the small pack are played by tests that complete and train it first.
collect_ignore = ["data"]

# Machines differ in speed, and no test depends on it: hypothesis must not either.
settings.register_profile("hearken", deadline=None)
settings.load_profile("hearken")

KINDS = ("browser", "model", "socket", "quick")  # a test counts as the first that it is
WEIGHTS = str(Settings().weights.resolve())
INTERNET = (socket.AF_INET, socket.AF_INET6)

# -- the guard ---------------------------------------------------------------------------------

_marks: list[frozenset[str]] = []  # of the test that runs, if one does


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    _marks.append(frozenset(mark.name for mark in item.iter_markers()))
    try:
        return (yield)
    finally:
        _marks.pop()


def _require_marks(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook: Python calls it for what a process does to the world."""
    if not _marks:
        return
    if event == "socket.bind" and not _marks[-1] & {"socket", "browser"}:
        endpoint = arguments[0]
        if isinstance(endpoint, socket.socket) and endpoint.family in INTERNET:
            raise AssertionError("a test that listens is to be marked `socket`")
    if event == "open" and "model" not in _marks[-1]:
        path = str(arguments[0])
        if path.endswith(".safetensors") and os.path.abspath(path).startswith(WEIGHTS):
            raise AssertionError("a test that reads trained weights is to be marked `model`")


sys.addaudithook(_require_marks)

# -- the order ---------------------------------------------------------------------------------


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In several processes, files that take long come first, so that all end at the same time."""
    if hasattr(config, "workerinput"):
        ranks: dict[Path, int] = {}
        for item in items:
            rank = KINDS.index(_kind(item.keywords))
            ranks[item.path] = min(rank, ranks.get(item.path, rank))
        items.sort(key=lambda item: ranks[item.path])


def _kind(keywords: Container[str]) -> str:
    return next(kind for kind in KINDS if kind == "quick" or kind in keywords)


# -- seconds by kind ---------------------------------------------------------------------------


def pytest_sessionfinish() -> None:
    _forkserver._stop()  # the time of a process counts once it has been waited for


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    seconds, tests = Counter[str](), Counter[str]()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                kind = _kind(report.keywords)
                seconds[kind] += report.duration
                tests[kind] += report.when == "call"
    begun, processor = psutil.Process().create_time(), sum(os.times()[:4])
    shares = ", ".join(f"{one} {seconds[one]:.0f} s ({tests[one]} tests)" for one in KINDS[::-1])
    terminalreporter.write_sep("=", "seconds")
    terminalreporter.write_line(f"tests: {shares}")
    terminalreporter.write_line(f"all: {time.time() - begun:.0f} s, processor {processor:.0f} s")
