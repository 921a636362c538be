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
from agent.runtime.conversation import LiveConversation
from agent.store import CallbackTicket, QueuedCustomer, Store
from dialogs.pack.model import Pack
from dialogs.values import Understanding

MAX_MOODS = 30  # mood points of each conversation in the list of sessions
Alert = Literal["", "upset", "waiting_long", "stuck"]
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
    snapshot: QueueSnapshot, conversations: Mapping[str, LiveConversation], now: datetime
) -> list[ListEntry]:
    """The queued customers as JSON fields, in the order they are served."""
    return [
        _queue_entry(one, conversations.get(one.session), snapshot, now) for one in snapshot.waiting
    ]


def _queue_entry(
    waiting: QueuedCustomer,
    conversation: LiveConversation | None,
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
        "channel": conversation.record.channel
        if conversation
        else snapshot.channels.get(waiting.session, "chat"),
        "present": bool(waiting.connected),
        "upset": _current_upset(conversation) if conversation else None,
        "here": conversation is not None,
    }


def session_entries(
    snapshot: QueueSnapshot,
    conversations: Mapping[str, LiveConversation],
    pack: Pack,
    now: datetime,
) -> list[ListEntry]:
    """Every open conversation of this process as JSON fields, the oldest first."""
    asked_at = {one.session: one.asked_at for one in reversed(snapshot.waiting)}
    return [
        _session_entry(live, pack, _seconds_since(asked_at[id], now) if id in asked_at else 0)
        for id, live in conversations.items()
        if not live.session.closed
    ]


def _session_entry(conversation: LiveConversation, pack: Pack, waited_s: int) -> ListEntry:
    ownership, turns = conversation.session.ownership, _customer_turns(conversation)
    certain_turns = [(at, what) for at, what in turns if what.upset_spread < MAX_UPSET_SPREAD]
    return {
        "session": conversation.id,
        "channel": conversation.record.channel,
        "customer": conversation.record.customer,
        "began_at": conversation.record.began_at,
        "lasts_s": round(conversation.now),
        "owner": ownership.owner,
        "name": ownership.person_name,
        "intent": turns[-1][1].intent if turns else "",
        "upset": _current_upset(conversation),
        "moods": [(round(at, 3), round(what.upset, 3)) for at, what in certain_turns[-MAX_MOODS:]],
        "alert": alert_of(conversation, pack, waited_s),
        "turns": len(turns),
        "present": conversation.customer_connected,
    }


def alert_of(conversation: LiveConversation, pack: Pack, waited_s: int) -> Alert:
    """Why a supervisor should look at this conversation; empty for no reason.

    "waiting_long": queued for half of the longest wait; "upset": surely upset in the last turn;
    "stuck": not understood so often that the bot falls back to a menu.
    """
    turns = _customer_turns(conversation)
    if (
        conversation.session.ownership.owner == "queued"
        and waited_s >= pack.opening_hours.max_wait_s / 2
    ):
        return "waiting_long"
    if turns and turns[-1][1].upset - turns[-1][1].upset_spread >= pack.apologise_from:
        return "upset"
    if conversation.session.state.misses >= pack.retry_limits.misses_before_menu:
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
        }
        for one in snapshot.tickets
    ]


def _customer_turns(conversation: LiveConversation) -> list[tuple[float, Understanding]]:
    return [
        (turn.at, turn.understanding)
        for turn in conversation.session.history.turns
        if turn.leg == "customer"
    ]


def _current_upset(conversation: LiveConversation) -> float | None:
    """How upset the customer is now (0 to 1); None when that is too uncertain."""
    turns = _customer_turns(conversation)
    is_certain = bool(turns) and turns[-1][1].upset_spread < MAX_UPSET_SPREAD
    return round(turns[-1][1].upset, 3) if is_certain else None


def _seconds_since(moment: str, now: datetime) -> int:
    return max(0, int((now - datetime.fromisoformat(moment)).total_seconds()))
