"""The load process as seen by the measurement that starts it.

The load runs in a process of its own, so that it shares neither the interpreter lock nor the
garbage collector with the measurement.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from typing import Any, Literal

from agent.config import PACKAGE_DIR
from agent.lab.bench import BenchError
from agent.lab.bench.load_plan import LoadOutcome, LoadPlan, TurnLatency

LoadEvent = Literal["steady", "tick", "counted"]
OnLoadEvent = Callable[[LoadEvent, float], None]  # event, seconds since turns began to count


def run_load(plan: LoadPlan, on_event: OnLoadEvent) -> LoadOutcome:
    """Run the load and return its outcome; `on_event` is called for each event of the process.

    BenchError when the process fails."""
    with closing(_load_events(plan)) as events:
        for fields in events:
            event = fields.pop("event")
            if event == "outcome":
                answers = [TurnLatency(**answer) for answer in fields.pop("answers")]
                return LoadOutcome(answers=answers, **fields)
            on_event(event, float(fields.get("at", 0.0)))
    raise BenchError("the load process has failed; see its error above")


def _load_events(plan: LoadPlan) -> Generator[dict[str, Any]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "agent.lab.bench.load"],
        cwd=PACKAGE_DIR.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches this process only, which stops the other below
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with suppress(BrokenPipeError), process.stdin as plans:
            pickle.dump(plan, plans)
        for line in process.stdout:
            yield json.loads(line)
    finally:
        process.stdout.close()
        process.kill()
        process.wait()
