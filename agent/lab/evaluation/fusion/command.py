"""Command line of `hearken evaluate fusion`.

Nothing heavy is imported before the command runs: agent/cli/main.py imports this for every command.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agent.config import PACKAGE_DIR
from agent.lab.evaluation import EvaluationError
from agent.lab.json_output import write_json


def evaluate_fusion(
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with the public `speech` and `text` sets: acted voices, paired."),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(help="Your recordings instead: .jsonl with text, and emotion or upset."),
    ] = None,
    audio: Annotated[
        Path | None,
        typer.Option(help="Zip or folder with the manifest's paths; default: beside it."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Number of training seeds.")] = 3,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all figures and goals to this file.")
    ] = None,
    picture: Annotated[Path, typer.Option("--plot", help="File of the plot.")] = Path(
        ".hearken/fusion.png"
    ),
    weights: Annotated[Path, typer.Option(help="Folder of the embedded models.")] = (
        PACKAGE_DIR / "weights"
    ),
    work: Annotated[Path, typer.Option(help="Cache of encoded recordings.")] = Path(".hearken"),
) -> None:
    """Compare words, voice and three methods of fusing them on unseen speakers and sentences."""
    console = Console()
    if (manifest is None) == (data is None):
        raise EvaluationError(
            "give either --data DIR (the public sets) or --manifest FILE (your own recordings)"
        )
    from agent.lab.evaluation.fusion.rendering import print_fusion_report, save_fusion_plot
    from agent.lab.evaluation.fusion.report import fusion_json, fusion_report
    from agent.lab.evaluation.fusion.run import fusion_of_manifest, fusion_of_public_sets

    if data is not None:
        outcome, about, served = fusion_of_public_sets(data, weights, work, seeds, console)
    else:
        assert manifest is not None
        outcome, about = fusion_of_manifest(manifest, audio, weights, seeds, console)
        served = []
    report = fusion_report(outcome, about, served)
    print_fusion_report(report, console)
    save_fusion_plot(report, picture)
    console.print(f"plot: {picture}", highlight=False)
    if json_file is not None:
        write_json(fusion_json(report), json_file)
        console.print(f"figures, goals and reliability: {json_file}", highlight=False)
