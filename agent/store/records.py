"""What does the store hand out? Frozen values, times as ISO 8601 in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A conversation as it began and as it stands.

    `today` is the day the dialogue was given, `pack` the digest of its pack, `token` the SHA-256 of
    the resume token, `sealed` its private values that only that token opens, `audio` the wire's
    format. `state` is "live" until the conversation is over. `version` is that of its rows
    (agent/core/event_json.py).
    """

    id: str
    began_at: str
    channel: str
    customer: str
    today: str
    legs: tuple[str, ...]
    speak: bool
    pack: str
    settings: Mapping[str, str]
    models: Mapping[str, str]
    token: str
    state: str
    recording: bool
    ended_at: str
    last_at: str
    sealed: str
    audio: Mapping[str, Any] | None
    version: int = 1


@dataclass(frozen=True, slots=True)
class AudioSegment:
    """Sound of one leg from `start` on, `length` samples at 16 kHz, as FLAC."""

    leg: str
    start: int
    length: int
    sha256: str
    flac: bytes


@dataclass(frozen=True, slots=True)
class QueuedCustomer:
    """One customer who waits for a person."""

    session: str
    number: int
    asked_at: str
    rule: str
    urgency: str
    summary: str
    connected: int  # 1 while connected; who has left (0) is to be called back
    probability: float = 0.0
    evidence: tuple[Mapping[str, Any], ...] = ()
    customer: str = ""


@dataclass(frozen=True, slots=True)
class CallbackTicket:
    """A promise to call back. `why`: "closed", "nobody" or "too_long"."""

    id: str
    session: str
    number: int
    customer: str
    reason: str
    written_at: str
    summary: str


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message to a helpdesk that is not known to have arrived."""

    id: str
    session: str
    number: int
    body: str
    attempts: int


@dataclass(frozen=True, slots=True)
class NotedConversation:
    """A conversation of which judgements are kept. `began_at` is the first one's day and time."""

    session: str
    began_at: str
    channel: str
    turn_count: int
    handoff_count: int


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """What was erased, without naming anybody: digests of the sessions' ids, and rows by table.
    `overwritten`: nothing of it is in the database's files any more."""

    id: str
    at: str
    sessions: tuple[str, ...]
    rows: Mapping[str, int] = field(default_factory=dict)
    overwritten: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"sessions": list(self.sessions), "rows": dict(self.rows)}
