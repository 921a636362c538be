"""Did the server hold so many callers, and how many can it hold?

A level is one load of a fixed number of callers and its figures. It is held when nothing was
missed, unanswered, refused or closed, the wait of nineteen turns in twenty was within the goal, and
the load itself kept its times. Held by tests/agent/bench/test_levels.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from agent.lab.bench.load_plan import Outcome

LAG_MS = 50.0  # p99; a load that was later than this has measured itself
FIRST = 8  # callers of the first level of a search
PRECISION = 0.06  # of the number found
MOST = 4096  # callers that a search tries


@dataclass(frozen=True, slots=True)
class Usage:
    """What a server used during a level: all its processes, and memory with everybody there."""

    cores: float
    memory_mib: float
    per_stream_mib: float


@dataclass(frozen=True, slots=True)
class Level:
    """The figures of one load. Milliseconds; None where there was nothing to measure."""

    callers: int
    seconds: float
    turns: int  # understood, as the server cut them
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    partials_per_s: float
    spoken: int
    answered: int
    missed: int
    unanswered: int
    refused: Mapping[str, int]
    closed: Mapping[str, int]
    errors: Mapping[str, int]
    lag_p99_ms: float
    generator_cores: float
    server: Usage | None  # None: not our process
    failures: tuple[str, ...]  # why it was not held

    @property
    def held(self) -> bool:
        return not self.failures


def level_of(callers: int, outcome: Outcome, server: Usage | None, goal_ms: float) -> Level:
    """The figures of a load, and whether it was held."""
    took = [answer.took_s for answer in outcome.answers if not answer.visitor]
    p50, p95, p99 = (quantile_ms(took, share) for share in (50, 95, 99))
    return Level(
        callers=callers,
        seconds=outcome.seconds,
        turns=len(outcome.answers),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        partials_per_s=outcome.partials / outcome.seconds,
        spoken=outcome.spoken,
        answered=outcome.answered,
        missed=outcome.missed,
        unanswered=outcome.unanswered,
        refused=outcome.refused,
        closed=outcome.closed,
        errors=outcome.errors,
        lag_p99_ms=outcome.lag_p99_ms,
        generator_cores=outcome.cpu_s / outcome.seconds,
        server=server,
        failures=tuple(_failures(outcome, p95, goal_ms)),
    )


def quantile_ms(took_s: list[float], share: float) -> float | None:
    return 1000 * float(np.percentile(took_s, share)) if took_s else None


def _failures(outcome: Outcome, p95_ms: float | None, goal_ms: float) -> list[str]:
    found = []
    if outcome.lag_p99_ms > LAG_MS:
        found.append(f"not valid: packets were sent {outcome.lag_p99_ms:.0f} ms late")
    if p95_ms is None:
        found.append("no turn was understood")
    elif p95_ms > goal_ms:
        found.append(f"p95 {p95_ms:.0f} ms")
    if outcome.missed:
        found.append(f"{outcome.missed} missed")
    if outcome.unanswered:
        found.append(f"{outcome.unanswered} unanswered")
    found += [f"{count} refused ({why})" for why, count in outcome.refused.items()]
    found += [f"{count} closed ({why})" for why, count in outcome.closed.items()]
    return found


def most(
    holds: Callable[[int], bool],
    first: int = FIRST,
    precision: float = PRECISION,
    limit: int = MOST,
) -> int:
    """The greatest number that holds, to this precision, if fewer always hold where more do.

    Doubles from `first` until one fails, then halves the gap. What fails is tried once more.
    """

    def twice(number: int) -> bool:
        return holds(number) or holds(number)

    good, number = 0, first
    while number <= limit and twice(number):
        good, number = number, 2 * number
    bad = min(number, limit + 1)
    while bad - good > max(1, precision * good):
        middle = (good + bad) // 2
        good, bad = (middle, bad) if twice(middle) else (good, middle)
    return good
