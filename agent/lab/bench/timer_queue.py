"""What is to be done next, and when?

One heap for the packets of all callers and everything else in a load, instead of a task that
sleeps for each. Times are those of the plan: an action that came late does not move the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

TimedAction = Callable[[float], float | None]  # given when it was due; answers when it is due again


class TimerQueue:
    """Actions in the order of their times, those of one time in the order they were added."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, TimedAction]] = []
        self._numbers = count()

    def add(self, due: float, action: TimedAction) -> None:
        heappush(self._heap, (due, next(self._numbers), action))

    def run_due(self, now: float) -> float | None:
        """Do all that is due; answers when the next thing is, None when there is nothing."""
        while self._heap and self._heap[0][0] <= now:
            due, _, action = heappop(self._heap)
            if (next_due := action(due)) is not None:
                self.add(next_due, action)
        return self._heap[0][0] if self._heap else None
