"""Packs, read once in a process: a pack is frozen, so that all tests may share it."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from functools import cache
from pathlib import Path

from dialogs.pack.fingerprint import fingerprint
from dialogs.pack.loader import BANK_PACK, load_pack
from dialogs.pack.model import Pack

DOCUMENTS = "knowledge/documents.jsonl.gz"


@cache
def bank_pack() -> Pack:
    return load_pack()


def pack_in(folder: Path) -> Pack:
    """The pack in this folder as it is now."""
    return bank_pack() if folder == BANK_PACK else _read(folder, fingerprint(folder))


@cache
def _read(folder: Path, content: str) -> Pack:
    return load_pack(folder)


def copy_bank_pack(folder: Path) -> Path:
    """A copy to change, without the phrases of care.yaml and with the documents that offers name
    only: these two are most of what reading the pack takes."""
    shutil.copytree(BANK_PACK, folder, ignore=shutil.ignore_patterns("care.yaml"))
    documents, offers = folder / DOCUMENTS, (folder / "offers.yaml").read_text(encoding="utf-8")
    named = re.findall(r"document: (\w+)", offers)
    with gzip.open(documents, "rt", encoding="utf-8") as lines:
        kept = [line for line in lines if json.loads(line)["id"] in named]
    with gzip.open(documents, "wt", encoding="utf-8") as lines:
        lines.writelines(kept)
    return folder
