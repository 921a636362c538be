"""Hub of all agent consoles of a process: presence, shared lists, and grace after a lost console.

It logs consoles in, sends every console the queue and the call-backs (supervisors also the
sessions), and keeps a person's conversations for `console_resume_s` seconds when their console is
lost. One console is agent/console/connection.py.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from agent.console import queue_lists
from agent.console.connection import ConsoleConnection, Presence, authenticate
from agent.console.queue_lists import ListEntry, QueueSnapshot
from agent.core.inputs import PersonLost
from agent.runtime.conversation_status import ConversationStatus
from agent.runtime.registry import ConversationRegistry
from agent.runtime.services import Services
from agent.runtime.socket_peer import SocketPeer
from agent.store.journal import JournalFull
from agent.wire.console import CLOSING_OUTCOMES, ConsoleWire, console_message, error_message
from agent.wire.parsing import WireError

log = logging.getLogger("hearken.console")

MIN_LIST_INTERVAL_S = 0.2  # between two broadcasts of the lists
# conversations that this interval is for; more lengthen it in proportion
CONVERSATIONS_PER_INTERVAL = 50
MAX_LIST_INTERVAL_S = 5.0  # at the latest: lists change by time alone, too
MAX_PENDING_PROMISES = 1024  # announcements of a helpdesk that wait to be stored


class ConsoleHub:
    """All consoles of a process. `run` must be running whenever `serve` is called."""

    def __init__(self, services: Services, registry: ConversationRegistry) -> None:
        self._services = services
        self._registry = registry
        self._presence = Presence()
        self._tasks: asyncio.TaskGroup | None = None
        self._pending_promises: asyncio.Queue[tuple[str, int, str]] = asyncio.Queue(
            MAX_PENDING_PROMISES
        )
        self._reconnect_timers: dict[str, asyncio.Task[None]] = {}  # by person's name

    async def run(self) -> None:
        """Broadcast what changes to all consoles, until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            self._tasks.create_task(self._watch_changes())
            self._tasks.create_task(self._broadcast_lists())
            self._tasks.create_task(self._process_promises())

    async def serve(self, socket: ServerConnection) -> None:
        """Serve one console from its hello until either side closes it."""
        wire, peer = ConsoleWire(), SocketPeer(socket, self._services.metrics)
        try:
            user = await authenticate(self._services, peer, wire)
        except WireError as refused:
            with suppress(ConnectionClosed):
                await peer.refuse(refused, error_message(refused))
            return
        except ConnectionClosed:
            return
        connection = ConsoleConnection(
            self._services, self._registry, self._presence, peer, wire, user
        )
        self._add_connection(connection)
        try:
            await connection.run()
        finally:
            self._remove_connection(connection)

    # -- presence ------------------------------------------------------------------------------

    def _add_connection(self, connection: ConsoleConnection) -> None:
        name, connections = connection.user.name, self._presence.connections
        if (earlier := connections.get(name)) is not None:
            earlier.close_replaced()
        connections[name] = connection
        self._services.online_agents.add(name)
        if (reconnect_timer := self._reconnect_timers.pop(name, None)) is not None:
            reconnect_timer.cancel()
        if len(connections) == 1 and earlier is None:
            for conversation in self._registry.values():
                conversation.extend_queue_timeouts()
        owned_sessions, role = self._owned_sessions(name), connection.user.role
        connection.send(
            console_message(
                "ready", role=role, name=name, outcomes=CLOSING_OUTCOMES, recovered=owned_sessions
            )
        )
        self._presence.lists_changed.set()

    def _remove_connection(self, connection: ConsoleConnection) -> None:
        """Start the grace period in which the person may reconnect to their conversations."""
        name = connection.user.name
        if self._presence.connections.get(name) is not connection:
            return  # the same person has logged in elsewhere
        del self._presence.connections[name]
        self._services.online_agents.discard(name)
        if self._owned_sessions(name) and self._tasks is not None:
            self._reconnect_timers[name] = self._tasks.create_task(
                self._abandon_conversations(name)
            )

    async def _abandon_conversations(self, name: str) -> None:
        """After the grace period: the session asks for another person."""
        await asyncio.sleep(self._services.settings.console_resume_s)
        self._reconnect_timers.pop(name, None)
        for session in self._owned_sessions(name):
            conversation = self._registry[session]
            conversation.apply(PersonLost(conversation.now, name))

    def _note_promise(self, session: str, handoff_number: int, name: str) -> None:
        """Note that a helpdesk announces `name` for this handoff. A person at a console takes over
        there at once; for anybody else the customer waits, and the bot goes on meanwhile."""
        try:
            self._pending_promises.put_nowait((session, handoff_number, name))
        except asyncio.QueueFull:
            log.error("a helpdesk's announcement is lost", extra={"session": session})

    async def _process_promises(self) -> None:
        while True:
            session, handoff_number, name = await self._pending_promises.get()
            await self._process_promise(session, handoff_number, name)

    async def _process_promise(self, session: str, handoff_number: int, name: str) -> None:
        try:
            await asyncio.to_thread(
                self._services.store.record_promise, session, handoff_number, name
            )
        except SQLAlchemyError:
            log.error("a helpdesk's announcement is not stored", extra={"session": session})
        conversation, connection = self._registry.get(session), self._presence.connections.get(name)
        if conversation is not None and connection is not None:
            with suppress(WireError):  # somebody else has taken it, or the conversation is over
                await connection.accept(session, handoff_number)

    def _owned_sessions(self, name: str) -> list[str]:
        conversations = self._registry.values()
        return [one.id for one in conversations if one.status().is_owned_by(name)]

    # -- shared lists --------------------------------------------------------------------------

    async def _watch_changes(self) -> None:
        subscription = self._services.event_bus.subscribe()
        while True:
            change = await subscription.get()
            if change is None:
                subscription = self._services.event_bus.subscribe()
            elif change.kind == "promised":
                self._note_promise(change.session, change.handoff, change.name)
                continue
            elif change.row is not None and not change.row.messages:
                continue  # no list shows it
            self._presence.lists_changed.set()

    async def _broadcast_lists(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(MAX_LIST_INTERVAL_S):
                    await self._presence.lists_changed.wait()
            self._presence.lists_changed.clear()
            if self._presence.connections:
                await self._broadcast_once()
                await asyncio.sleep(
                    MIN_LIST_INTERVAL_S * max(1.0, len(self._registry) / CONVERSATIONS_PER_INTERVAL)
                )

    async def _broadcast_once(self) -> None:
        services, registry = self._services, self._registry
        try:
            await services.journal.submit(lambda: None)  # stores earlier disconnects, too
            snapshot = await asyncio.to_thread(
                queue_lists.read_queue, services.store, frozenset(registry)
            )
        except (SQLAlchemyError, JournalFull):
            log.error("the queue cannot be read; trying again later")
            return
        now = services.wall_now()
        statuses = {id: one.status() for id, one in registry.items()}
        queue = queue_lists.queue_entries(snapshot, statuses, now)
        queue_message = console_message("queue", waiting=queue)
        callback_message = console_message(
            "calls_back", tickets=queue_lists.callback_entries(snapshot)
        )
        for connection in list(self._presence.connections.values()):
            connection.send_list("queue", _comparable_text(queue), queue_message)
            connection.send_list("calls_back", callback_message, callback_message)
        self._broadcast_sessions(snapshot, statuses)

    def _broadcast_sessions(
        self, snapshot: QueueSnapshot, statuses: Mapping[str, ConversationStatus]
    ) -> None:
        """Send the list of sessions to supervisors."""
        supervisors = [
            one for one in self._presence.connections.values() if one.user.role == "supervisor"
        ]
        if not supervisors:
            return
        services = self._services
        session_entries = queue_lists.session_entries(
            snapshot, statuses, services.pack, services.wall_now()
        )
        message = console_message("sessions", live=session_entries)
        for connection in supervisors:
            connection.send_list("sessions", _comparable_text(session_entries), message)


def _comparable_text(entries: list[ListEntry]) -> str:
    """A list as JSON text for comparison: without durations, which change all the time."""
    return json.dumps([{**one, "waited_s": 0, "lasts_s": 0} for one in entries])
