"""Load levels: the figures of one load, whether it was sustained, and the search for the maximum.

A level is one load with a fixed number of callers. It is sustained when no turn was missed or
unanswered, no call refused or closed, p95 of the latency is within the goal, and the load process
itself sent its packets on time. Held by tests/agent/lab/bench/test_levels.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from agent.lab.bench.load_plan import LoadOutcome

MAX_LAG_P99_MS = 50.0  # above it, the load process itself was too slow
FIRST_LEVEL_CALLERS = 8  # first level of a search
SEARCH_PRECISION = 0.06  # relative
MAX_SEARCHED_CALLERS = 4096  # upper end of a search


@dataclass(frozen=True, slots=True)
class ServerUsage:
    """CPU of all server processes during a level, and their memory while all callers are active."""

    cores: float
    memory_mib: float
    per_stream_mib: float


@dataclass(frozen=True, slots=True)
class Level:
    """The figures of one load, in milliseconds; None where there was nothing to measure."""

    callers: int
    seconds: float
    turns: int  # understood, as the server segmented them
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
    server: ServerUsage | None  # None: an external server
    failures: tuple[str, ...]  # reasons why it was not sustained

    @property
    def is_sustained(self) -> bool:
        return not self.failures


def level_from_outcome(
    callers: int, outcome: LoadOutcome, server: ServerUsage | None, goal_ms: float
) -> Level:
    """The level of a load with `callers` callers, judged by a p95 latency of `goal_ms`."""
    latencies_s = [answer.latency_s for answer in outcome.answers if not answer.visitor]
    p50, p95, p99 = (percentile_ms(latencies_s, share) for share in (50, 95, 99))
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
        failures=tuple(_failure_reasons(outcome, p95, goal_ms)),
    )


def percentile_ms(latencies_s: list[float], percent: float) -> float | None:
    return 1000 * float(np.percentile(latencies_s, percent)) if latencies_s else None


def _failure_reasons(outcome: LoadOutcome, p95_ms: float | None, goal_ms: float) -> list[str]:
    reasons = []
    if outcome.lag_p99_ms > MAX_LAG_P99_MS:
        reasons.append(f"not valid: packets were sent {outcome.lag_p99_ms:.0f} ms late")
    if p95_ms is None:
        reasons.append("no turn was understood")
    elif p95_ms > goal_ms:
        reasons.append(f"p95 {p95_ms:.0f} ms")
    if outcome.missed:
        reasons.append(f"{outcome.missed} missed")
    if outcome.unanswered:
        reasons.append(f"{outcome.unanswered} unanswered")
    reasons += [f"{count} refused ({why})" for why, count in outcome.refused.items()]
    reasons += [f"{count} closed ({why})" for why, count in outcome.closed.items()]
    return reasons


def find_maximum(
    is_sustained: Callable[[int], bool],
    first: int = FIRST_LEVEL_CALLERS,
    precision: float = SEARCH_PRECISION,
    limit: int = MAX_SEARCHED_CALLERS,
) -> int:
    """The greatest number that is sustained, to this relative precision; 0 when none is.

    Doubles from `first` until a number fails, then bisects. A number that fails is tried once more.
    Assumes that any number below a sustained one is sustained too.
    """

    def is_sustained_in_two_tries(number: int) -> bool:
        return is_sustained(number) or is_sustained(number)

    good, number = 0, first
    while number <= limit and is_sustained_in_two_tries(number):
        good, number = number, 2 * number
    bad = min(number, limit + 1)
    while bad - good > max(1, precision * good):
        middle = (good + bad) // 2
        good, bad = (middle, bad) if is_sustained_in_two_tries(middle) else (good, middle)
    return good
