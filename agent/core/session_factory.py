"""Builds a `Session` from its stored record.

The same record gives the same session: for a new customer, for recovery after a restart, and for a
replay.
"""

from __future__ import annotations

from datetime import date
from typing import cast

from agent.core.records import SessionRecord
from agent.core.session import Session, SessionRules
from dialogs.manager import Dialogue
from dialogs.pack.model import Pack
from dialogs.values import Channel


def new_session(pack: Pack, record: SessionRecord, rules: SessionRules) -> Session:
    """The session of this record, before its first input."""
    draw = int(record.id[:13], 16) / 16**13  # the id comes from `secrets`: uniform in [0, 1)
    channel = cast(Channel, record.channel)
    return Session(
        Dialogue(pack, record.id, date.fromisoformat(record.today), channel, draw), rules
    )
