"""How is `hearken evaluate escalation` called?

Nothing heavy is imported before the command runs: agent/cli/main.py loads this file for every
command.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agent.config import PACKAGE_DIR
from agent.lab.evaluation.json_output import write_json

BANK_PACK = PACKAGE_DIR.parent / "dialogs" / "bank"


def evaluate_escalation(
    data: Annotated[Path, typer.Option(help="Folder of the sets, with uss, star and nlupp in it.")],
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write every figure there, the goals first.")
    ] = None,
    pack: Annotated[Path, typer.Option(help="The pack whose rules are measured.")] = BANK_PACK,
    weights: Annotated[Path, typer.Option(help="Folder of the weights.")] = PACKAGE_DIR / "weights",
    missed: Annotated[
        float | None, typer.Option(min=0.01, help="Another cost of a missed customer.")
    ] = None,
    needless: Annotated[
        float | None, typer.Option(min=0.01, help="Another cost of a needless hand-over.")
    ] = None,
) -> None:
    """Is a person called when one is needed, in time, and not for nothing?"""
    from agent.lab.evaluation.escalation.rendering import escalation_json, print_escalation_report
    from agent.lab.evaluation.escalation.run import escalation_report
    from dialogs.pack.model import Pack

    console = Console()
    loaded = Pack.load(pack)
    costs = loaded.error_costs
    costs = replace(costs, missed=missed or costs.missed, needless=needless or costs.needless)
    loaded = replace(loaded, error_costs=costs)
    with console.status("reading") as status:
        report = escalation_report(data, weights, loaded, status.update)
    print_escalation_report(report, loaded, console)
    if json_file is not None:
        write_json(escalation_json(report, loaded), json_file)
        console.print(f"every figure: {json_file}", highlight=False)


def train_trouble(
    data: Annotated[Path, typer.Option(help="Folder of the sets, with star in it.")],
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = PACKAGE_DIR / "weights",
) -> None:
    """Train the model that says whether a conversation is going wrong."""
    from agent.lab.training.understanding.dialogue_breakdown import train_breakdown_model as train

    Console().print(f"{train(data, out)}", highlight=False)
