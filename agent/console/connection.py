"""Websocket connection of one agent console, from its hello to its close.

It carries out what the person does (agent/console/takeover.py) and sends what changes in the
conversations they follow (agent/console/subscriptions.py). Everything to the console goes through
one bounded queue: a console that reads too slowly gets `lost` and has to open its conversations
again. A failure here ends this console alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from pydantic import SecretStr

from agent.console import takeover
from agent.console.subscriptions import ConversationSubscriptions
from agent.console.takeover import AgentUser
from agent.console.voice_bridge import VoiceBridge
from agent.runtime.conversation import LiveConversation
from agent.runtime.event_bus import ConversationChange
from agent.runtime.registry import ConversationRegistry
from agent.runtime.services import Services
from agent.runtime.socket_peer import MISTAKES_TEXT, SocketPeer, role_of_token
from agent.wire import console as c
from agent.wire.parsing import CLOSE_NOT_ALLOWED, CLOSE_REPLACED, AudioFrames, WireError
from dialogs.values import ConsoleRole


@dataclass(slots=True)
class Presence:
    """The consoles that are logged in, by the person's name. `lists_changed` is set when the lists
    may have to be sent again."""

    connections: dict[str, ConsoleConnection] = field(default_factory=dict)
    lists_changed: asyncio.Event = field(default_factory=asyncio.Event)


class ConsoleConnection:
    """One console whose user has logged in."""

    def __init__(
        self,
        services: Services,
        registry: ConversationRegistry,
        presence: Presence,
        peer: SocketPeer,
        wire: c.ConsoleWire,
        user: AgentUser,
    ) -> None:
        self.user = user
        self._services = services
        self._registry = registry
        self._presence = presence
        self._peer = peer
        self._wire = wire
        self._outbox: asyncio.Queue[str | bytes] = asyncio.Queue(services.settings.max_outbox)
        self._last_shown: dict[str, str] = {}  # by list: the comparable text of what was sent last
        self._subscriptions = ConversationSubscriptions(services, registry, user, self.send)
        self._voice_bridge = VoiceBridge(user)
        self._changes = services.event_bus.subscribe()
        self._replacement = asyncio.Event()

    async def run(self) -> None:
        """Serve this console until either side closes it."""
        try:
            await self._peer.run(self._read_messages, "this console reads too slowly")
        finally:
            self._services.event_bus.unsubscribe(self._changes)
            self._voice_bridge.stop()

    async def _read_messages(self, tasks: asyncio.TaskGroup) -> None:
        for task in (
            self._write_outbox(),
            self._forward_changes(),
            self._close_when_replaced(),
            self._voice_bridge.forward_customer_audio(self._send_audio),
        ):
            tasks.create_task(task)
        async for message in self._peer.socket:
            await self._receive(message)

    # -- outgoing ------------------------------------------------------------------------------

    def send(self, message: str) -> None:
        """Queue a JSON message. When the queue is full it is emptied and `lost` is sent instead."""
        try:
            self._outbox.put_nowait(message)
        except asyncio.QueueFull:
            self._drop_outbox()

    def send_list(self, type: str, comparable: str, message: str) -> None:
        """Queue a list of this type, unless `comparable` equals that of the list sent last."""
        if type not in self._last_shown or self._last_shown[type] != comparable:
            self._last_shown[type] = comparable
            self.send(message)

    def close_replaced(self) -> None:
        """Close this console: the same person has logged in elsewhere."""
        self._replacement.set()

    def _drop_outbox(self) -> None:
        while not self._outbox.empty():
            self._outbox.get_nowait()
        self._subscriptions.unsubscribe_all()
        self._voice_bridge.stop()
        self._last_shown.clear()
        self._outbox.put_nowait(c.console_message("lost"))
        self._services.metrics.client_errors.labels("lost").inc()
        self._presence.lists_changed.set()

    def _send_audio(self, pcm: bytes) -> None:
        with suppress(asyncio.QueueFull):
            self._outbox.put_nowait(pcm)

    async def _write_outbox(self) -> None:
        while True:
            message = await self._outbox.get()
            async with asyncio.timeout(self._services.settings.write_s):
                await self._peer.socket.send(message)

    async def _close_when_replaced(self) -> None:
        await self._replacement.wait()
        await self._peer.socket.close(CLOSE_REPLACED, "you have logged in somewhere else")

    async def _forward_changes(self) -> None:
        while True:
            change: ConversationChange | None = await self._changes.get()
            if change is None:
                self._changes = self._services.event_bus.subscribe()
                self._drop_outbox()
                continue
            await self._subscriptions.on_change(change)
            self._voice_bridge.stop_unless_owner()

    # -- incoming ------------------------------------------------------------------------------

    async def _receive(self, message: str | bytes) -> None:
        try:
            command = self._wire.decode(message)
        except WireError as wrong:
            await self._count_mistake(wrong)
            return
        try:
            if isinstance(command, AudioFrames):
                self._voice_bridge.send_to_customer(command.data)
            elif not isinstance(command, c.ConsoleHello):
                await self._dispatch(command)
        except WireError as refused:
            self.send(c.error_message(refused))

    async def _count_mistake(self, error: WireError) -> None:
        self.send(c.error_message(error))
        if self._peer.count_mistake(error):
            await self._peer.socket.close(CLOSE_NOT_ALLOWED, MISTAKES_TEXT)

    async def _dispatch(self, command: c.ConsoleMessage) -> None:
        services, user = self._services, self.user
        match command:
            case c.WatchMessage(session=session):
                await self._subscriptions.watch(session)
            case c.UnwatchMessage():
                self._subscriptions.unwatch()
            case c.AcceptMessage(session=session, id=handoff_number):
                await self.accept(session, handoff_number)
            case c.TakeOverMessage(session=session):
                await takeover.take_over(services, self._conversation(session), user)
                await self._subscriptions.open(session)
            case c.SayMessage(session=session, text=text):
                takeover.say(self._conversation(session), user, text)
            case c.HandBackMessage(session=session):
                takeover.hand_back(services, self._conversation(session), user)
            case c.CloseMessage(session=session, outcome=outcome):
                takeover.close(services, self._conversation(session), user, outcome)
            case c.WhisperMessage(session=session, text=text):
                self._whisper(self._conversation(session), text)
            case c.VoiceMessage(session=session, on=True):
                self._voice_bridge.start(self._conversation(session))
            case c.VoiceMessage(session=session):
                self._voice_bridge.stop(session)
            case c.CallBackDoneMessage(ticket=ticket, outcome=outcome):
                await takeover.finish_callback(services, ticket, outcome, user)
                self._presence.lists_changed.set()

    async def accept(self, session: str, handoff_number: int) -> None:
        """Take a handoff from the queue. WireError when somebody else has it, or it is over."""
        if session in self._registry:
            await takeover.accept(
                self._services, self._conversation(session), handoff_number, self.user
            )
        else:
            await takeover.claim_disconnected(self._services, session, handoff_number, self.user)
            self._presence.lists_changed.set()
        await self._subscriptions.open(session)

    def _conversation(self, session: str) -> LiveConversation:
        conversation = self._registry.get(session)
        if conversation is None or conversation.is_over:
            raise takeover.session_over_error()
        return conversation

    def _whisper(self, conversation: LiveConversation, text: str) -> None:
        """Send text to the owner's console only: it never becomes part of the conversation."""
        if self.user.role != "supervisor":
            raise WireError("not_allowed", "Only a supervisor may whisper.")
        status = conversation.status()
        owner_connection = (
            self._presence.connections.get(status.person_name) if status.is_with_person else None
        )
        if owner_connection is None:
            raise WireError("nobody", "No person with a console has this conversation.")
        message = c.console_message(
            "whisper", session=conversation.id, name=self.user.name, text=text
        )
        for connection in {owner_connection, self}:
            connection.send(message)


async def authenticate(services: Services, peer: SocketPeer, wire: c.ConsoleWire) -> AgentUser:
    """The user behind the console's hello; WireError when it has to be refused."""
    settings = services.settings
    hello = await peer.receive_hello(wire.decode, settings.hello_s)
    assert isinstance(hello, c.ConsoleHello)  # `decode` accepts nothing else as first message
    tokens: Sequence[tuple[ConsoleRole, SecretStr]] = (
        ("supervisor", settings.supervisor_token),
        ("person", settings.agent_token),
    )
    role = role_of_token(hello.token, tokens)
    if role is None:
        raise WireError("bad_token", "This token is not valid.", CLOSE_NOT_ALLOWED)
    return AgentUser(hello.name, role)
