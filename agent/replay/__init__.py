"""Replay of recorded conversations: run them again and compare the decisions."""

from typing import Literal

# strict: with the recorded answers; fresh: answered again; late: as fresh, with recorded delays.
ReplayMode = Literal["strict", "fresh", "late"]
