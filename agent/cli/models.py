"""`hearken models`: download and list third-party checkpoints.

`hearken models pull NAME` is the only code that downloads a model, and only on this command;
`hearken models list` shows the downloaded ones. Neither loads a model, so neither imports torch
(tests/agent/cli/test_models.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

# Importing audio.hub is slow: it loads the hub's client.
if TYPE_CHECKING:
    from audio.hub import CheckpointKind
    from audio.model_packages import ModelPackage

SETTING_OF_KIND: Mapping[CheckpointKind, str] = {
    "letters": "speech_checkpoint",
    "feelings": "emotion_checkpoint",
    "whole turns": "writer_checkpoint",
    "sentences": "sentence_checkpoint",
}

models_app = typer.Typer(help="Download and list checkpoints.", no_args_is_help=True)


@models_app.command("pull")
def pull(
    name: Annotated[str, typer.Argument(help="A name on the Hugging Face hub, or a folder.")],
) -> None:
    """Download a checkpoint and show its type, its licence and the setting to use it."""
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
    facts.add_row(
        "where", f"{folder}" + (" (a local folder: nothing to fetch)" if is_local else "")
    )
    facts.add_row("sha256", hub.short_sha256(*weights))
    facts.add_row("licence", hub.find_licence(folder))
    facts.add_row("setting", f'{SETTING_OF_KIND[kind]} = "{name}"')
    Console().print(facts, highlight=False, soft_wrap=True)


@models_app.command("list")
def list_checkpoints() -> None:
    """List the checkpoints and packaged models on this machine that a setting can name."""
    from audio import hub
    from audio.model_packages import MODEL_PACKAGES

    table = Table("name", "for", "MiB", "licence", "setting", box=None, header_style="dim")
    for package in MODEL_PACKAGES:
        table.add_row(*_package_row(package))
    for name in hub.cached_names():
        row = _checkpoint_row(name)
        if row is not None:
            table.add_row(*row)
    Console().print(table)
    for package in MODEL_PACKAGES:
        Console().print(f"{package.name}: {package.origin}, sha256 {package.sha256[:12]}")
    if not hub.cached_names():
        Console().print("No checkpoint was pulled yet; the embedded models need none.")


def _package_row(package: ModelPackage) -> tuple[str, ...]:
    """The table row of a packaged model, checked; what is missing where it is not installed."""
    from audio.model_packages import missing_distributions, model_folder

    setting_text = f'{SETTING_OF_KIND[package.kind]} = "auto"'
    if missing := missing_distributions(package):
        return package.name, package.kind, "", package.licence, f"missing: {', '.join(missing)}"
    folder = model_folder(package)
    assert folder is not None, "its packages are here"
    size = f"{(folder / package.weights).stat().st_size / 2**20:.0f}"
    return package.name, package.kind, size, package.licence, setting_text


def _checkpoint_row(name: str) -> tuple[str, ...] | None:
    """The table row of a checkpoint; None if its config.json is missing or of no use here."""
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
    setting_text = SETTING_OF_KIND[kind] if weights else "incomplete: pull it again"
    return name, kind, size if weights else "", hub.find_licence(folder), setting_text
