"""Command line of `hearken evaluate understanding`, its tables and its JSON.

Nothing heavy is imported before the command runs: agent/cli/main.py imports this for every command.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from agent.config import PACKAGE_DIR
from agent.lab.figures import figures_table
from agent.lab.goals import goals_table
from agent.lab.json_output import json_value, write_json
from dialogs.pack.loader import load_pack

if TYPE_CHECKING:
    from agent.lab.evaluation.understanding.report import UnderstandingReport

TEST_DATA = PACKAGE_DIR.parent / "tests" / "data"  # exists in a checkout only


def evaluate_understanding(
    data: Annotated[
        Path | None, typer.Option(help="Folder of the public text sets; none: shipped weights.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all figures to this file, goals first.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Save the reliability curves as this image.")
    ] = None,
    pack: Annotated[Path, typer.Option(help="The pack of the shipped intents.")] = (
        PACKAGE_DIR.parent / "dialogs" / "bank"
    ),
    weights: Annotated[Path, typer.Option(help="Folder of the weights.")] = PACKAGE_DIR / "weights",
    sentence_checkpoint: Annotated[
        str, typer.Option(help="Also evaluate with this sentence encoder: folder or hub name.")
    ] = "",
    spoken: Annotated[
        bool, typer.Option(help="Also synthesise and transcribe them: an hour, the first time.")
    ] = True,
    work: Annotated[Path, typer.Option(help="Cache of transcripts.")] = Path(
        ".hearken/understanding"
    ),
) -> None:
    """Evaluate the text models: public benchmarks, and the weights as shipped."""
    import torch
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from agent.lab.evaluation.understanding.benchmarks import SpokenChannel
    from agent.lab.evaluation.understanding.run import understanding_report

    torch.set_num_threads(1)  # as the server runs them
    threadpool_limits(1)
    console = Console()
    encoder = None
    if sentence_checkpoint:
        from agent.understanding.sentence_encoder import SentenceEncoder

        encoder = (sentence_checkpoint, SentenceEncoder.load(sentence_checkpoint))
    channel = SpokenChannel(PACKAGE_DIR / "weights" / "ears", work, console) if spoken else None
    test_data = TEST_DATA if TEST_DATA.exists() else None
    report = understanding_report(
        data, weights, load_pack(pack), test_data, channel, encoder, lambda now: console.print(now)
    )
    print_understanding_report(report, console)
    if plot is not None:
        from agent.lab.evaluation.understanding.reliability_plot import save_reliability_plot

        save_reliability_plot(report.reliability, plot)
        console.print(f"reliability: {plot}", highlight=False)
    if json_file is not None:
        write_json(understanding_json(report), json_file)
        console.print(f"all figures: {json_file}", highlight=False)


def print_understanding_report(report: UnderstandingReport, console: Console) -> None:
    console.print(figures_table(report.figures))
    console.print(goals_table(report.goals))


def understanding_json(report: UnderstandingReport) -> dict[str, object]:
    return {
        "goals": [goal.as_json() for goal in report.goals],
        "figures": [figure.as_json() for figure in report.figures],
        "reliability": {
            name: json_value(table, None) for name, table in report.reliability.items()
        },
    }
