"""Delivery of one conversation to its customer, whether or not a connection is attached.

At most one connection is attached; another takes its place and closes it. The customer's private
values are put back here, at the very end: everything before it sees surrogates
(tests/system/test_private.py, tests/system/test_survival.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from agent.core.customer_messages import SequencedMessage
from agent.core.effects import CloseSession, SayReplies
from agent.privacy.vault import Vault
from agent.runtime.event_bus import ConversationChange
from agent.runtime.outbound import OutboundQueue
from agent.runtime.services import Services
from agent.wire.parsing import CLOSE_REPLACED


class CustomerDelivery:
    """What one customer is sent. While no connection is attached, nothing is: a client that comes
    back asks for the messages that it missed."""

    def __init__(self, services: Services, id: str, vault: Vault) -> None:
        self._services = services
        self._id = id
        self._vault = vault
        self._outbound: OutboundQueue | None = None

    @property
    def is_connected(self) -> bool:
        """Whether a connection is attached."""
        return self._outbound is not None

    def attach(self, outbound: OutboundQueue) -> None:
        """Attach a connection; an earlier one is closed with CLOSE_REPLACED."""
        if self._outbound is not None:
            self._outbound.end(
                CloseSession(CLOSE_REPLACED, "this conversation goes on in another connection")
            )
        self._outbound = outbound

    def detach(self, outbound: OutboundQueue) -> bool:
        """Detach this connection; false when it was not the attached one."""
        if self._outbound is not outbound:
            return False
        self._outbound = None
        return True

    def publish_presence(self) -> None:
        """Store and publish whether the customer is connected."""
        store, connected = self._services.store, self.is_connected
        self._services.journal.submit(lambda: store.set_connected(self._id, connected))
        self._services.event_bus.publish(
            ConversationChange(self._id, "back" if connected else "away")
        )

    def reveal(self, numbered: SequencedMessage) -> SequencedMessage:
        """This message with the customer's private values in it."""
        return replace(numbered, message=self._vault.reveal_in_message(numbered.message))

    def send(
        self, messages: Sequence[SequencedMessage], durable: asyncio.Future[None] | None
    ) -> None:
        """Send messages, once `durable` is done."""
        if self._outbound is not None:
            for message in messages:
                self._outbound.send_message(self.reveal(message), durable)

    def speak(self, replies: SayReplies) -> None:
        """Speak replies after earlier ones."""
        if self._outbound is not None:
            self._outbound.queue_speech(replies)

    def stop_speech(self, turn: int) -> None:
        """Stop speaking the replies of this turn and of earlier ones."""
        if self._outbound is not None:
            self._outbound.cancel_speech(turn)

    def send_person_audio(self, pcm: bytes, name: str, at: float) -> None:
        """Send 16 kHz PCM16 of a person, empty when they pause. `at` is the session second."""
        if self._outbound is not None:
            self._outbound.send_person_audio(pcm, name, at)

    def end(
        self,
        close: CloseSession,
        last_messages: Sequence[SequencedMessage],
        durable: asyncio.Future[None] | None = None,
    ) -> None:
        """Send the last messages after what is still to be spoken, and close the connection."""
        if self._outbound is not None:
            self._outbound.end(close, [self.reveal(one) for one in last_messages], durable)
