"""Which checkpoints of other people's can Hearken use here, and how does one get onto this machine?

`hearken models pull NAME` is the one place that downloads a model, and only when it is told to;
`hearken models list` shows what was pulled. Neither opens a model, so neither waits for torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from audio.hub import Kind  # brings the hub's client, which other commands need not wait for

SETTINGS: Mapping[Kind, str] = {
    "letters": "speech_checkpoint",
    "feelings": "emotion_checkpoint",
    "whole turns": "writer_checkpoint",
    "sentences": "sentence_checkpoint",
}

models = typer.Typer(help="Fetch and list checkpoints to use beside ours.", no_args_is_help=True)
console = Console()


@models.command("pull")
def pull(
    name: Annotated[str, typer.Argument(help="A name on the Hugging Face hub, or a folder.")],
) -> None:
    """Fetch a checkpoint and say what it is, under which licence, and how to use it."""
    from audio import hub

    here = Path(name).is_dir()
    folder = hub.located(name) if here else hub.fetch(name)
    config = hub.read_json(folder / "config.json")
    kind = hub.kind_of(config)
    if kind is None:
        raise hub.CheckpointError(hub.useless(name, config))
    weights = hub.weights_of(folder)
    if not weights:
        raise hub.CheckpointError(f"{name!r} has no weights, or not all of them, in {folder}")
    facts = Table.grid(padding=(0, 2))
    facts.add_row("model", f"{config.get('model_type')} for {kind}")
    facts.add_row("where", f"{folder}" + (" (a folder here: nothing to fetch)" if here else ""))
    facts.add_row("sha256", hub.sha256(*weights))
    facts.add_row("licence", hub.licence_of(folder))
    facts.add_row("setting", f'{SETTINGS[kind]} = "{name}"')
    console.print(facts, highlight=False, soft_wrap=True)


@models.command("list")
def show() -> None:
    """Checkpoints on this machine that a setting could name."""
    from audio import hub

    table = Table("name", "for", "MiB", "licence", "setting", box=None, header_style="dim")
    for name in hub.cached():
        row = _row(name)
        if row is not None:
            table.add_row(*row)
    if table.row_count:
        console.print(table)
    else:
        console.print("No checkpoint was pulled yet; the embedded models need none.")


def _row(name: str) -> tuple[str, ...] | None:
    """None for a model of no use here, or one of which not even the config.json was fetched."""
    from audio import hub

    try:
        folder = hub.located(name)
        kind = hub.kind_of(hub.read_json(folder / "config.json"))
        weights = hub.weights_of(folder)
    except hub.CheckpointError:
        return None
    if kind is None:
        return None
    size = f"{sum(file.stat().st_size for file in weights) / 2**20:.0f}"
    how = SETTINGS[kind] if weights else "not whole: pull it again"
    return name, kind, size if weights else "", hub.licence_of(folder), how
