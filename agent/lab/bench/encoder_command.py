"""How is `hearken bench encoder` called, and in which order does it work?

Nothing heavy is imported before the command runs: every other command loads this file too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from agent.config import PACKAGE_DIR

SPEECH = PACKAGE_DIR.parent / "tests" / "recordings"


def bench_encoder(
    seconds: Annotated[float, typer.Option(min=1, help="Of speech in the longest turn.")] = 10.0,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            help="In the place of the embedded ears: folder, hub name, or random:SHAPE "
            "(base, base-streamed, distil, embedded) for random weights of that shape."
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write every figure there.")
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, help="Runs whose median is shown.")] = 3,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="Some of the ways: streaming, company, streaming-fp32, again, again-bf16, window, "
            "pipeline, speechbrain."
        ),
    ] = None,
    hop_ms: Annotated[
        int,
        typer.Option(
            "--hop-ms",
            min=100,
            max=2000,
            help="How often text is wanted; ours has it when its chunks end.",
        ),
    ] = 320,
    recordings: Annotated[
        Path, typer.Option(help="Folder of recordings that are joined to one turn.")
    ] = SPEECH,
) -> None:
    """What it costs to hear a live voice: our encoder, and others run on the same weights."""
    console = Console()
    with console.status("opening the models"):
        from agent.lab.bench.encoder_comparison import compared, usual_names
        from agent.lab.bench.encoder_rendering import as_json, show
        from agent.lab.bench.shapes import resolved
        from agent.lab.bench.utterance import spoken
        from audio.types import RATE

    def watch(labels: Sequence[str]) -> Iterable[str]:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("", total=len(labels))
            for label in labels:
                bar.update(task, description=label)
                yield label
                bar.advance(task)

    utterance = spoken(recordings, seconds)
    with TemporaryDirectory() as folder:
        chosen = resolved(checkpoint, Path(folder)) if checkpoint else None
        hop = round(hop_ms * RATE / 1000)
        comparison = compared(
            PACKAGE_DIR / "weights", chosen, utterance, hop, repeat, only or usual_names(), watch
        )
    name = checkpoint or "embedded"
    show(comparison, name, console)
    if json_file is not None:
        told = json.dumps(as_json(comparison, name), indent=1, allow_nan=False)
        json_file.write_text(told + "\n", encoding="utf-8")
        console.print(f"everything: {json_file}", highlight=False)
