"""Command line of `hearken bench encoder`.

Nothing heavy is imported before the command runs: every other command imports this file too.
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

RECORDINGS_FOLDER = PACKAGE_DIR.parent / "tests" / "recordings"


def bench_encoder(
    seconds: Annotated[float, typer.Option(min=1, help="Length of the longest turn.")] = 10.0,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            help="Use instead of the embedded encoder: folder, hub name, or random:SHAPE "
            "(base, base-streamed, distil, embedded) for random weights of that shape."
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all figures to this file.")
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, help="Runs; the median is shown.")] = 3,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="Methods to run: streaming, company, streaming-fp32, again, again-bf16, window, "
            "pipeline, speechbrain."
        ),
    ] = None,
    hop_ms: Annotated[
        int,
        typer.Option(
            "--hop-ms",
            min=100,
            max=2000,
            help="Interval of partial texts; our encoder gives text at the end of a chunk.",
        ),
    ] = 320,
    recordings: Annotated[
        Path, typer.Option(help="Folder of recordings, concatenated to one turn.")
    ] = RECORDINGS_FOLDER,
) -> None:
    """Measure the cost of transcribing a live voice: our encoder, and others with its weights."""
    console = Console()
    with console.status("loading the models"):
        from agent.lab.bench.encoder_comparison import compare_encoders, default_methods
        from agent.lab.bench.encoder_rendering import comparison_json, print_comparison
        from agent.lab.bench.shapes import resolve_checkpoint
        from agent.lab.bench.utterance import joined_recordings
        from audio.types import RATE

    def track(labels: Sequence[str]) -> Iterable[str]:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("", total=len(labels))
            for label in labels:
                bar.update(task, description=label)
                yield label
                bar.advance(task)

    utterance = joined_recordings(recordings, seconds)
    with TemporaryDirectory() as folder:
        chosen = resolve_checkpoint(checkpoint, Path(folder)) if checkpoint else None
        hop = round(hop_ms * RATE / 1000)
        comparison = compare_encoders(
            PACKAGE_DIR / "weights",
            chosen,
            utterance,
            hop,
            repeat,
            only or default_methods(),
            track,
        )
    name = checkpoint or "embedded"
    print_comparison(comparison, name, console)
    if json_file is not None:
        text = json.dumps(comparison_json(comparison, name), indent=1, allow_nan=False)
        json_file.write_text(text + "\n", encoding="utf-8")
        console.print(f"all figures: {json_file}", highlight=False)
