"""Digest of a pack: over the names and contents of its files.

The conversation tests beside a pack say what it should do, not what it does: they do not count
(tests/dialogs/pack/test_fingerprint.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

TESTS_FOLDER = "tests"  # of a pack's folder: its conversation tests


def fingerprint(directory: Path) -> str:
    """SHA-256 in hexadecimal over all files of a pack folder, independent of its location.

    Hidden files and conversation tests do not count.
    """
    digest = hashlib.sha256()
    for file in pack_files(directory):
        name = file.relative_to(directory).as_posix()
        digest.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def pack_files(directory: Path) -> Iterator[Path]:
    """The files that make up a pack: neither hidden ones nor its conversation tests."""
    for file in sorted(directory.rglob("*")):
        is_test = file.relative_to(directory).parts[0] == TESTS_FOLDER
        if file.is_file() and not file.name.startswith(".") and not is_test:
            yield file
