"""A server process for a measurement or a test: started as users start it, on a free port."""

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

PROJECT_ROOT = PACKAGE_DIR.parent
START_TIMEOUT_S = 300.0  # loading a large checkpoint can take minutes
STOP_TIMEOUT_S = 20.0
MAX_ERROR_LINES = 5  # lines of the log that are kept


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server process that accepts callers."""

    process: subprocess.Popen[str]
    page_url: str
    ready_s: float  # from the start of the process to the first accepted caller
    error_lines: deque[str]  # the last error lines of its log, and other output

    @property
    def session_url(self) -> str:
        return self.page_url.replace("http://", "ws://") + "v1/session"

    def http_get(self, path: str) -> str:
        with urllib.request.urlopen(self.page_url + path, timeout=5) as answer:
            return str(answer.read().decode())


@contextmanager
def running_server(state_folder: Path, **settings: str) -> Iterator[RunningServer]:
    """Start `python server.py` with these settings, and stop it at the end.

    BenchError when the server does not start.
    """
    env = os.environ | {"HEARKEN_PORT": "0", "HEARKEN_STATE": str(state_folder)}
    env |= {f"HEARKEN_{name.upper()}": value for name, value in settings.items()}
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, str(PROJECT_ROOT / "server.py")],
        env=env,
        cwd=state_folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C reaches this process only, which stops the server
    )
    try:
        error_lines: deque[str] = deque(maxlen=MAX_ERROR_LINES)
        page_url = _await_ready(process, error_lines)
        yield RunningServer(process, page_url, time.monotonic() - began, error_lines)
    finally:
        process.terminate()
        _await_exit(process)


def _await_ready(process: subprocess.Popen[str], error_lines: deque[str]) -> str:
    """The page URL from the "ready" line of the log, which is read until the server ends."""
    page_urls: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert process.stderr is not None
        with process.stderr as said:
            for line in said:
                # Log lines are JSON; messages for the user are not.
                entry = json.loads(line) if line.startswith("{") else {"level": "error"}
                if entry["level"] == "error":
                    error_lines.append(line)
                elif entry["message"] == "ready":
                    page_urls.put(str(entry["page"]))
        page_urls.put("")

    threading.Thread(target=read, name="log", daemon=True).start()
    try:
        page_url = page_urls.get(timeout=START_TIMEOUT_S)
    except queue.Empty:
        raise BenchError(f"the server was not ready within {START_TIMEOUT_S:.0f} s") from None
    if not page_url:
        raise BenchError("the server did not start: " + "".join(error_lines).strip())
    return page_url


def _await_exit(process: subprocess.Popen[str]) -> None:
    """Wait for the server to end; kill it and its children after STOP_TIMEOUT_S."""
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
