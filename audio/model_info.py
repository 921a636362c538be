"""What is told of a model in use: its name, its origin, its checksum and its licence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CheckpointKind = Literal["letters", "feelings", "whole turns", "sentences"]  # its use


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Name, origin, checksum and licence of a model in use."""

    name: str
    source: str  # folder, hub name or origin
    sha256: str  # the first twelve digits of its weights' SHA-256
    licence: str
    streaming: str = "no"  # "exact", "bounded", "windowed" or "no"
