"""A small pack of another trade than a bank's, whose back end is declared in its tests."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from rich.console import Console
from ruamel.yaml import YAML

from agent.lab.training.understanding.intents import IntentSettings
from agent.lab.training.understanding.settings import TextModelSettings
from agent.lab.training.understanding.train import train_understanding
from dialogs.pack.loader import BANK_PACK
from dialogs.pack.reserved_names import ENDING_INTENTS, ENGINE_REPLIES, ENGINE_RULES, PERSON_INTENT

PARCELS = Path("tests/data/parcels")
PACKAGED_WEIGHTS = Path("agent/weights")


def write_parcel_pack(folder: Path) -> Path:
    """The pack in `folder/parcels`: what every pack needs is the bank's, the rest its own."""
    pack = folder / "parcels"
    shutil.copytree(PARCELS, pack)
    limits = {name: _bank("pack")[name] for name in ("hearing", "deciding", "patience", "mood")}
    _write(pack / "pack.yaml", {**limits, **_read(pack / "pack.yaml")})
    steering = {
        name: intent
        for name, intent in _bank("intents")["intents"].items()
        if intent["kind"] == "control" or name in (PERSON_INTENT, *ENDING_INTENTS)
    }
    _complete(pack / "intents.yaml", "intents", steering)
    rules = {n: r for n, r in _bank("escalation")["rules"].items() if n in ENGINE_RULES}
    for rule in rules.values():
        rule.pop("intents", None)
    said = {rule["say"] for rule in rules.values()}
    spoken = {n: r for n, r in _bank("replies")["replies"].items() if n in {*ENGINE_REPLIES, *said}}
    _complete(pack / "replies.yaml", "replies", spoken, apologies=_bank("replies")["apologies"])
    _write(pack / "escalation.yaml", {**_bank("escalation"), "rules": rules})
    return pack


def train_parcel_weights(pack: Path, folder: Path) -> Path:
    """The folder of models that understand the pack: its intents, and the packaged ears."""
    weights = folder / "weights"
    settings = TextModelSettings(IntentSettings(noisy_copies=1, hidden_units=8))
    train_understanding(None, weights, pack, Console(quiet=True), settings)
    for name in ("ears", "emotion"):
        (weights / name).symlink_to((PACKAGED_WEIGHTS / name).resolve())
    return weights


def _bank(name: str) -> dict[str, Any]:
    return _read(BANK_PACK / f"{name}.yaml")


def _complete(file: Path, key: str, more: dict[str, Any], **besides: Any) -> None:
    _write(file, {**besides, key: {**more, **_read(file)[key]}})


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe").load(file)
    return content


def _write(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, default=str), encoding="utf-8")  # JSON is YAML, too
