"""How is `hearken replay` called?

Nothing heavy is imported before it runs: agent/cli/main.py loads this file for every command.
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

from agent.config import load
from agent.recordings.bundle import found_in
from agent.recordings.recording import RecordingError

if TYPE_CHECKING:
    from agent.core.decisions import Decision
    from agent.replay.builds import Here
    from agent.replay.verdict import Replayed

Mode = Literal["strict", "fresh", "late"]

DIFFERENT, WRONG = 1, 2  # exit codes: decisions differ; something could not be replayed


def replay(
    paths: Annotated[list[Path], typer.Argument(help="Recordings, or folders of them.")],
    mode: Annotated[
        Mode,
        typer.Option(
            help="strict: with the answers that were recorded; fresh: the models answer again; "
            "late: they take as long as they took."
        ),
    ] = "strict",
    against: Annotated[
        Path | None,
        typer.Option(help="Compare with this settings file, pack, checkout or `hearken` command."),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(help="What if this escalation.yaml, or this settings file, had been there?"),
    ] = None,
    speed: Annotated[
        Literal["max", "1"], typer.Option(help="1: as it happened, told as it happens.")
    ] = "max",
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit file.")] = None,
    json_out: Annotated[
        str | None, typer.Option("--json", help="Write everything as JSON; - for the terminal.")
    ] = None,
    update: Annotated[
        bool, typer.Option(help="What is decided now is what is expected from now on.")
    ] = False,
    full: Annotated[bool, typer.Option(help="List every change.")] = False,
    jobs: Annotated[int, typer.Option(min=0, help="Processes for models; 0: one a core.")] = 0,
    config: Annotated[Path | None, typer.Option(help="A settings file.")] = None,
) -> None:
    """Run recorded conversations again and say which decisions are other ones.

    Exit code 0: all as recorded; 1: decisions differ; 2: something could not be replayed.
    """
    from agent.replay.builds import Here

    console = Console(stderr=json_out == "-")
    recordings = [one for path in paths for one in found_in(path)]
    here = Here.of(load(config))
    if policy is not None:
        raise typer.Exit(_what_if(recordings, here, policy, mode, console))
    if against is not None:
        raise typer.Exit(_against(recordings, here, against, mode, jobs, console))
    found = _replayed(recordings, here, mode, speed, jobs, console)
    _write(found, junit, json_out)
    from agent.replay.report import show

    if json_out != "-":
        show(found, console, full)
    if update:
        _update(recordings, found, here, console)
        return
    worst = {one.verdict for one in found}
    raise typer.Exit(WRONG if "error" in worst else DIFFERENT if "different" in worst else 0)


def _replayed(
    recordings: Sequence[Path], here: Here, mode: Mode, speed: str, jobs: int, console: Console
) -> list[Replayed]:
    from agent.replay.parallel import Worker, replay_all

    if speed == "1":
        worker = Worker(here, mode)
        return [worker.replay(one, _AsItHappened(console)) for one in recordings]
    done = replay_all(here, recordings, mode, jobs)
    quiet = len(recordings) < 3 or not console.is_terminal
    return list(track(done, "replaying", len(recordings), console=console, disable=quiet))


class _AsItHappened:
    """Waits until each input is due, and tells what was decided."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()

    def __call__(self, at: float, decided: Sequence[Decision]) -> None:
        time.sleep(max(0.0, self._began + at - time.monotonic()))
        for one in decided:
            told = {name: value for name, value in one.items() if name not in ("kind", "turn")}
            line = f"{at:7.2f}  {one['kind']:<11} {json.dumps(told, ensure_ascii=False)}"
            self._console.print(line, markup=False, highlight=False)


def _write(found: Sequence[Replayed], junit: Path | None, json_out: str | None) -> None:
    from agent.replay.report import as_json, write_junit

    if junit is not None:
        write_junit(found, junit)
    if json_out == "-":
        json.dump(as_json(found), sys.stdout)
        print()
    elif json_out is not None:
        Path(json_out).write_text(json.dumps(as_json(found), indent=1) + "\n", encoding="utf-8")


def _update(
    recordings: Sequence[Path], found: Sequence[Replayed], here: Here, console: Console
) -> None:
    from agent.recordings.bundle import load as read
    from agent.recordings.bundle import save
    from agent.recordings.recording import with_rows

    for path, one in zip(recordings, found, strict=True):
        if one.run.missing:
            raise RecordingError(f"{path} was not updated: {one.run.missing[0]}")
        if one.verdict != "identical":
            save(here.expected(with_rows(read(path), one.run.rows())), path)
            console.print(f"{path}: updated", markup=False, highlight=False)


def _against(
    recordings: Sequence[Path], here: Here, where: Path, mode: Mode, jobs: int, console: Console
) -> int:
    from agent.replay.builds import Elsewhere, other
    from agent.replay.parallel import replay_all
    from agent.replay.report import show_comparison
    from agent.replay.verdict import against

    there = other(where, here.settings)
    ours = list(replay_all(here, recordings, mode, jobs))
    if isinstance(there, Elsewhere):
        theirs, name = there.decided(recordings, mode), there.name
        since = []
    else:
        replays = replay_all(there, recordings, mode, jobs)
        theirs, name = {one.session: one.run.decisions for one in replays}, there.build.name
        since = there.unlike(here)
    found = {one.name: against(mode, one.run.decisions, theirs[one.session]) for one in ours}
    show_comparison(name, found, since, console)
    return DIFFERENT if any(found.values()) else 0


def _what_if(
    recordings: Sequence[Path], here: Here, file: Path, mode: Mode, console: Console
) -> int:
    from agent.recordings.bundle import load as read
    from agent.replay.live_models import Models
    from agent.replay.report import show_outcomes
    from agent.replay.what_if import outcome
    from agent.replay.what_if import policy as other_policy

    with other_policy(file, here.settings) as (there, turns):
        models = Models(here.settings, here.build.pack) if turns or mode != "strict" else None
        answering = models.hearing if models is not None else None
        found = [outcome(read(one), here.build, there.build, answering) for one in recordings]
        costs = here.build.pack.costs, there.build.pack.costs
        show_outcomes(file.name, found, *costs, console)
    return 0
