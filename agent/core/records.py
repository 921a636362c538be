"""The record of a session: all that is needed to build it again, beside its inputs.

A plain value: agent/core/session_factory.py builds a session from it, agent/store keeps it, and a
recording carries it. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """The stored row of a session. Field names are column names and keys of recordings.

    `today` is the date that the dialogue uses, `pack` the digest of its pack, `token` the SHA-256
    of the resume token, `sealed` the vault that only that token opens, `audio` the audio format of
    the wire. `state` is "live" until the conversation is over, then "ended".
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


def utc_text(moment: datetime) -> str:
    """A moment as ISO 8601 in UTC, to the second: the form of all times in the store."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
