"""How long does an hour of recorded calls take to replay? `python -m tests.bench.replay`

The spoken recordings of tests/recordings/sessions, one after the other until there is an hour of
them; strictly, and with the models again on every core. How much of it is speech is printed, too:
that is what the models work on.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from itertools import cycle
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agent.config import Settings
from agent.lab.bench.machine import this_machine
from agent.recordings.bundle import load_recording, save_recording
from agent.recordings.recording import Recording
from agent.replay import ReplayMode
from agent.replay.builds import LocalBuild
from agent.replay.parallel import replay_all

SESSIONS = Path("tests/recordings/sessions")
HOUR_S = 3600.0
VOICE = 0.5
GOALS: dict[ReplayMode, float] = {"strict": 20.0, "fresh": 600.0}


def main() -> None:
    console, here = Console(), LocalBuild.from_settings(Settings())
    calls = [load_recording(SESSIONS / f"{name}.zip") for name in ("spoken", "two-legs")]
    with tempfile.TemporaryDirectory() as folder:
        paths, seconds, voiced = _an_hour(calls, Path(folder))
        title = f"{len(paths)} calls, {seconds / 3600:.2f} h, {100 * voiced:.0f} % of it speech"
        table = Table("mode", "took", "goal", "", "as recorded", title=title, box=None)
        for mode, goal in GOALS.items():
            began = time.perf_counter()
            found = list(replay_all(here, paths, mode))
            took = time.perf_counter() - began
            verdict = "[green]met[/]" if took <= goal else "[red]missed[/]"
            same = f"{sum(one.has_passed for one in found)} of {len(found)}"
            table.add_row(mode, f"{took:.1f} s", f"{goal:.0f} s", verdict, same)
    console.print(table)
    console.print(this_machine().summary)


def _an_hour(calls: list[Recording], folder: Path) -> tuple[list[Path], float, float]:
    """Where they are, how long they are together, and the share of their time with speech."""
    paths: list[Path] = []
    seconds = voiced = hops = 0.0
    for number, call in enumerate(cycle(calls)):
        if seconds >= HOUR_S:
            return paths, seconds, voiced / hops
        paths.append(folder / f"{number:04}.zip")
        save_recording(replace(call, name=paths[-1].stem), paths[-1])
        seconds += call.duration_s
        speech = call.voice_probabilities["customer"]
        voiced += sum(one >= VOICE for one in speech)
        hops += len(speech)
    raise AssertionError("calls never end")


if __name__ == "__main__":
    main()
