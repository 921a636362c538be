"""What is one line of a transcript as a console shows it, and how is it worded?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from dialogs.values import Evidence

ItemKind = Literal["customer", "bot", "person", "owner", "handoff", "action", "notice"]
MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class TranscriptItem:
    """One line of a transcript. The same `n` again replaces what was known of it before."""

    n: int
    at: float
    kind: ItemKind
    text: str
    turn: int | None = None
    name: str | None = None
    intent: str | None = None
    confidence: float | None = None
    upset: float | None = None
    emotion: str | None = None
    flow: str | None = None
    step: str | None = None
    rule: str | None = None
    state: str | None = None
    spoken: bool | None = None

    def as_dict(self) -> dict[str, object]:
        """As a console gets it: without what is not known."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class MoodPoint:
    """How upset the customer was in a turn, and why that is thought."""

    at: float
    turn: int
    upset: float
    emotion: str | None
    evidence: tuple[Evidence, ...]

    def as_dict(self) -> dict[str, object]:
        reasons = [asdict(one) for one in self.evidence]
        return {"at": self.at, "turn": self.turn, "upset": self.upset, "emotion": self.emotion,
                "evidence": reasons}  # fmt: skip


def owner_text(owner: str, name: str) -> str:
    """Who owns the conversation now, in words."""
    match owner:
        case "queued":
            return "The customer waits for a person."
        case "person":
            return f"{name} has taken over."
        case "supervisor":
            return f"{name}, supervisor, has taken over."
    return "The assistant goes on."


def handoff_text(handoff: Mapping[str, Any]) -> str:
    """How a hand-over stands, in words."""
    match handoff["state"]:
        case "requested":
            return f"A person is asked for: {handoff['rule'].replace('_', ' ')}."
        case "queued":
            wait = max(1, round((handoff.get("wait_s") or 0) / MINUTE_S))
            minutes = "a minute" if wait == 1 else f"{wait} minutes"
            return f"Place {handoff.get('position')} in the queue, about {minutes}."
        case "accepted":
            return "Somebody has come."
        case "callback":
            ticket = handoff.get("ticket")
            return f"Nobody came; a call back is noted{f' as {ticket}' if ticket else ''}."
    return "The request is settled."
