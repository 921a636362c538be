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
    from audio.hub import (
        CheckpointKind,  # brings the hub's client, which other commands need not wait for
    )

SETTING_OF_KIND: Mapping[CheckpointKind, str] = {
    "letters": "speech_checkpoint",
    "feelings": "emotion_checkpoint",
    "whole turns": "writer_checkpoint",
    "sentences": "sentence_checkpoint",
}

models_app = typer.Typer(
    help="Fetch and list checkpoints to use beside ours.", no_args_is_help=True
)
console = Console()


@models_app.command("pull")
def pull(
    name: Annotated[str, typer.Argument(help="A name on the Hugging Face hub, or a folder.")],
) -> None:
    """Fetch a checkpoint and say what it is, under which licence, and how to use it."""
    from audio import hub

    is_local = Path(name).is_dir()
    folder = hub.find_folder(name) if is_local else hub.fetch(name)
    config = hub.read_json(folder / "config.json")
    kind = hub.kind_of(config)
    if kind is None:
        raise hub.CheckpointError(hub.unusable_reason(name, config))
    weights = hub.weight_files(folder)
    if not weights:
        raise hub.CheckpointError(f"{name!r} has no weights, or not all of them, in {folder}")
    facts = Table.grid(padding=(0, 2))
    facts.add_row("model", f"{config.get('model_type')} for {kind}")
    facts.add_row("where", f"{folder}" + (" (a folder here: nothing to fetch)" if is_local else ""))
    facts.add_row("sha256", hub.short_sha256(*weights))
    facts.add_row("licence", hub.find_licence(folder))
    facts.add_row("setting", f'{SETTING_OF_KIND[kind]} = "{name}"')
    console.print(facts, highlight=False, soft_wrap=True)


@models_app.command("list")
def list_checkpoints() -> None:
    """Checkpoints on this machine that a setting could name."""
    from audio import hub

    table = Table("name", "for", "MiB", "licence", "setting", box=None, header_style="dim")
    for name in hub.cached_names():
        row = _checkpoint_row(name)
        if row is not None:
            table.add_row(*row)
    if table.row_count:
        console.print(table)
    else:
        console.print("No checkpoint was pulled yet; the embedded models need none.")


def _checkpoint_row(name: str) -> tuple[str, ...] | None:
    """None for a model of no use here, or one of which not even the config.json was fetched."""
    from audio import hub

    try:
        folder = hub.find_folder(name)
        kind = hub.kind_of(hub.read_json(folder / "config.json"))
        weights = hub.weight_files(folder)
    except hub.CheckpointError:
        return None
    if kind is None:
        return None
    size = f"{sum(file.stat().st_size for file in weights) / 2**20:.0f}"
    setting_text = SETTING_OF_KIND[kind] if weights else "not whole: pull it again"
    return name, kind, size if weights else "", hub.find_licence(folder), setting_text
