"""The lists that consoles show: queued customers, running sessions, promised call-backs.

Each list is sent complete. `read_queue` reads the store and blocks; the other functions combine its
snapshot with the conversations of this process and do no I/O (tests/system/test_supervisors.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agent.console.transcript_view import MAX_UPSET_SPREAD
from agent.runtime.conversation_status import ConversationStatus
from agent.store import CallbackTicket, QueuedCustomer, Store
from dialogs.pack.model import Pack

MAX_MOODS = 30  # mood points of each conversation in the list of sessions
Alert = Literal["", "care", "upset", "waiting_long", "stuck"]
ListEntry = dict[str, object]


@dataclass(frozen=True, slots=True)
class QueueSnapshot:
    """What the store knows of queue and call-backs. `channels` maps sessions of other processes to
    their channel."""

    waiting: tuple[QueuedCustomer, ...]
    tickets: tuple[CallbackTicket, ...]
    channels: Mapping[str, str]


def read_queue(store: Store, local_sessions: frozenset[str]) -> QueueSnapshot:
    """Queue, call-backs and channels from the store. Blocking.

    `local_sessions` are the ids of this process's sessions: their channels need no look-up.
    """
    waiting = tuple(store.queued_customers())
    remote_sessions = {one.session for one in waiting} - local_sessions
    records = [
        record for id in sorted(remote_sessions) if (record := store.find_session(id)) is not None
    ]
    channels = {record.id: record.channel for record in records}
    return QueueSnapshot(waiting, tuple(store.callback_tickets()), channels)


def queue_entries(
    snapshot: QueueSnapshot, statuses: Mapping[str, ConversationStatus], now: datetime
) -> list[ListEntry]:
    """The queued customers as JSON fields, in the order they are served. `statuses` are those of
    this process's conversations, by session."""
    return [_queue_entry(one, statuses.get(one.session), snapshot, now) for one in snapshot.waiting]


def _queue_entry(
    waiting: QueuedCustomer,
    status: ConversationStatus | None,
    snapshot: QueueSnapshot,
    now: datetime,
) -> ListEntry:
    return {
        "session": waiting.session,
        "id": waiting.number,
        "asked_at": waiting.asked_at,
        "waited_s": _seconds_since(waiting.asked_at, now),
        "urgency": waiting.urgency,
        "rule": waiting.rule,
        "probability": round(waiting.probability, 3),
        "summary": waiting.summary,
        "customer": waiting.customer,
        "channel": status.channel if status else snapshot.channels.get(waiting.session, "chat"),
        "present": bool(waiting.connected),
        "upset": _current_upset(status) if status else None,
        "here": status is not None,
    }


def session_entries(
    snapshot: QueueSnapshot,
    statuses: Mapping[str, ConversationStatus],
    pack: Pack,
    now: datetime,
) -> list[ListEntry]:
    """Every open conversation of this process as JSON fields, the oldest first."""
    asked_at = {one.session: one.asked_at for one in reversed(snapshot.waiting)}
    return [
        _session_entry(status, pack, _seconds_since(asked_at[id], now) if id in asked_at else 0)
        for id, status in statuses.items()
        if not status.is_over
    ]


def _session_entry(status: ConversationStatus, pack: Pack, waited_s: int) -> ListEntry:
    turns = status.customer_turns
    certain_turns = [(at, one) for at, one in turns if one.upset_spread < MAX_UPSET_SPREAD]
    return {
        "session": status.id,
        "channel": status.channel,
        "customer": status.customer,
        "began_at": status.began_at,
        "lasts_s": round(status.lasts_s),
        "owner": status.owner,
        "name": status.person_name,
        "intent": turns[-1][1].intent if turns else "",
        "upset": _current_upset(status),
        "moods": [(round(at, 3), round(one.upset, 3)) for at, one in certain_turns[-MAX_MOODS:]],
        "alert": alert_of(status, pack, waited_s),
        "turns": len(turns),
        "present": status.customer_connected,
    }


def alert_of(status: ConversationStatus, pack: Pack, waited_s: int) -> Alert:
    """Why a supervisor should look at this conversation; empty for no reason.

    "care": danger or distress was recognised, and no person has the conversation yet;
    "waiting_long": queued for half of the longest wait; "upset": surely upset in the last turn;
    "stuck": not understood so often that the bot falls back to a menu.
    """
    turns = status.customer_turns
    if status.is_in_danger and not status.is_with_person:
        return "care"
    if status.owner == "queued" and waited_s >= pack.opening_hours.max_wait_s / 2:
        return "waiting_long"
    if turns and turns[-1][1].upset - turns[-1][1].upset_spread >= pack.apologise_from:
        return "upset"
    if status.misses >= pack.retry_limits.misses_before_menu:
        return "stuck"
    return ""


def callback_entries(snapshot: QueueSnapshot) -> list[ListEntry]:
    """The promised call-backs as JSON fields, the oldest first."""
    return [
        {
            "ticket": one.id,
            "session": one.session,
            "customer": one.customer,
            "why": one.reason,
            "written_at": one.written_at,
            "summary": one.summary,
            "contact": one.contact,
            "name": one.contact_name,
            "due_at": one.due_at,
        }
        for one in snapshot.tickets
    ]


def _current_upset(status: ConversationStatus) -> float | None:
    """How upset the customer is now (0 to 1); None when that is too uncertain."""
    turns = status.customer_turns
    is_certain = bool(turns) and turns[-1][1].upset_spread < MAX_UPSET_SPREAD
    return round(turns[-1][1].upset, 3) if is_certain else None


def _seconds_since(moment: str, now: datetime) -> int:
    return max(0, int((now - datetime.fromisoformat(moment)).total_seconds()))
