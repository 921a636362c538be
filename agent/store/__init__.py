"""The database of a server: everything that outlives a conversation.

It holds the journal of every conversation, the audio of recorded ones, the queue of customers who
wait for a person, notes on turns and offers, messages to a helpdesk, and receipts of erasures.
SQLite by default, PostgreSQL by its URL, with the same code through SQLAlchemy Core. Blocking, and
safe to call from several threads. Held by tests/agent/store against both.
"""

from __future__ import annotations

from agent.store.handoff_queue import URGENCIES
from agent.store.records import (
    AudioSegment,
    CallbackRequest,
    CallbackTicket,
    DataRequest,
    ErasureReceipt,
    NotedConversation,
    OutboxMessage,
    QueuedCustomer,
)
from agent.store.store import NothingStored, Store, open_store

__all__ = [
    "URGENCIES",
    "AudioSegment",
    "CallbackRequest",
    "CallbackTicket",
    "DataRequest",
    "ErasureReceipt",
    "NotedConversation",
    "NothingStored",
    "OutboxMessage",
    "QueuedCustomer",
    "Store",
    "open_store",
]
