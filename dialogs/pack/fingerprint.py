"""Digest of a pack: over the names and contents of its files."""

from __future__ import annotations

import hashlib
from pathlib import Path


def fingerprint(directory: Path) -> str:
    """SHA-256 in hexadecimal over all files of a pack folder, independent of its location.

    Hidden files do not count.
    """
    digest = hashlib.sha256()
    for file in sorted(directory.rglob("*")):
        if file.is_file() and not file.name.startswith("."):
            name = file.relative_to(directory).as_posix()
            digest.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
