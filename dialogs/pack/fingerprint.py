"""Is this the same pack as then? A digest over its files, by name and content."""

from __future__ import annotations

import hashlib
from pathlib import Path


def fingerprint(directory: Path) -> str:
    """SHA-256 of every file of a pack, independent of where it lies."""
    digest = hashlib.sha256()
    for file in sorted(directory.rglob("*")):
        if file.is_file() and not file.name.startswith("."):
            name = file.relative_to(directory).as_posix()
            digest.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
