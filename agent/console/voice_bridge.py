"""How do a person and a customer hear each other?

The customer's sound goes to the console of whoever owns the conversation, that person's voice to
the customer. The voice of a person goes nowhere else: no model hears it, nothing keeps it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from agent.console import takeover
from agent.console.takeover import AgentUser
from agent.runtime.conversation import LiveConversation
from agent.wire.native import WireError

MAX_QUEUED_CHUNKS = 64  # of sound that may wait; what a slow console has no room for is dropped


class VoiceBridge:
    """The voice of one console, in one conversation at a time."""

    def __init__(self, user: AgentUser) -> None:
        self._user = user
        self._conversation: LiveConversation | None = None
        self._customer_audio: asyncio.Queue[bytes] = asyncio.Queue(MAX_QUEUED_CHUNKS)

    def start(self, conversation: LiveConversation) -> None:
        """Hear this customer, and be heard. WireError when that cannot be."""
        takeover.require_owner(conversation, self._user)
        if not conversation.record.speak or "customer" not in conversation.record.legs:
            raise WireError("no_voice", "This customer writes; there is nothing to hear.")
        self.stop()
        self._conversation = conversation
        conversation.audio_listeners.add(self._customer_audio)

    def stop(self, session: str = "") -> None:
        """Speak no more; with a `session`, only if it is that one."""
        conversation = self._conversation
        if conversation is None or session not in ("", conversation.id):
            return
        self._conversation = None
        conversation.audio_listeners.discard(self._customer_audio)
        while not self._customer_audio.empty():
            self._customer_audio.get_nowait()
        conversation.send_person_audio(b"", self._user.name)

    def stop_unless_owner(self) -> None:
        """End when the conversation is theirs no more."""
        conversation = self._conversation
        if conversation is not None and not conversation.session.ownership.is_owned_by(
            self._user.name
        ):
            self.stop()

    def send_to_customer(self, pcm: bytes) -> None:
        """16 kHz PCM16 of the person; empty when they pause. Nothing when no voice is on: frames
        may be under way while a conversation changes hands."""
        self.stop_unless_owner()
        if self._conversation is not None:
            self._conversation.send_person_audio(pcm, self._user.name)

    async def forward_customer_audio(self, send_audio: Callable[[bytes], None]) -> None:
        """A task of the console: passes on what the customer sounds like."""
        while True:
            send_audio(await self._customer_audio.get())
