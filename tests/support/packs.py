"""Packs, read once in a process: a pack is frozen, so that all tests may share it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from dialogs.pack.fingerprint import fingerprint
from dialogs.pack.loader import BANK_PACK, load_pack
from dialogs.pack.model import Pack


@cache
def bank_pack() -> Pack:
    return load_pack()


def pack_in(folder: Path) -> Pack:
    """The pack in this folder as it is now."""
    return bank_pack() if folder == BANK_PACK else _read(folder, fingerprint(folder))


@cache
def _read(folder: Path, content: str) -> Pack:
    return load_pack(folder)
