"""Terminal rendering of the results of `hearken bench streams`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.table import Table

from agent.lab.bench.levels import Level, ServerUsage
from agent.lab.bench.streams_report import MAX_CHURN_RATIO, Churn, Soak, StreamsReport

LATENCY_COLUMNS = (
    "callers", "turns", "p50", "p95", "p99", "partials/s",
    "missed", "no answer", "refused", "sustained",
)  # fmt: skip
RESOURCE_COLUMNS = (
    "callers",
    "server cores",
    "server MiB",
    "MiB a stream",
    "load cores",
    "packets late ms",
)


def print_streams_report(report: StreamsReport, console: Console) -> None:
    """Print the tables of all levels, the churn and soak figures, and the machine."""
    setting = report.setting
    if report.levels:
        talk = (
            f"talk {setting.talk:g}, turns of {setting.turn_s:g} s, {setting.packet_ms} ms packets"
        )
        waits = f"End of turn to decision in ms: {talk}"
        console.print(_table(waits, LATENCY_COLUMNS, map(_latency_cells, report.levels)))
        console.print(
            _table("Resources used", RESOURCE_COLUMNS, map(_resource_cells, report.levels))
        )
        spoken = sum(level.spoken for level in report.levels)
        turns = sum(level.turns for level in report.levels)
        console.print(f"turns spoken: {spoken}; as the server cut them: {turns}", highlight=False)
    if report.churn is not None:
        _print_churn(report.churn, console)
    if report.soak is not None:
        _print_soak(report.soak, console)
    if report.idle_mib is not None:
        console.print(f"memory without callers: {report.idle_mib:.0f} MiB", highlight=False)
    console.print(report.machine.summary, highlight=False, soft_wrap=True)
    if report.streams is not None:
        criterion = f"p95 within {setting.goal_ms:g} ms"
        console.print(
            f"[bold]streams sustained: {report.streams}[/] ({criterion})", highlight=False
        )


def _table(title: str, head: Iterable[str], rows: Iterable[list[str]]) -> Table:
    table = Table(title=title, box=None, title_justify="left")
    for name in head:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def _latency_cells(level: Level) -> list[str]:
    return [
        str(level.callers),
        str(level.turns),
        *(_number(ms) for ms in (level.p50_ms, level.p95_ms, level.p99_ms)),
        f"{level.partials_per_s:.1f}",
        str(level.missed),
        str(level.unanswered),
        _counts_by_code(level.refused) + _counts_by_code(level.closed) or "0",
        "[green]yes[/]" if level.is_sustained else "[red]no[/]",
    ]


def _resource_cells(level: Level) -> list[str]:
    load = [f"{level.generator_cores:.2f}", f"{level.lag_p99_ms:.0f}"]
    return [str(level.callers), *_usage_cells(level.server), *load]


def _usage_cells(server: ServerUsage | None) -> list[str]:
    if server is None:
        return ["-", "-", "-"]
    return [f"{server.cores:.2f}", f"{server.memory_mib:.0f}", f"{server.per_stream_mib:.2f}"]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _counts_by_code(counts: Mapping[str, int]) -> str:
    """Counts by code; the full reasons are printed with the level."""
    return " ".join(f"{count}x{why.partition(' ')[0]}" for why, count in counts.items())


def _print_churn(churn: Churn, console: Console) -> None:
    text = f"p99 {_number(churn.quiet_p99_ms)} ms quiet, {_number(churn.churn_p99_ms)} ms"
    text += f" with {churn.per_s:g} short calls a second"
    if churn.ratio is not None:
        verdict = "[green]met[/]" if churn.ratio <= MAX_CHURN_RATIO else "[red]missed[/]"
        text += f": {churn.ratio:.2f} times, goal {MAX_CHURN_RATIO:g} {verdict}"
    console.print(text, highlight=False)


def _print_soak(soak: Soak, console: Console) -> None:
    begin, end = soak.samples[0][0], soak.samples[-1][0]
    console.print(
        f"memory {soak.first_mib:.0f} MiB at {begin:.1f} min, {soak.last_mib:.0f} MiB at "
        f"{end:.1f} min: {soak.slope:+.2f} ± {soak.error:.2f} MiB a minute",
        highlight=False,
    )
