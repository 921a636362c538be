"""What was replaced in an input, and where?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from agent.privacy.detection import LABELS, PrivateSpan
from dialogs.pack.privacy_rules import PiiKind


@dataclass(frozen=True, slots=True)
class Redaction:
    """Something private that was replaced: `where` says in which text of the input ("text",
    "transcript", "slot", ...), `start` and `end` where in that text as it is now. Of spoken words,
    `from_sample` and `to_sample` are positions of their leg; both 0 where that is not known."""

    kind: PiiKind
    where: str
    start: int
    end: int
    label: str
    leg: str = ""
    from_sample: int = 0
    to_sample: int = 0

    def as_json_fields(self) -> dict[str, Any]:
        """As it is kept: without what is empty."""
        kept = asdict(self)
        return {name: kept[name] for name in kept if kept[name] or name in {"start", "end"}}


def redaction_of_span(span: PrivateSpan, where: str, start: int, end: int) -> Redaction:
    """Of what was found, as it stands in the text now."""
    return Redaction(span.kind, where, start, end, span.label)


def unplaced_redaction() -> Redaction:
    """Somewhere in these spoken words: nobody knows when it was said."""
    return Redaction("code", "transcript", 0, 0, LABELS["code"])
