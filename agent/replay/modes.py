"""The ways of replaying a recording; light, because the command line reads it at every start."""

from __future__ import annotations

from typing import Literal

ReplayMode = Literal["strict", "fresh", "late"]
