"""What the public data sets have in common: splits, and readers of more than one user."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from agent.lab.json_lines import read_bytes

Split = Literal["train", "dev", "test"]


def read_goemotions(data: Path, split: Split) -> Iterator[tuple[str, tuple[str, ...]]]:
    """GoEmotions' comments, and the names of the emotions in each; `data` holds the text sets."""
    folder = data / "goemotions"
    names = (folder / "original_labels.txt").read_text(encoding="utf-8").split()
    for text, numbers in _goemotions_rows(folder, split):
        yield text, tuple(names[int(number)] for number in numbers.split(","))


def read_goemotions_texts(data: Path, split: Split) -> Iterator[str]:
    """GoEmotions' comments alone."""
    return (text for text, _ in _goemotions_rows(data / "goemotions", split))


def _goemotions_rows(folder: Path, split: Split) -> Iterator[tuple[str, str]]:
    for line in read_bytes(folder / f"{split}.tsv.gz").decode().split("\n"):
        if line:
            text, numbers, _ = line.split("\t")
            yield text, numbers
