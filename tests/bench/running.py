"""A server of its own for a measurement or a test: started as a user starts it, on a free port."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_S = 120.0


@dataclass(frozen=True, slots=True)
class Running:
    """A server process that answers."""

    process: subprocess.Popen[str]
    page: str
    ready_s: float  # from the start of the process to the first accepted caller

    @property
    def url(self) -> str:
        return self.page.replace("http://", "ws://") + "v1/session"

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.page + path, timeout=5) as answer:  # noqa: S310
            return answer.read().decode()

    def memory_mb(self) -> float:
        """Resident memory of the server now, in MiB (Linux)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
        return int(kib) / 1024


@contextmanager
def running(state: Path, **settings: str) -> Iterator[Running]:
    """Start `python server.py` with these settings; stop it in the end."""
    env = os.environ | {"HEARKEN_PORT": "0", "HEARKEN_STATE": str(state)}
    env |= {f"HEARKEN_{name.upper()}": value for name, value in settings.items()}
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "server.py")],
        env=env,
        cwd=state,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        page = _wait(process)
        yield Running(process, page, time.monotonic() - began)
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _wait(process: subprocess.Popen[str]) -> str:
    """The log line that says "ready" names the page."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith("{") and (entry := json.loads(line))["message"] == "ready":
            return str(entry["page"])
    raise RuntimeError("the server did not start:\n" + "".join(said))
