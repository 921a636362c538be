"""The database of one server, all of its tables in one object; and how to open one that exists."""

from __future__ import annotations

from pathlib import Path

from agent.store.conversations import Conversations
from agent.store.data_requests import DataRequests
from agent.store.handoff_queue import HandoffQueue
from agent.store.outbox import Outbox
from agent.store.turn_notes import TurnNotes


class Store(Conversations, HandoffQueue, TurnNotes, Outbox, DataRequests):
    """The database of one server; all methods block and may be called from any thread."""


class NothingStored(ValueError):
    """The store, session or turn does not exist; the text says what does."""


def open_store(state: Path, database: str = "") -> Store:
    """The store of a server with these settings: `database` is an SQLAlchemy URL, or empty for a
    file in the folder `state`. NothingStored when that file does not exist."""
    if database:
        return Store(database)
    file = state / "hearken.sqlite3"
    if not file.exists():
        raise NothingStored(
            f"no conversations are kept in {state}; has a server run in this folder?"
        )
    return Store(file)
