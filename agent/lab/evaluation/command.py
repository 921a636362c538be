"""How is `hearken evaluate ears` called, and in which order does it work?

Nothing heavy is imported before the command runs: agent/cli/main.py loads this file for every
command.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from agent.config import PACKAGE_DIR
from agent.lab.evaluation import EvaluationError
from agent.lab.evaluation.json_output import write_json
from audio.types import Precision

SEED = 0
QuestionMode = Literal["auto", "open", "digits", "yes_no", "keywords"]


def evaluate_ears(
    manifest: Annotated[
        Path | None, typer.Option(help="Your recordings: .jsonl or .jsonl.gz, a line each.")
    ] = None,
    audio: Annotated[
        Path | None,
        typer.Option(help="Zip or folder with the paths of the manifest; default: beside it."),
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(help="In the place of the embedded ears: folder or hub name."),
    ] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(help="Another checkpoint, or a folder of weights, over the same recordings."),
    ] = None,
    telephone: Annotated[bool, typer.Option("--telephone", help="8 kHz mu-law first.")] = False,
    split: Annotated[
        str | None,
        typer.Option(help="Default: test where the manifest has splits. all: everything."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many, spread over speakers.")
    ] = None,
    expect: Annotated[
        QuestionMode, typer.Option(help="What the dialogue had asked; auto: by line and text.")
    ] = "auto",
    language: Annotated[
        str, typer.Option(help="Words of lines in other languages are not compared.")
    ] = "en",
    streaming: Annotated[
        bool, typer.Option("--streaming", help="Also hear everything whole, and compare.")
    ] = False,
    precision: Annotated[
        Precision, typer.Option(help="What the encoder multiplies in; auto: what is fastest here.")
    ] = "auto",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write every figure and recording there.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Instead of a manifest: the speech sets of the model card's table."),
    ] = None,
    weights: Annotated[Path, typer.Option(help="Folder of the weights.")] = PACKAGE_DIR / "weights",
    work: Annotated[
        Path, typer.Option(help="With --data: decoded recordings are kept here.")
    ] = Path(".hearken/ears"),
) -> None:
    """How well ears hear your recordings; or, with --data, the table of the model card."""
    console = Console()
    if (manifest is None) == (data is None):
        raise EvaluationError(
            "give either --manifest FILE (your recordings) or --data DIR (the model card's table)"
        )
    if data is not None:
        if checkpoint or compare or telephone or split or limit or streaming or json_file or audio:
            raise EvaluationError("--data goes with --weights and --work alone")
        from agent.lab.training.ears import evaluate_ears as print_card  # torch is slow to import

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
        console.print(f"everything, recording by recording: {json_file}", highlight=False)
