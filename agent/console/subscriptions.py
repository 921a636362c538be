"""Subscriptions of one console to conversations: catch-up from the store, then live changes.

Changes that happen while the stored rows are read are buffered and applied after them, so that a
console misses nothing and gets nothing twice (tests/system/test_desk.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from agent.console import takeover
from agent.console.takeover import AgentUser
from agent.console.transcript_view import TranscriptView
from agent.core.records import SessionRecord
from agent.runtime.conversation import LiveConversation
from agent.runtime.event_bus import ConversationChange
from agent.runtime.registry import ConversationRegistry
from agent.runtime.services import Services
from agent.store import Store
from agent.wire.console import console_message
from agent.wire.native import WireError
from dialogs.agent_assist import suggest_replies


@dataclass(slots=True)
class _FollowedConversation:
    """A subscription. `early_changes` buffers changes while the view is read from the store."""

    early_changes: list[ConversationChange] = field(default_factory=list)
    view: TranscriptView | None = None
    last_suggested_turn: int = 0  # the last turn that replies were suggested for


class ConversationSubscriptions:
    """All conversations that one console follows. To be used from one event loop."""

    def __init__(
        self,
        services: Services,
        registry: ConversationRegistry,
        user: AgentUser,
        send: Callable[[str], None],
    ) -> None:
        self._services = services
        self._registry = registry
        self._user = user
        self._send = send
        self._followed: dict[str, _FollowedConversation] = {}

    async def watch(self, session: str) -> None:
        """Follow `session` instead of the one watched before; owned conversations stay followed.

        WireError when this user may not see it, or it is not known.
        """
        if not await self._may_view(session):
            raise WireError("not_yours", "You may see queued conversations and your own.")
        for other in [id for id in self._followed if id != session and not self._is_owned(id)]:
            self.unsubscribe(other)
        await self.open(session)

    async def open(self, session: str) -> None:
        """Send everything shown of a conversation, and follow it from now on.

        WireError when the session is not known.
        """
        followed = self._followed[session] = _FollowedConversation()
        conversation = self._registry.get(session)
        store = self._services.store
        await self._services.journal.submit(lambda: None)  # earlier rows are stored now
        record = (
            conversation.record
            if conversation
            else await asyncio.to_thread(store.find_session, session)
        )
        if record is None:
            self.unsubscribe(session)
            raise takeover.session_over_error()
        view = await asyncio.to_thread(_load_view, store, record)
        suggestions = await self._suggested_replies(conversation)
        if self._followed.get(session) is not followed:
            return  # opened once more, or unsubscribed, meanwhile
        for one in followed.early_changes:
            _apply_change(view, one)
        followed.view, followed.last_suggested_turn = view, view.last_understood_turn
        self._send(_opened_message(view, record, suggestions))
        is_over = record.state == "ended" or any(
            one.kind == "closed" for one in followed.early_changes
        )
        if is_over or (conversation is not None and session not in self._registry):
            self._send_closed(session, view)

    async def on_change(self, change: ConversationChange) -> None:
        """Send what changes in a conversation, if this console follows it."""
        followed = self._followed.get(change.session)
        if followed is None:
            return
        if followed.view is None:
            followed.early_changes.append(change)
            return
        owner_before = followed.view.owner, followed.view.owner_name
        for message in _apply_change(followed.view, change):
            self._send(message)
        if change.kind == "closed":
            self._send_closed(change.session, followed.view)
        elif owner_before != (followed.view.owner, followed.view.owner_name):
            await self._recheck_permission(change.session)
        await self._send_suggestions(change.session, followed, followed.view)

    def unsubscribe(self, session: str) -> None:
        self._followed.pop(session, None)

    def unsubscribe_all(self) -> None:
        self._followed.clear()

    def unwatch(self) -> None:
        """Stop following all conversations that this user does not own."""
        for session in [id for id in self._followed if not self._is_owned(id)]:
            self.unsubscribe(session)

    # -- permissions ---------------------------------------------------------------------------

    def _is_owned(self, session: str) -> bool:
        conversation = self._registry.get(session)
        return conversation is not None and conversation.session.ownership.is_owned_by(
            self._user.name
        )

    async def _may_view(self, session: str) -> bool:
        """A supervisor may see everything, a person what is queued or their own."""
        if self._user.role == "supervisor" or self._is_owned(session):
            return True
        if (conversation := self._registry.get(session)) is not None:
            return conversation.session.ownership.owner == "queued"
        waiting = await asyncio.to_thread(self._services.store.queued_customers)
        return any(one.session == session for one in waiting)

    async def _recheck_permission(self, session: str) -> None:
        """Unsubscribe if this user may not see the conversation under its new owner."""
        if not await self._may_view(session):
            self.unsubscribe(session)

    # -- messages ------------------------------------------------------------------------------

    def _send_closed(self, session: str, view: TranscriptView) -> None:
        self._send(
            console_message("closed", session=session, reason=view.end_reason or "It is over.")
        )
        self.unsubscribe(session)

    async def _send_suggestions(
        self, session: str, followed: _FollowedConversation, view: TranscriptView
    ) -> None:
        """Suggest replies to the owner once for each turn of the customer."""
        if view.last_understood_turn == followed.last_suggested_turn or not self._is_owned(session):
            return
        followed.last_suggested_turn = view.last_understood_turn
        suggestions = await self._suggested_replies(self._registry.get(session))
        if self._followed.get(session) is followed:
            self._send(console_message("suggestions", session=session, replies=suggestions))

    async def _suggested_replies(
        self, conversation: LiveConversation | None
    ) -> list[dict[str, str]]:
        if conversation is None:
            return []
        session, pack = conversation.session, self._services.pack
        suggestions = await asyncio.to_thread(
            suggest_replies, pack, session.state, session.history, session.dialogue.today
        )
        return [asdict(one) for one in suggestions]


def _load_view(store: Store, record: SessionRecord) -> TranscriptView:
    """The view of a conversation from all its stored rows. Blocking."""
    view = TranscriptView(record.id, record.speak)
    for row in store.read_rows(record.id):
        view.apply_row(row)
    return view


def _apply_change(view: TranscriptView, change: ConversationChange) -> list[str]:
    row = change.row
    return view.apply_row(row) if row is not None and row.n > view.last_row else []


def _opened_message(
    view: TranscriptView, record: SessionRecord, suggestions: list[dict[str, str]]
) -> str:
    has_voice = record.speak and "customer" in record.legs
    return console_message(
        "opened",
        session=record.id,
        id=view.open_handoff,
        channel=record.channel,
        customer=record.customer,
        began_at=record.began_at,
        voice=has_voice,
        suggestions=suggestions,
        **view.snapshot(),
    )
