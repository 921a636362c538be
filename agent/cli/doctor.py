"""Is everything here that Hearken needs, and what exactly is it running with?"""

from __future__ import annotations

import platform
import shutil
import socket
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal, NamedTuple

from rich.console import Console
from rich.table import Table

from agent.config import Settings, SettingsError, load
from agent.inference.worker import load_inference
from audio.types import AudioError
from dialogs.pack.model import Pack, PackError

PACKAGES = ("torch", "torchaudio", "transformers", "websockets", "onnxruntime", "scikit-learn")
FREE_BYTES = 1 << 30
MARKS = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "bad": "[red]bad[/]"}


class Finding(NamedTuple):
    """One line of the report; "bad" ones keep the server from working."""

    state: Literal["ok", "note", "bad"]
    what: str
    words: str


def examine(config: Path | None, console: Console) -> int:
    """Print the report; the exit code is 1 when the server would not start."""
    table = Table("", "what", "found", box=None, pad_edge=False, header_style="dim")
    bad = False
    for finding in _findings(config):
        table.add_row(MARKS[finding.state], finding.what, finding.words)
        bad = bad or finding.state == "bad"
    console.print(table)
    return int(bad)


def _findings(config: Path | None) -> Iterator[Finding]:
    yield Finding("ok", "python", f"{platform.python_version()} on {platform.machine()}")
    yield from _packages()
    try:
        settings = load(config)
    except SettingsError as wrong:
        yield Finding("bad", "settings", str(wrong))
        return
    yield _port(settings)
    yield _disk(settings)
    try:
        pack = Pack.load(settings.pack)
    except PackError as broken:
        yield Finding("bad", "pack", str(broken))
        return
    yield Finding(
        "ok", "pack", f"{pack.bank}: {len(pack.intents)} intents, {len(pack.flows)} flows"
    )
    yield from _models(settings, pack)


def _packages() -> Iterator[Finding]:
    for name in PACKAGES:
        try:
            yield Finding("ok", name, version(name))
        except PackageNotFoundError:
            yield Finding("bad", name, "not installed: run `pip install -e .`")


def _port(settings: Settings) -> Finding:
    where = f"{settings.host}:{settings.port}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as taken:
            return Finding("note", "port", f"{where} cannot be taken ({taken.strerror})")
    return Finding("ok", "port", f"{where} is free")


def _disk(settings: Settings) -> Finding:
    folder = settings.state if settings.state.exists() else Path.cwd()
    free = shutil.disk_usage(folder).free
    state: Literal["ok", "note"] = "ok" if free > FREE_BYTES else "note"
    return Finding(state, "disk", f"{free >> 20} MiB free for {settings.state}")


def _models(settings: Settings, pack: Pack) -> Iterator[Finding]:
    from agent.understanding.text_features import MindError  # slow to import, like the models

    try:
        models = load_inference(settings, pack, lambda message: None)
    except (AudioError, MindError) as missing:
        yield Finding("bad", "models", str(missing))
        return
    for role, model in models.ears.models.items():
        facts = f"{model.streaming} streaming, sha256 {model.sha256}, {model.licence}"
        yield Finding("ok", role, f"{model.name} from {model.where}: {facts}")
    for role, description in models.mind.models.items():
        yield Finding("ok", role, description)
