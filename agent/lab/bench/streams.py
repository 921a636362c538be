"""Sequence of measurements of `hearken bench streams`.

Starts a server, or uses a running one, and loads it level by level; between two levels the server
becomes idle. Results go into the report as soon as they are known.
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
from agent.lab.bench.caller_voices import load_caller_voices, resampler_lookahead
from agent.lab.bench.levels import (
    MAX_SEARCHED_CALLERS,
    Level,
    ServerUsage,
    find_maximum,
    level_from_outcome,
)
from agent.lab.bench.load_plan import CallerVoices, LoadOutcome, LoadPlan
from agent.lab.bench.load_process import LoadEvent, run_load
from agent.lab.bench.process_tree import ProcessTree
from agent.lab.bench.server_process import running_server
from agent.lab.bench.streams_report import (
    StreamsReport,
    StreamsSettings,
    churn_from_outcome,
    soak_from_samples,
)

# Admission limits of the server, set high enough that no caller is refused: a level fails by its
# figures.
CAPACITY_SETTINGS = ("max_sessions", "capacity")
MAX_VISIT_S = 10  # longest short call of churn: times their rate, their number at once

MIN_RAMP_S, JOINS_PER_S = 2.0, 25.0  # shortest ramp of a level; join rate
WARM_UP_CALLERS, WARM_UP_S, WARM_UP_RAMP_S = 2, 4.0, 0.5
IDLE_CORES, IDLE_POLL_S, IDLE_TIMEOUT_S = 0.1, 0.5, 30.0
EXTERNAL_SERVER_REST_S = 3.0  # pause for an external server, which cannot be observed
SOAK_START_S, SOAK_PERIOD_S = 30.0, 5.0  # sampling of memory


@dataclass(frozen=True, slots=True)
class LoadTarget:
    """The server under load; `processes` is None for an external server."""

    url: str
    ready_s: float | None = None
    processes: ProcessTree | None = None
    error_lines: Collection[str] = ()

    def wait_until_idle(self) -> None:
        if self.processes is None:
            time.sleep(EXTERNAL_SERVER_REST_S)
        else:
            self.processes.wait_until_idle(IDLE_CORES, IDLE_POLL_S, IDLE_TIMEOUT_S)


def measure_streams(report: StreamsReport, console: Console) -> None:
    """Fill in the report. BenchError when the server does not start or understands no turn."""
    setting = report.setting
    voices = load_caller_voices(setting.recordings, setting.turn_s, setting.packet_ms, setting.seed)
    with _open_target(setting, console) as target:
        streams = StreamsBench(report, target, voices, console)
        streams.warm_up()
        if setting.callers is None:
            report.streams = find_maximum(streams.sustains)
        elif setting.minutes:
            streams.run_soak(setting.callers)
        elif setting.churn:
            streams.run_churn(setting.callers)
        else:
            streams.sustains(setting.callers)


class StreamsBench:
    """Consecutive loads on one server."""

    def __init__(
        self, report: StreamsReport, target: LoadTarget, voices: CallerVoices, console: Console
    ) -> None:
        self._report, self._setting = report, report.setting
        self._target = target
        self._console = console
        self._samples: list[tuple[float, float]] = []  # memory of a soak: (minute, MiB)
        setting = self._setting
        self._plan = LoadPlan(
            url=target.url,
            voices=voices,
            callers=0,
            seconds=setting.seconds,
            ramp_s=MIN_RAMP_S,
            packet_ms=setting.packet_ms,
            talk=setting.talk,
            ahead=resampler_lookahead(),
            speak=setting.speak,
            seed=setting.seed,
        )

    def warm_up(self) -> None:
        """Run a few short turns, so that first-use costs do not count.

        BenchError when the server understands none of them.
        """
        plan = replace(
            self._plan,
            voices=replace(self._plan.voices, turns=self._plan.voices.short),
            callers=WARM_UP_CALLERS,
            seconds=WARM_UP_S,
            ramp_s=WARM_UP_RAMP_S,
            talk=1.0,
            first_counts=True,
        )
        outcome, _ = self._run_load(plan, "warm-up")
        if not outcome.answers:
            reasons = [*outcome.refused, *outcome.closed, *outcome.errors] or ["nothing came"]
            reason = "\n".join(["; ".join(reasons), *list(self._target.error_lines)[-1:]]).strip()
            raise BenchError(f"the server answers nobody: {reason}")
        self._target.wait_until_idle()
        self._report.ready_s = self._target.ready_s
        if self._target.processes is not None:
            self._report.idle_mib = self._target.processes.memory_mib()

    def sustains(self, callers: int) -> bool:
        """Run one level and add it to the report; whether it was sustained."""
        outcome, usage = self._run_load(self._plan_for(callers), f"{callers} callers")
        return self._record_level(callers, outcome, usage).is_sustained

    def run_churn(self, callers: int) -> None:
        """Run one level whose second half has additional short calls."""
        plan = replace(self._plan_for(callers), churn=self._setting.churn)
        outcome, usage = self._run_load(
            plan, f"{callers} callers, then {plan.churn:g} more a second"
        )
        self._record_level(callers, outcome, usage)
        self._report.churn = churn_from_outcome(outcome, plan.churn)

    def run_soak(self, callers: int) -> None:
        """Run one long level and sample the server's memory."""
        plan = replace(self._plan_for(callers), seconds=60 * self._setting.minutes)
        try:
            outcome, usage = self._run_load(
                plan, f"{callers} callers for {plan.seconds / 60:g} min"
            )
            self._record_level(callers, outcome, usage)
        finally:
            self._report.soak = soak_from_samples(self._samples)

    def _plan_for(self, callers: int) -> LoadPlan:
        ramp_s = max(MIN_RAMP_S, callers / JOINS_PER_S)
        return replace(self._plan, callers=callers, ramp_s=ramp_s)

    def _record_level(self, callers: int, outcome: LoadOutcome, usage: ServerUsage | None) -> Level:
        level = level_from_outcome(callers, outcome, usage, self._setting.goal_ms)
        self._report.levels.append(level)
        if level.is_sustained:
            verdict = f"[green]sustained[/], p95 {level.p95_ms:.0f} ms"
        else:
            verdict = f"[red]not sustained[/]: {escape(', '.join(level.failures))}"
        self._console.print(f"{callers} callers: {verdict}", highlight=False)
        return level

    def _run_load(self, plan: LoadPlan, name: str) -> tuple[LoadOutcome, ServerUsage | None]:
        """Run one load, and measure the server while turns count."""
        gauge = _UsageGauge(self._target.processes, self._report.idle_mib or 0.0, plan)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[at]}"))
        is_hidden = not self._console.is_terminal
        with Progress(
            *columns, console=self._console, transient=True, disable=is_hidden
        ) as progress:
            bar = progress.add_task(name, total=plan.ramp_s + plan.seconds, at="")

            def on_event(moment: LoadEvent, at: float) -> None:
                gauge.observe(moment, at)
                if moment == "tick":
                    text = f"{at:.0f} of {plan.seconds:.0f} s" if at >= 0 else "joining"
                    progress.update(bar, completed=plan.ramp_s + at, at=text)
                    if self._setting.minutes and at >= SOAK_START_S:
                        self._sample_memory(at)

            outcome = run_load(plan, on_event)
        self._target.wait_until_idle()
        return outcome, gauge.usage

    def _sample_memory(self, at: float) -> None:
        processes = self._target.processes
        due = 60 * self._samples[-1][0] + SOAK_PERIOD_S if self._samples else 0.0
        if processes is not None and at >= due:
            self._samples.append((at / 60, processes.memory_mib()))


class _UsageGauge:
    """Server usage: CPU while turns count, and memory at the end of that time."""

    def __init__(self, processes: ProcessTree | None, idle_mib: float, plan: LoadPlan) -> None:
        self.usage: ServerUsage | None = None
        self._processes = processes
        self._idle_mib = idle_mib
        self._plan = plan
        self._cpu_s = self._began_at = 0.0

    def observe(self, event: LoadEvent, at_s: float) -> None:
        if self._processes is None:
            return
        if event == "steady":
            self._cpu_s, self._began_at = self._processes.cpu_s(), time.monotonic()
        elif event == "counted":
            cores = (self._processes.cpu_s() - self._cpu_s) / (time.monotonic() - self._began_at)
            memory = self._processes.memory_mib()
            self.usage = ServerUsage(cores, memory, (memory - self._idle_mib) / self._plan.callers)


@contextmanager
def _open_target(setting: StreamsSettings, console: Console) -> Iterator[LoadTarget]:
    if setting.url is not None:
        _require_ready(setting.url)
        yield LoadTarget(setting.url)
        return
    with tempfile.TemporaryDirectory(prefix="hearken-bench-") as folder:
        state = Path(folder)
        settings = _server_settings(setting, state)
        console.print("starting the server")
        with running_server(state, **settings) as server:
            processes = ProcessTree(server.process.pid)
            yield LoadTarget(server.session_url, server.ready_s, processes, server.error_lines)


def _server_settings(setting: StreamsSettings, folder: Path) -> dict[str, str]:
    callers = MAX_SEARCHED_CALLERS if setting.callers is None else setting.callers
    limit = max(WARM_UP_CALLERS, callers + round(MAX_VISIT_S * setting.churn))
    settings = dict.fromkeys(CAPACITY_SETTINGS, str(limit))
    if setting.checkpoint is not None:
        settings["speech_checkpoint"] = _server_checkpoint(setting.checkpoint, folder)
    return settings


def _server_checkpoint(name: str, folder: Path) -> str:
    """The checkpoint as the server needs it, whose working directory is another."""
    if name.startswith("random:"):
        from agent.lab.bench.shapes import resolve_checkpoint  # torch is slow to import

        return resolve_checkpoint(name, folder)
    return str(Path(name).resolve()) if Path(name).exists() else name


def _require_ready(url: str) -> None:
    """BenchError unless the server at `url` is ready."""
    page = url.replace("ws", "http", 1).removesuffix("v1/session") + "readyz"
    try:
        urllib.request.urlopen(page, timeout=5).close()
    except urllib.error.HTTPError as refusal:
        raise BenchError(f"{url} answers {refusal.code} {refusal.reason}") from None
    except (OSError, ValueError) as unreachable:
        raise BenchError(f"nobody answers at {url} ({unreachable}); is it running?") from None
