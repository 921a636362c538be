"""The models' own loop in a thread, so that a test may bring a scripted mind and share weights."""

from __future__ import annotations

import socket
import threading

from agent.inference.launcher import STOP_TIMEOUT_S
from agent.inference.worker import LoadScheduler, serve


class Threaded:
    """A `Launch` for models that `load` gives."""

    def __init__(self, load: LoadScheduler) -> None:
        self._load = load

    def __call__(self, end: socket.socket) -> Thread:
        thread = threading.Thread(target=serve, args=(end, self._load), name="models", daemon=True)
        thread.start()
        return Thread(thread)


class Thread:
    def __init__(self, thread: threading.Thread) -> None:
        self._thread = thread

    def stop(self) -> None:
        self._thread.join(STOP_TIMEOUT_S)

    def kill(self) -> None:
        pass  # a thread cannot be ended from outside
