"""`hearken replay`: run recordings again and report the decisions that differ.

agent/cli/main.py imports this file for every command, so it imports slow modules only when it runs.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.progress import track

from agent.config import load_settings
from agent.recordings.bundle import find_recordings
from agent.recordings.recording import RecordingError
from agent.replay import ReplayMode

if TYPE_CHECKING:
    from agent.core.decisions import DecisionRecord
    from agent.replay.builds import LocalBuild
    from agent.replay.verdict import ReplayResult

EXIT_DIFFERENT, EXIT_ERROR = 1, 2  # exit codes: decisions differ; a recording could not be replayed


def replay(
    paths: Annotated[list[Path], typer.Argument(help="Recordings, or folders of them.")],
    mode: Annotated[
        ReplayMode,
        typer.Option(
            help="strict: with the recorded answers; fresh: the models answer again; "
            "late: as fresh, with the recorded delays."
        ),
    ] = "strict",
    against: Annotated[
        Path | None,
        typer.Option(help="Compare with this settings file, pack, checkout or `hearken` command."),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(help="Show the effect of this escalation.yaml or settings file."),
    ] = None,
    speed: Annotated[
        Literal["max", "1"], typer.Option(help="1: in real time, printing decisions.")
    ] = "max",
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit file.")] = None,
    json_out: Annotated[
        str | None, typer.Option("--json", help="Write all results as JSON; -: to standard output.")
    ] = None,
    update: Annotated[
        bool, typer.Option(help="Store today's decisions in the recordings.")
    ] = False,
    full: Annotated[bool, typer.Option(help="List every change.")] = False,
    jobs: Annotated[int, typer.Option(min=0, help="Processes for models; 0: one per core.")] = 0,
    config: Annotated[Path | None, typer.Option(help="The settings file.")] = None,
) -> None:
    """Run recorded conversations again and show which decisions differ.

    Exit code 0: all as recorded; 1: decisions differ; 2: something could not be replayed.
    """
    from agent.replay.builds import LocalBuild

    console = Console(stderr=json_out == "-")
    recordings = [one for path in paths for one in find_recordings(path)]
    build = LocalBuild.from_settings(load_settings(config))
    if policy is not None:
        raise typer.Exit(_compare_policy(recordings, build, policy, mode, console))
    if against is not None:
        raise typer.Exit(_compare_with(recordings, build, against, mode, jobs, console))
    results = _run_replays(recordings, build, mode, speed, jobs, console)
    _write_reports(results, junit, json_out)
    from agent.replay.report import print_results

    if json_out != "-":
        print_results(results, console, full)
    if update:
        _update_recordings(recordings, results, build, console)
        return
    verdicts = {one.verdict for one in results}
    raise typer.Exit(
        EXIT_ERROR if "error" in verdicts else EXIT_DIFFERENT if "different" in verdicts else 0
    )


def _run_replays(
    recordings: Sequence[Path],
    build: LocalBuild,
    mode: ReplayMode,
    speed: str,
    jobs: int,
    console: Console,
) -> list[ReplayResult]:
    from agent.replay.parallel import ReplayWorker, replay_all

    if speed == "1":
        worker = ReplayWorker(build, mode)
        return [worker.replay(one, _RealTimePrinter(console)) for one in recordings]
    results = replay_all(build, recordings, mode, jobs)
    hide_progress = len(recordings) < 3 or not console.is_terminal
    return list(
        track(results, "replaying", len(recordings), console=console, disable=hide_progress)
    )


class _RealTimePrinter:
    """Step callback that waits until each input is due, and prints the decisions on it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started_at = time.monotonic()

    def __call__(self, at: float, decisions: Sequence[DecisionRecord]) -> None:
        time.sleep(max(0.0, self._started_at + at - time.monotonic()))
        for one in decisions:
            shown_fields = {
                name: value for name, value in one.items() if name not in ("kind", "turn")
            }
            line = f"{at:7.2f}  {one['kind']:<11} {json.dumps(shown_fields, ensure_ascii=False)}"
            self._console.print(line, markup=False, highlight=False)


def _write_reports(
    results: Sequence[ReplayResult], junit: Path | None, json_out: str | None
) -> None:
    from agent.replay.report import results_as_json, write_junit

    if junit is not None:
        write_junit(results, junit)
    if json_out == "-":
        json.dump(results_as_json(results), sys.stdout)
        print()
    elif json_out is not None:
        Path(json_out).write_text(
            json.dumps(results_as_json(results), indent=1) + "\n", encoding="utf-8"
        )


def _update_recordings(
    recordings: Sequence[Path], results: Sequence[ReplayResult], build: LocalBuild, console: Console
) -> None:
    from agent.recordings.bundle import load_recording as read
    from agent.recordings.bundle import save_recording
    from agent.recordings.recording import with_rows

    for path, one in zip(recordings, results, strict=True):
        if one.run.missing_answers:
            raise RecordingError(f"{path} was not updated: {one.run.missing_answers[0]}")
        if one.verdict != "identical":
            save_recording(build.with_build_metadata(with_rows(read(path), one.run.rows())), path)
            console.print(f"{path}: updated", markup=False, highlight=False)


def _compare_with(
    recordings: Sequence[Path],
    build: LocalBuild,
    path: Path,
    mode: ReplayMode,
    jobs: int,
    console: Console,
) -> int:
    from agent.replay.builds import ExternalBuild, find_build
    from agent.replay.parallel import replay_all
    from agent.replay.report import print_comparison
    from agent.replay.verdict import compare_replays

    other_build = find_build(path, build.settings)
    ours = list(replay_all(build, recordings, mode, jobs))
    if isinstance(other_build, ExternalBuild):
        theirs, name = other_build.replay_decisions(recordings, mode), other_build.name
        differences = []
    else:
        replays = replay_all(other_build, recordings, mode, jobs)
        theirs, name = {one.session: one.run.decisions for one in replays}, other_build.target.name
        differences = other_build.differences_from(build)
    changes = {
        one.name: compare_replays(mode, one.run.decisions, theirs[one.session]) for one in ours
    }
    print_comparison(name, changes, differences, console)
    return EXIT_DIFFERENT if any(changes.values()) else 0


def _compare_policy(
    recordings: Sequence[Path], build: LocalBuild, file: Path, mode: ReplayMode, console: Console
) -> int:
    from agent.recordings.bundle import load_recording as read
    from agent.replay.live_models import LiveModels
    from agent.replay.report import print_policy_comparison
    from agent.replay.what_if import build_with_policy as other_policy
    from agent.replay.what_if import compare_policies

    with other_policy(file, build.settings) as (other_build, may_move_turns):
        models = (
            LiveModels(build.settings, build.target.pack)
            if may_move_turns or mode != "strict"
            else None
        )
        source_factory = models.answer_source if models is not None else None
        comparisons = [
            compare_policies(read(one), build.target, other_build.target, source_factory)
            for one in recordings
        ]
        costs = build.target.pack.error_costs, other_build.target.pack.error_costs
        print_policy_comparison(file.name, comparisons, *costs, console)
    return 0
