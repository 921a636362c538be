"""Value spans: what an expression says and where it stands in the text.

`problem` says why the expression has no value: nothing may then be assumed in its place. Spans of
one list never overlap (tests/dialogs/extraction/test_slots.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Problem = Literal[
    "",
    "unclear_amount", "range", "relative", "negative", "currency",
    "no_such_day", "unclear_day", "no_such_time", "unclear_time",
    "several",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ValueSpan:
    """A normalised value and its place in the text, end exclusive; empty with a problem."""

    start: int
    end: int
    value: str
    problem: Problem = ""


def overlaps(start: int, end: int, spans: Iterable[ValueSpan]) -> bool:
    """Whether any of the spans has a character in [start, end)."""
    return any(start < span.end and span.start < end for span in spans)
