"""Results that are computed once and kept in a file.

Held by tests/agent/lab/test_file_cache.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def load_or_compute(
    path: Path,
    compute: Callable[[], T],
    save: Callable[[T, Path], object],
    load: Callable[[Path], T],
) -> T:
    """What `load` reads from `path`, where `save` puts the result of `compute` when it is missing.

    A file is there whole or not at all, also when two processes compute it at the same time.
    """
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}")
        save(compute(), draft)
        draft.replace(path)
    return load(path)
