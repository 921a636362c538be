"""Command line of `hearken evaluate ears`.

Nothing heavy is imported before the command runs: agent/cli/main.py imports this for every command.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agent.config import PACKAGE_DIR
from agent.lab.evaluation import EvaluationError
from agent.lab.evaluation.question_mode import QuestionMode
from agent.lab.json_output import write_json
from audio.types import Precision

SEED = 0


def evaluate_ears(
    manifest: Annotated[
        Path | None, typer.Option(help="Your recordings: .jsonl or .jsonl.gz, one per line.")
    ] = None,
    audio: Annotated[
        Path | None,
        typer.Option(help="Zip or folder with the manifest's paths; default: beside it."),
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(help="Checkpoint to use instead of the embedded encoder: folder or hub name."),
    ] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(
            help="Another checkpoint, a folder of weights, or whisper-base, which writes whole "
            "turns beside the embedded encoder, over the same recordings."
        ),
    ] = None,
    telephone: Annotated[bool, typer.Option("--telephone", help="Use 8 kHz mu-law.")] = False,
    split: Annotated[
        str | None,
        typer.Option(help="Default: test where the manifest has splits. all: every line."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Maximum of recordings, spread over speakers.")
    ] = None,
    expect: Annotated[
        QuestionMode, typer.Option(help="Question before each recording; auto: by line and text.")
    ] = "auto",
    language: Annotated[str, typer.Option(help="Words in other languages are not scored.")] = "en",
    streaming: Annotated[
        bool, typer.Option("--streaming", help="Also decode whole turns, and compare.")
    ] = False,
    precision: Annotated[
        Precision, typer.Option(help="Precision of the encoder; auto: the fastest on this machine.")
    ] = "auto",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all figures and recordings to this file.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Instead of a manifest: folder of the model card's speech sets."),
    ] = None,
    weights: Annotated[Path, typer.Option(help="Folder of the weights.")] = PACKAGE_DIR / "weights",
    work: Annotated[Path, typer.Option(help="With --data: cache of decoded recordings.")] = Path(
        ".hearken/ears"
    ),
) -> None:
    """Evaluate words and emotion on your recordings; or print the table of the model card."""
    console = Console()
    if (manifest is None) == (data is None):
        raise EvaluationError(
            "give either --manifest FILE (your recordings) or --data DIR (the model card's table)"
        )
    if data is not None:
        if checkpoint or compare or telephone or split or limit or streaming or json_file or audio:
            raise EvaluationError("--data goes with --weights and --work alone")
        from agent.lab.training.ears.run import (
            evaluate_ears as print_card,  # torch is slow to import
        )

        print_card(data, weights, work, console)
        return
    assert manifest is not None
    from agent.lab.evaluation.audio_source import default_audio_path
    from agent.lab.evaluation.rendering import print_speech_report
    from agent.lab.evaluation.run import speech_report
    from agent.lab.evaluation.speech_report import EvaluationSettings, report_json

    setting = EvaluationSettings(
        manifest,
        audio or default_audio_path(manifest),
        split,
        limit,
        expect,
        language.lower(),
        telephone,
        precision,
    )
    report = speech_report(
        setting, weights, [checkpoint, *(compare or ())], streaming, SEED, console
    )
    print_speech_report(report, console)
    if json_file is not None:
        write_json(report_json(report), json_file)
        console.print(f"all figures and recordings: {json_file}", highlight=False)
