"""The record of one replaced value in an input: its kind, its place, its samples.

It never holds the value itself. Its JSON fields are stored with the journal row and in recordings.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from agent.privacy.detection import LABELS, PrivateSpan
from dialogs.pack.privacy_rules import PiiKind


@dataclass(frozen=True, slots=True)
class Redaction:
    """A private value that was replaced.

    `where` names the text of the input ("text", "transcript", "slot", ...); `start` and `end` are
    the place of the surrogate in it. For spoken words `from_sample` and `to_sample` are positions
    of their leg at 16 kHz, both 0 where the time is not known.
    """

    kind: PiiKind
    where: str
    start: int
    end: int
    label: str
    leg: str = ""
    from_sample: int = 0
    to_sample: int = 0

    def as_json_fields(self) -> dict[str, Any]:
        """The fields as they are stored: `start`, `end` and all that are not empty."""
        required = {"start", "end"}
        return {name: value for name, value in asdict(self).items() if value or name in required}

    @classmethod
    def from_span(cls, span: PrivateSpan, where: str, start: int, end: int) -> Redaction:
        """The record of a detected span whose surrogate is now at `start` to `end`."""
        return cls(span.kind, where, start, end, span.label)

    @classmethod
    def unplaced(cls) -> Redaction:
        """The record of a private value in spoken words whose time is not known."""
        return cls("code", "transcript", 0, 0, LABELS["code"])
