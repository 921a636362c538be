"""The frozen records that the store returns. Times are ISO 8601 in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class AudioSegment:
    """Audio of one leg from `start` on: `length` samples at 16 kHz, as FLAC."""

    leg: str
    start: int
    length: int
    sha256: str
    flac: bytes


@dataclass(frozen=True, slots=True)
class QueuedCustomer:
    """A customer in the queue for a person; `number` is that of the handoff in its session."""

    session: str
    number: int
    asked_at: str
    rule: str
    urgency: str
    summary: str
    connected: int  # 1; 0 when the customer has left and is to be called back
    probability: float = 0.0
    evidence: tuple[Mapping[str, Any], ...] = ()
    customer: str = ""


@dataclass(frozen=True, slots=True)
class CallbackTicket:
    """A promise to call a customer back. `reason` is "closed", "nobody" or "too_long"; `contact` is
    a telephone number or an e-mail address, empty in tickets of earlier versions; `due_at` is when
    somebody is back who can call, empty for as soon as possible."""

    id: str
    session: str
    number: int
    customer: str
    reason: str
    written_at: str
    summary: str
    contact: str = ""
    contact_name: str = ""
    due_at: str = ""


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """A call back to be promised: where, to whom, about what. `key` is that of its action: the same
    key is the same promise."""

    session: str
    key: str
    contact: str
    name: str
    about: str
    due_at: str = ""


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message to a helpdesk whose delivery is not known yet; `body` is JSON."""

    id: str
    session: str
    number: int
    body: str
    attempts: int


@dataclass(frozen=True, slots=True)
class NotedConversation:
    """A conversation with turn notes. `began_at` is the time of the first note."""

    session: str
    began_at: str
    channel: str
    turn_count: int
    handoff_count: int


@dataclass(frozen=True, slots=True)
class DataRequest:
    """What a customer has asked of their data: "erasure", "copy" or "objection". `done_at` is empty
    while it is open; once it is done it names no session and no customer. `receipt` is that of an
    erasure."""

    reference: str
    kind: str
    session: str
    customer: str
    asked_at: str
    done_at: str = ""
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """Proof of an erasure that names nobody: SHA-256 of the sessions' ids, and deleted rows by
    table. `overwritten`: the deleted data is no longer in the database's files."""

    id: str
    at: str
    sessions: tuple[str, ...]
    rows: Mapping[str, int] = field(default_factory=dict)
    overwritten: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The receipt as JSON values."""
        return asdict(self) | {"sessions": list(self.sessions), "rows": dict(self.rows)}
