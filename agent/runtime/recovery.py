"""Recovery of a conversation whose process stopped.

Its session is rebuilt by replaying its journal; requests and actions in flight at the stop are then
re-issued under the same ids and keys. The vault opens with the client's token only
(tests/agent/runtime/test_recovery.py, tests/system/test_survival.py).
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from agent.core.event_json import JournalRow, event_from_json
from agent.core.inputs import ConnectionLost, PersonLost, UnderstandingFailed
from agent.core.records import SessionRecord
from agent.core.session import Session, SessionRules
from agent.core.session_factory import new_session
from agent.core.virtual_session import OpenWork, VirtualSession
from agent.privacy.vault import Vault
from agent.runtime.conversation import LiveConversation
from agent.runtime.event_recorder import MAX_RECENT_MESSAGES, JournalPosition
from dialogs.pack.model import Pack


@dataclass(frozen=True, slots=True)
class RecoveredSession:
    """A session rebuilt from its journal, and the work in flight when its process stopped."""

    session: Session
    vault: Vault
    open_work: OpenWork
    position: JournalPosition
    last_input_at: float  # session seconds
    recent_messages: deque[str]  # the last messages to the customer


def recover_session(
    record: SessionRecord, rows: Iterable[JournalRow], token: str, pack: Pack, rules: SessionRules
) -> RecoveredSession:
    """The session of this record as its rows leave it.

    SealError when the token does not open the vault, EventFormatError when a row is no input.
    """
    vault = (
        Vault.unseal(pack, record.sealed, token)
        if record.sealed
        else Vault(pack, secrets.token_bytes(32))
    )
    virtual = VirtualSession(new_session(pack, record, rules))
    position, last_input_at = JournalPosition(), 0.0
    recent_messages: deque[str] = deque(maxlen=MAX_RECENT_MESSAGES)
    for row in rows:
        virtual.receive(event_from_json(row.input))
        position.rows = row.n
        position.client_seq = max(position.client_seq, row.client)
        position.server_seq += len(row.messages)
        recent_messages.extend(row.messages)
        last_input_at = max(last_input_at, row.at)
    return RecoveredSession(
        virtual.session, vault, virtual.open_work, position, last_input_at, recent_messages
    )


def reissue_open_work(conversation: LiveConversation, open_work: OpenWork) -> None:
    """Re-issue the work in flight at the stop. Spoken turns fail, because their audio is gone."""
    if not conversation.status().is_customer_away:  # the process ended before the loss was noticed
        conversation.apply(ConnectionLost(conversation.now))
    for request in open_work.turn_requests.values():
        if request.stream is None:
            conversation.reissue_effect(request)
        else:
            conversation.apply(UnderstandingFailed(conversation.now, request.request_id, "failed"))
    for action in open_work.actions.values():
        conversation.reissue_effect(action)
    for handoff in open_work.handoffs.values():
        conversation.reissue_effect(handoff)
    status = conversation.status()
    for number in () if status.is_with_person else status.open_handoffs:
        if number in open_work.queued_since:
            conversation.start_queue_timeout(number, open_work.queued_since[number])
    if status.is_with_person:  # the console lost its connection, too
        conversation.apply(PersonLost(conversation.now, status.person_name))
