"""Command lines of `hearken evaluate escalation` and `hearken train trouble`.

Nothing heavy is imported before the command runs: agent/cli/main.py imports this for every command.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agent.config import PACKAGE_DIR
from agent.lab.json_output import write_json
from dialogs.pack.loader import load_pack

BANK_PACK = PACKAGE_DIR.parent / "dialogs" / "bank"


def evaluate_escalation(
    data: Annotated[Path, typer.Option(help="Folder of the sets, with uss, star and nlupp in it.")],
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all figures to this file, goals first.")
    ] = None,
    pack: Annotated[Path, typer.Option(help="The pack whose rules are evaluated.")] = BANK_PACK,
    weights: Annotated[Path, typer.Option(help="Folder of the weights.")] = PACKAGE_DIR / "weights",
    missed: Annotated[
        float | None, typer.Option(min=0.01, help="Cost of a missed customer; default: pack's.")
    ] = None,
    needless: Annotated[
        float | None, typer.Option(min=0.01, help="Cost of a needless handoff; default: pack's.")
    ] = None,
) -> None:
    """Evaluate the pack's escalation rules: are handoffs needed, in time, and none missed?"""
    from agent.lab.evaluation.escalation.rendering import escalation_json, print_escalation_report
    from agent.lab.evaluation.escalation.run import escalation_report

    console = Console()
    loaded = load_pack(pack)
    costs = loaded.error_costs
    costs = replace(costs, missed=missed or costs.missed, needless=needless or costs.needless)
    loaded = replace(loaded, error_costs=costs)
    with console.status("reading") as status:
        report = escalation_report(data, weights, loaded, status.update)
    print_escalation_report(report, loaded, console)
    if json_file is not None:
        write_json(escalation_json(report, loaded), json_file)
        console.print(f"all figures: {json_file}", highlight=False)


def train_trouble(
    data: Annotated[Path, typer.Option(help="Folder of the sets, with star in it.")],
    out: Annotated[Path, typer.Option(help="Output folder for weights.")] = PACKAGE_DIR / "weights",
) -> None:
    """Train the dialogue breakdown model, which detects that a conversation goes wrong."""
    from agent.lab.training.understanding.dialogue_breakdown import train_breakdown_model as train

    Console().print(f"{train(data, out)}", highlight=False)
