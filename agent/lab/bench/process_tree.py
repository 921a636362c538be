"""Memory and CPU of a process and all its descendants."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import psutil  # type: ignore[import-untyped]

MIB = 2**20


class ProcessTree:
    """A process and all its descendants."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)

    def memory_mib(self) -> float:
        """Proportional set size in MiB: pages shared by several processes count once in total."""
        total = 0.0
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                used = process.memory_full_info()
                total += getattr(used, "pss", used.uss) / MIB  # PSS exists on Linux only
        return total

    def cpu_s(self) -> float:
        """CPU seconds of all processes since their start."""
        total = 0.0
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def wait_until_idle(self, core_share: float, poll_s: float, timeout_s: float) -> None:
        """Wait until the processes use less than `core_share` of a core, at most `timeout_s`."""
        until = time.monotonic() + timeout_s
        before = self.cpu_s()
        while time.monotonic() < until:
            time.sleep(poll_s)
            now = self.cpu_s()
            if now - before < core_share * poll_s:
                return
            before = now

    def _processes(self) -> Iterator[psutil.Process]:
        yield self._root
        with suppress(psutil.NoSuchProcess):
            yield from self._root.children(recursive=True)
