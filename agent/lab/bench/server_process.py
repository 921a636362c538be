"""A server of its own for a measurement or a test: started as a user starts it, on a free port."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.config import PACKAGE_DIR
from agent.lab.bench import BenchError

ROOT = PACKAGE_DIR.parent
START_S = 300.0  # loading a large checkpoint takes its time
STOP_S = 20.0
LAST = 5  # complaints that are kept


@dataclass(frozen=True, slots=True)
class Running:
    """A server process that answers."""

    process: subprocess.Popen[str]
    page: str
    ready_s: float  # from the start of the process to the first accepted caller
    complaints: deque[str]  # the last errors of its log, and what else it said

    @property
    def url(self) -> str:
        return self.page.replace("http://", "ws://") + "v1/session"

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.page + path, timeout=5) as answer:
            return str(answer.read().decode())


@contextmanager
def running(state: Path, **settings: str) -> Iterator[Running]:
    """Start `python server.py` with these settings; stop it in the end. BenchError: it did not."""
    env = os.environ | {"HEARKEN_PORT": "0", "HEARKEN_STATE": str(state)}
    env |= {f"HEARKEN_{name.upper()}": value for name, value in settings.items()}
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "server.py")],
        env=env,
        cwd=state,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is ours: the server is stopped when we have finished
    )
    try:
        complaints: deque[str] = deque(maxlen=LAST)
        page = _wait(process, complaints)
        yield Running(process, page, time.monotonic() - began, complaints)
    finally:
        process.terminate()
        _gone(process)


def _wait(process: subprocess.Popen[str], complaints: deque[str]) -> str:
    """The log line that says "ready" names the page. The log is read on until the server ends."""
    found: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert process.stderr is not None
        with process.stderr as said:
            for line in said:
                # Its log is JSON; what it tells its user is not.
                entry = json.loads(line) if line.startswith("{") else {"level": "error"}
                if entry["level"] == "error":
                    complaints.append(line)
                elif entry["message"] == "ready":
                    found.put(str(entry["page"]))
        found.put("")

    threading.Thread(target=read, name="log", daemon=True).start()
    try:
        page = found.get(timeout=START_S)
    except queue.Empty:
        raise BenchError(f"the server was not ready within {START_S:.0f} s") from None
    if not page:
        raise BenchError("the server did not start: " + "".join(complaints).strip())
    return page


def _gone(process: subprocess.Popen[str]) -> None:
    """Wait for the end of the server; its children go with it, whatever they are doing."""
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
