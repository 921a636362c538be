"""The database of a server: everything that outlives a conversation.

It holds the journal of every conversation, the audio of recorded ones, the queue of customers who
wait for a person, notes on turns and offers, messages to a helpdesk, and receipts of erasures.
SQLite by default, PostgreSQL by its URL, with the same code through SQLAlchemy Core. Blocking, and
safe to call from several threads. Held by tests/agent/store against both.
"""

from __future__ import annotations

from agent.core.records import SessionRecord
from agent.store.conversations import Conversations
from agent.store.erasure import Erasure
from agent.store.handoff_queue import URGENCIES, HandoffQueue
from agent.store.outbox import Outbox
from agent.store.records import (
    AudioSegment,
    CallbackTicket,
    ErasureReceipt,
    NotedConversation,
    OutboxMessage,
    QueuedCustomer,
)
from agent.store.turn_notes import TurnNotes

__all__ = [
    "URGENCIES",
    "NotedConversation",
    "OutboxMessage",
    "ErasureReceipt",
    "AudioSegment",
    "SessionRecord",
    "Store",
    "CallbackTicket",
    "QueuedCustomer",
]


class Store(Conversations, HandoffQueue, TurnNotes, Outbox, Erasure):
    """The database of one server; all methods block and may be called from any thread."""
