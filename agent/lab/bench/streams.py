"""In which order does `hearken bench streams` measure, and on which server?

A server of its own is started, callers are joined to it level by level, and between two levels it
comes to rest. What is found goes into the report as soon as it is known.
"""

from __future__ import annotations

import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from agent.lab.bench import BenchError
from agent.lab.bench.caller_voices import load_voices, lookahead
from agent.lab.bench.levels import MOST, Level, Usage, level_of, most
from agent.lab.bench.load_plan import Outcome, Plan, Voices
from agent.lab.bench.load_process import Moment, drive
from agent.lab.bench.process_tree import Processes
from agent.lab.bench.server_process import running
from agent.lab.bench.streams_report import Report, Setting, churn_of, soak_of

# Settings of the server that say how many callers may come in: nobody is to be turned away, a level
# fails by its figures.
LIMITS = ("max_sessions", "capacity")
VISIT_S = 10  # callers a second who come and go, times this, are there at once at most

RAMP_S, JOINS_PER_S = 2.0, 25.0  # a level's ramp: at least, and how fast callers join
WARM_CALLERS, WARM_S, WARM_RAMP_S = 2, 4.0, 0.5
REST_CORES, REST_LOOK_S, REST_S = 0.1, 0.5, 30.0
STRANGER_REST_S = 3.0  # for a server whose processes are not ours to look at
SOAK_AFTER_S, SOAK_EVERY_S = 30.0, 5.0  # memory is sampled


@dataclass(frozen=True, slots=True)
class Target:
    """The server under load; without processes it is not ours."""

    url: str
    ready_s: float | None = None
    processes: Processes | None = None
    complaints: Collection[str] = ()

    def rest(self) -> None:
        if self.processes is None:
            time.sleep(STRANGER_REST_S)
        else:
            self.processes.rest(REST_CORES, REST_LOOK_S, REST_S)


def measure(report: Report, console: Console) -> None:
    """Fill in the report. BenchError when the server cannot be started or lets nobody in."""
    setting = report.setting
    voices = load_voices(setting.recordings, setting.turn_s, setting.packet_ms, setting.seed)
    with _target(setting, console) as target:
        streams = Streams(report, target, voices, console)
        streams.warm_up()
        if setting.callers is None:
            report.streams = most(streams.holds)
        elif setting.minutes:
            streams.soak(setting.callers)
        elif setting.churn:
            streams.churn(setting.callers)
        else:
            streams.holds(setting.callers)


class Streams:
    """Loads on one server, one after the other."""

    def __init__(self, report: Report, target: Target, voices: Voices, console: Console) -> None:
        self._report, self._setting = report, report.setting
        self._target = target
        self._console = console
        self._samples: list[tuple[float, float]] = []  # of a soak: minute, MiB
        setting = self._setting
        self._plan = Plan(
            url=target.url,
            voices=voices,
            callers=0,
            seconds=setting.seconds,
            ramp_s=RAMP_S,
            packet_ms=setting.packet_ms,
            talk=setting.talk,
            ahead=lookahead(),
            speak=setting.speak,
            seed=setting.seed,
        )

    def warm_up(self) -> None:
        """A few short turns: everything has been used once, and the server does answer."""
        plan = replace(
            self._plan,
            voices=replace(self._plan.voices, turns=self._plan.voices.short),
            callers=WARM_CALLERS,
            seconds=WARM_S,
            ramp_s=WARM_RAMP_S,
            talk=1.0,
            first_counts=True,
        )
        outcome, _ = self._load(plan, "warm-up")
        if not outcome.answers:
            told = [*outcome.refused, *outcome.closed, *outcome.errors] or ["nothing came"]
            why = "\n".join(["; ".join(told), *list(self._target.complaints)[-1:]]).strip()
            raise BenchError(f"the server answers nobody: {why}")
        self._target.rest()
        self._report.ready_s = self._target.ready_s
        if self._target.processes is not None:
            self._report.idle_mib = self._target.processes.memory_mib()

    def holds(self, callers: int) -> bool:
        """One level; its figures go into the report."""
        outcome, usage = self._load(self._with(callers), f"{callers} callers")
        return self._keep(callers, outcome, usage).held

    def churn(self, callers: int) -> None:
        """The same callers, first alone, then while others come and go."""
        plan = replace(self._with(callers), churn=self._setting.churn)
        outcome, usage = self._load(plan, f"{callers} callers, then {plan.churn:g} more a second")
        self._keep(callers, outcome, usage)
        self._report.churn = churn_of(outcome, plan.churn)

    def soak(self, callers: int) -> None:
        """One long level during which memory is looked at."""
        plan = replace(self._with(callers), seconds=60 * self._setting.minutes)
        try:
            outcome, usage = self._load(plan, f"{callers} callers for {plan.seconds / 60:g} min")
            self._keep(callers, outcome, usage)
        finally:
            self._report.soak = soak_of(self._samples)

    def _with(self, callers: int) -> Plan:
        ramp_s = max(RAMP_S, callers / JOINS_PER_S)
        return replace(self._plan, callers=callers, ramp_s=ramp_s)

    def _keep(self, callers: int, outcome: Outcome, usage: Usage | None) -> Level:
        level = level_of(callers, outcome, usage, self._setting.goal_ms)
        self._report.levels.append(level)
        if level.held:
            verdict = f"[green]held[/], p95 {level.p95_ms:.0f} ms"
        else:
            verdict = f"[red]not held[/]: {escape(', '.join(level.failures))}"
        self._console.print(f"{callers} callers: {verdict}", highlight=False)
        return level

    def _load(self, plan: Plan, name: str) -> tuple[Outcome, Usage | None]:
        """Make one load, and look at the server while turns count."""
        gauge = _Gauge(self._target.processes, self._report.idle_mib or 0.0, plan)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[at]}"))
        quiet = not self._console.is_terminal
        with Progress(*columns, console=self._console, transient=True, disable=quiet) as progress:
            bar = progress.add_task(name, total=plan.ramp_s + plan.seconds, at="")

            def watch(moment: Moment, at: float) -> None:
                gauge.look(moment, at)
                if moment == "tick":
                    text = f"{at:.0f} of {plan.seconds:.0f} s" if at >= 0 else "joining"
                    progress.update(bar, completed=plan.ramp_s + at, at=text)
                    if self._setting.minutes and at >= SOAK_AFTER_S:
                        self._sample(at)

            outcome = drive(plan, watch)
        self._target.rest()
        return outcome, gauge.usage

    def _sample(self, at: float) -> None:
        processes = self._target.processes
        due = 60 * self._samples[-1][0] + SOAK_EVERY_S if self._samples else 0.0
        if processes is not None and at >= due:
            self._samples.append((at / 60, processes.memory_mib()))


class _Gauge:
    """CPU from when turns begin to count until they no longer do, and memory at that moment."""

    def __init__(self, processes: Processes | None, idle_mib: float, plan: Plan) -> None:
        self.usage: Usage | None = None
        self._processes = processes
        self._idle_mib = idle_mib
        self._plan = plan
        self._cpu_s = self._began = 0.0

    def look(self, moment: Moment, at: float) -> None:
        if self._processes is None:
            return
        if moment == "steady":
            self._cpu_s, self._began = self._processes.cpu_s(), time.monotonic()
        elif moment == "counted":
            cores = (self._processes.cpu_s() - self._cpu_s) / (time.monotonic() - self._began)
            memory = self._processes.memory_mib()
            self.usage = Usage(cores, memory, (memory - self._idle_mib) / self._plan.callers)


@contextmanager
def _target(setting: Setting, console: Console) -> Iterator[Target]:
    if setting.url is not None:
        _ask(setting.url)
        yield Target(setting.url)
        return
    with tempfile.TemporaryDirectory(prefix="hearken-bench-") as folder:
        state = Path(folder)
        settings = _settings(setting, state)
        console.print("starting the server")
        with running(state, **settings) as server:
            processes = Processes(server.process.pid)
            yield Target(server.url, server.ready_s, processes, server.complaints)


def _settings(setting: Setting, folder: Path) -> dict[str, str]:
    callers = MOST if setting.callers is None else setting.callers
    limit = max(WARM_CALLERS, callers + round(VISIT_S * setting.churn))
    settings = dict.fromkeys(LIMITS, str(limit))
    if setting.checkpoint is not None:
        settings["speech_checkpoint"] = _checkpoint(setting.checkpoint, folder)
    return settings


def _checkpoint(name: str, folder: Path) -> str:
    """The server works in another folder than we do."""
    if name.startswith("random:"):
        from agent.lab.bench.shapes import resolved  # torch is slow to import

        return resolved(name, folder)
    return str(Path(name).resolve()) if Path(name).exists() else name


def _ask(url: str) -> None:
    """Is somebody there?"""
    page = url.replace("ws", "http", 1).removesuffix("v1/session") + "readyz"
    try:
        urllib.request.urlopen(page, timeout=5).close()
    except urllib.error.HTTPError as refusal:
        raise BenchError(f"{url} answers {refusal.code} {refusal.reason}") from None
    except (OSError, ValueError) as unreachable:
        raise BenchError(f"nobody answers at {url} ({unreachable}); is it running?") from None
