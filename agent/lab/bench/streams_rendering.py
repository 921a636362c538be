"""How is what `hearken bench streams` found shown in a terminal?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.table import Table

from agent.lab.bench.levels import Level, Usage
from agent.lab.bench.streams_report import CHURN_GOAL, Churn, Report, Soak

WAITS = (
    "callers", "turns", "p50", "p95", "p99", "partials/s",
    "missed", "no answer", "refused", "held",
)  # fmt: skip
COSTS = ("callers", "server cores", "server MiB", "MiB a stream", "load cores", "packets late ms")


def show(report: Report, console: Console) -> None:
    """A table of all levels, what was asked for beyond them, and the machine."""
    setting = report.setting
    if report.levels:
        talk = (
            f"talk {setting.talk:g}, turns of {setting.turn_s:g} s, {setting.packet_ms} ms packets"
        )
        waits = f"End of turn to decision in ms: {talk}"
        console.print(_table(waits, WAITS, map(_waits, report.levels)))
        console.print(_table("What it took", COSTS, map(_costs, report.levels)))
        spoken = sum(level.spoken for level in report.levels)
        turns = sum(level.turns for level in report.levels)
        console.print(f"turns spoken: {spoken}; as the server cut them: {turns}", highlight=False)
    if report.churn is not None:
        _show_churn(report.churn, console)
    if report.soak is not None:
        _show_soak(report.soak, console)
    if report.idle_mib is not None:
        console.print(f"memory without callers: {report.idle_mib:.0f} MiB", highlight=False)
    console.print(report.machine.line, highlight=False, soft_wrap=True)
    if report.streams is not None:
        held = f"p95 within {setting.goal_ms:g} ms"
        console.print(f"[bold]streams held: {report.streams}[/] ({held})", highlight=False)


def _table(title: str, head: Iterable[str], rows: Iterable[list[str]]) -> Table:
    table = Table(title=title, box=None, title_justify="left")
    for name in head:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def _waits(level: Level) -> list[str]:
    return [
        str(level.callers),
        str(level.turns),
        *(_number(ms) for ms in (level.p50_ms, level.p95_ms, level.p99_ms)),
        f"{level.partials_per_s:.1f}",
        str(level.missed),
        str(level.unanswered),
        _counts(level.refused) + _counts(level.closed) or "0",
        "[green]yes[/]" if level.held else "[red]no[/]",
    ]


def _costs(level: Level) -> list[str]:
    load = [f"{level.generator_cores:.2f}", f"{level.lag_p99_ms:.0f}"]
    return [str(level.callers), *_used(level.server), *load]


def _used(server: Usage | None) -> list[str]:
    if server is None:
        return ["-", "-", "-"]
    return [f"{server.cores:.2f}", f"{server.memory_mib:.0f}", f"{server.per_stream_mib:.2f}"]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _counts(found: Mapping[str, int]) -> str:
    """How many for each code; the reasons stand in the line of the level."""
    return " ".join(f"{count}x{why.partition(' ')[0]}" for why, count in found.items())


def _show_churn(churn: Churn, console: Console) -> None:
    said = f"p99 {_number(churn.quiet_p99_ms)} ms quiet, {_number(churn.churn_p99_ms)} ms"
    said += f" with {churn.per_s:g} callers a second who come and go"
    if churn.ratio is not None:
        verdict = "[green]met[/]" if churn.ratio <= CHURN_GOAL else "[red]missed[/]"
        said += f": {churn.ratio:.2f} times, goal {CHURN_GOAL:g} {verdict}"
    console.print(said, highlight=False)


def _show_soak(soak: Soak, console: Console) -> None:
    begin, end = soak.samples[0][0], soak.samples[-1][0]
    console.print(
        f"memory {soak.first:.0f} MiB at {begin:.1f} min, {soak.last:.0f} MiB at {end:.1f} min: "
        f"{soak.slope:+.2f} ± {soak.error:.2f} MiB a minute",
        highlight=False,
    )
