"""Command line of `hearken bench`.

Nothing heavy is imported before a command runs: agent/cli/main.py imports this for every command.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agent.config import PACKAGE_DIR
from agent.lab.bench import BenchError
from agent.lab.bench.encoder_command import bench_encoder
from agent.lab.goals import Goal, goals_table
from agent.lab.json_output import write_json

INTERRUPTED_EXIT_CODE = 130  # the exit code that shells give Ctrl-C

bench = typer.Typer(help="Measure the capacity of this machine.", no_args_is_help=True)


@bench.command("sessions")
def bench_sessions(
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all figures to this file.")
    ] = None,
) -> None:
    """Measure journal writes, resumption, console lag and the memory of idle chats."""
    from agent.lab.bench.sessions import measure_sessions

    console = Console()
    with tempfile.TemporaryDirectory() as folder, console.status("") as status:
        goals = measure_sessions(Path(folder), lambda text: status.update(text))
    console.print(goals_table(goals))
    if json_file is not None:
        write_json([_goal_json(goal) for goal in goals], json_file)


def _goal_json(goal: Goal) -> dict[str, object]:
    values = {"figure": goal.got, "goal": goal.limit, "unit": goal.unit, "met": goal.met}
    return {"name": goal.what, **values}


@bench.command("streams")
def bench_streams(
    checkpoint: Annotated[
        str | None,
        typer.Option(help="Use instead of the embedded encoder: folder, hub name, random:SHAPE."),
    ] = None,
    talk: Annotated[
        float, typer.Option(min=0.05, max=1.0, help="Share of the time that is speech; see above.")
    ] = 1.0,
    callers: Annotated[
        int | None, typer.Option(min=1, help="Number of callers; default: search the maximum.")
    ] = None,
    packet_ms: Annotated[int, typer.Option(min=1, max=1000, help="Audio in a message.")] = 20,
    turn_s: Annotated[
        float, typer.Option(min=0.5, max=19, help="Typical turn; others are 0.5 to 1.5 times it.")
    ] = 4.0,
    seconds: Annotated[float, typer.Option(min=1, help="Measured time of a level.")] = 25.0,
    churn: Annotated[
        float,
        typer.Option(min=0, help="With --callers: short calls a second, in the second half."),
    ] = 0.0,
    minutes: Annotated[
        float, typer.Option(min=0, help="With --callers: soak for so long, watching memory.")
    ] = 0.0,
    speak: Annotated[bool, typer.Option(help="Have answers spoken, too.")] = False,
    recordings: Annotated[Path, typer.Option(help="Folder of recordings that callers play.")] = (
        PACKAGE_DIR.parent / "tests" / "recordings"
    ),
    goal_ms: Annotated[float, typer.Option(min=1, help="Limit on a level's p95 latency.")] = 250.0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all figures to this file.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    url: Annotated[
        str | None, typer.Option(help="Load this running server; memory and CPU are not measured.")
    ] = None,
) -> None:
    """Measure how many live callers a server on this machine sustains, over websockets.

    Another process streams mu-law audio in real time for all callers, however
    late the server is. A level is sustained when p95 of the time from the end
    of a turn to its decision is within the goal and no turn was missed.
    Without --callers the highest sustained level is searched.

    --talk: a caller speaks a turn of about --turn-s seconds, then is silent
    for 1.6 s, longer than the server's endpointing takes; turn and silence
    together are the given share of the time, further silence is the rest.
    With 1.0 the next turn follows at once: all callers are active nearly all
    the time. With 0.4 about four callers in ten are active at any moment.
    """
    if callers is None and (churn or minutes):
        raise BenchError(
            "--churn and --minutes measure a fixed number of callers: give --callers N"
        )
    if churn and minutes:
        raise BenchError("give either --churn or --minutes")
    from agent.lab.bench.streams import measure_streams
    from agent.lab.bench.streams_rendering import print_streams_report
    from agent.lab.bench.streams_report import StreamsReport, StreamsSettings

    console = Console()
    report = StreamsReport(
        StreamsSettings(
            recordings=recordings,
            checkpoint=checkpoint,
            url=url,
            callers=callers,
            packet_ms=packet_ms,
            talk=talk,
            turn_s=turn_s,
            seconds=seconds,
            churn=churn,
            minutes=minutes,
            speak=speak,
            goal_ms=goal_ms,
            seed=seed,
        )
    )
    try:
        measure_streams(report, console)
    except KeyboardInterrupt:
        console.print("interrupted; measured so far:")
        raise typer.Exit(INTERRUPTED_EXIT_CODE) from None
    finally:
        if report.levels or report.soak:
            print_streams_report(report, console)
        if json_file is not None and (report.levels or report.soak):
            text = json.dumps(report.as_json(), indent=1, allow_nan=False)
            json_file.write_text(text + "\n", encoding="utf-8")
            console.print(f"all figures: {json_file}", highlight=False)


bench.command("encoder")(bench_encoder)
