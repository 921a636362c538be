"""One transcript line and one mood point of a console, and the wording of handoffs and owners."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from agent.core.customer_messages import HandoffStatus
from dialogs.values import Evidence

ItemKind = Literal["customer", "bot", "person", "owner", "handoff", "action", "notice"]
MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class TranscriptItem:
    """One line of a transcript; a later item with the same `n` replaces it.

    `at` is the session second, `n` counts from 1. The field names are the JSON keys of the console
    protocol.
    """

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
        """The fields for a console's JSON message; those that are None are left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class MoodPoint:
    """How upset the customer was in a turn (0 to 1), with the evidence for it."""

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
    """Who owns the conversation now, as a sentence. `name` is a person's or supervisor's."""
    match owner:
        case "queued":
            return "The customer waits for a person."
        case "person":
            return f"{name} has taken over."
        case "supervisor":
            return f"{name}, supervisor, has taken over."
    return "The assistant goes on."


def handoff_text(status: HandoffStatus) -> str:
    """The state of a handoff as a sentence."""
    match status.state:
        case "requested":
            reason = status.escalation.rule.replace(".", ": ").replace("_", " ")
            return f"A person is asked for: {reason}."
        case "queued":
            wait = max(1, round((status.wait_s or 0) / MINUTE_S))
            minutes = "a minute" if wait == 1 else f"{wait} minutes"
            return f"Place {status.position} in the queue, about {minutes}."
        case "accepted":
            return "The handoff is accepted."
        case "callback":
            ticket = status.ticket
            return f"Nobody came; a call back is noted{f' as {ticket}' if ticket else ''}."
    return "The handoff is over."
