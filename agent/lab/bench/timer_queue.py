"""Timer queue of a load: one heap for the packets of all callers and all other timed actions.

It replaces a sleeping task for each caller. Due times come from the plan: an action that runs late
does not delay the next one. Held by tests/agent/lab/bench/test_agenda.py.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

TimedAction = Callable[[float], float | None]  # due time -> next due time, or None


class TimerQueue:
    """Actions ordered by due time; actions with equal due times in the order they were added."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, TimedAction]] = []
        self._numbers = count()

    def add(self, due: float, action: TimedAction) -> None:
        heappush(self._heap, (due, next(self._numbers), action))

    def run_due(self, now: float) -> float | None:
        """Run all actions that are due; returns the next due time, None when the queue is empty."""
        while self._heap and self._heap[0][0] <= now:
            due, _, action = heappop(self._heap)
            if (next_due := action(due)) is not None:
                self.add(next_due, action)
        return self._heap[0][0] if self._heap else None
