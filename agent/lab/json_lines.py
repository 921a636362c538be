"""Files of JSON lines: read whole, gzipped or not, and kept as a cache that grows line by line.

Held by tests/agent/lab/test_json_lines.py.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


def read_bytes(path: Path) -> bytes:
    """The contents of a file, decompressed where its name ends in ".gz"."""
    raw = path.read_bytes()
    return gzip.decompress(raw) if path.suffix == ".gz" else raw


def read_json_lines(path: Path) -> Iterator[Any]:
    """The values in a file of JSON lines, gzipped or not; blank lines have none."""
    return (json.loads(line) for line in read_bytes(path).splitlines() if line.strip())


class JsonLinesCache(Generic[K, V]):
    """Values by key in a file of JSON lines, appended one by one: a kill loses at most one.

    `parse` makes key and value of the JSON of a line, `dump` the JSON of key and value.
    """

    def __init__(
        self, file: Path, parse: Callable[[Any], tuple[K, V]], dump: Callable[[K, V], object]
    ) -> None:
        self.file, self.values, self._dump = file, dict[K, V](), dump
        stored = file.read_bytes() if file.exists() else b""
        self._is_cut_short = bool(stored) and not stored.endswith(b"\n")
        for line in stored.splitlines():
            try:
                row = json.loads(line)
            except ValueError:  # the line that a kill cut short, or a blank one
                continue
            key, value = parse(row)
            self.values[key] = value

    def add(self, key: K, value: V) -> None:
        """Keep a value, at once also in the file."""
        self.values[key] = value
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as out:
            line = json.dumps(self._dump(key, value), ensure_ascii=False) + "\n"
            out.write("\n" + line if self._is_cut_short else line)
        self._is_cut_short = False

    def get_or_compute(self, key: K, compute: Callable[[], V]) -> V:
        if key not in self.values:
            self.add(key, compute())
        return self.values[key]
