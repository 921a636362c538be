"""Results of `hearken bench streams`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from scipy.stats import linregress  # type: ignore[import-untyped]

from agent.lab.bench.levels import Level, percentile_ms
from agent.lab.bench.load_plan import LoadOutcome
from agent.lab.bench.machine import Machine, this_machine

MAX_CHURN_RATIO = 1.5  # p99 during churn over p99 without


@dataclass(frozen=True, slots=True)
class StreamsSettings:
    """The command's options; `hearken bench streams --help` explains each."""

    recordings: Path
    checkpoint: str | None = None
    url: str | None = None
    callers: int | None = None
    packet_ms: int = 20
    talk: float = 1.0
    turn_s: float = 4.0
    seconds: float = 25.0
    churn: float = 0.0
    minutes: float = 0.0
    speak: bool = False
    goal_ms: float = 250.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Churn:
    """Latency of the staying callers in ms, without and with `per_s` short calls per second."""

    per_s: float
    quiet_p99_ms: float | None
    churn_p99_ms: float | None

    @property
    def ratio(self) -> float | None:
        if not self.quiet_p99_ms or self.churn_p99_ms is None:
            return None
        return self.churn_p99_ms / self.quiet_p99_ms


@dataclass(frozen=True, slots=True)
class Soak:
    """Memory over time under constant load: samples of (minute, MiB), slope in MiB per minute."""

    samples: tuple[tuple[float, float], ...]
    slope: float
    error: float  # standard error of the slope, for independent samples

    @property
    def first_mib(self) -> float:
        return self.samples[0][1]

    @property
    def last_mib(self) -> float:
        return self.samples[-1][1]


@dataclass(slots=True)
class StreamsReport:
    """All results. Filled in as they are measured, so that an interrupted run can show some."""

    setting: StreamsSettings
    machine: Machine = field(default_factory=this_machine)
    ready_s: float | None = None
    idle_mib: float | None = None  # memory of the warm server without callers
    levels: list[Level] = field(default_factory=list)
    streams: int | None = None  # highest sustained level
    churn: Churn | None = None
    soak: Soak | None = None

    def as_json(self) -> dict[str, Any]:
        fields = asdict(self)
        fields["setting"]["recordings"] = str(self.setting.recordings)
        for level, written in zip(self.levels, fields["levels"], strict=True):
            written["held"] = level.is_sustained
        if self.churn is not None:
            fields["churn"]["ratio"] = self.churn.ratio
        return fields


def churn_from_outcome(outcome: LoadOutcome, per_s: float) -> Churn:
    """Churn figures of a load whose short calls came in its second half only."""
    stayed = [answer for answer in outcome.answers if not answer.visitor]
    half = outcome.seconds / 2
    quiet = [answer.latency_s for answer in stayed if answer.at_s < half]
    busy = [answer.latency_s for answer in stayed if answer.at_s >= half]
    return Churn(per_s, percentile_ms(quiet, 99), percentile_ms(busy, 99))


def soak_from_samples(samples: Sequence[tuple[float, float]]) -> Soak | None:
    """Least-squares line over (minute, MiB); None for fewer than three samples."""
    if len(samples) < 3:
        return None
    line = linregress([minute for minute, _ in samples], [mib for _, mib in samples])
    return Soak(tuple(samples), float(line.slope), float(line.stderr))
