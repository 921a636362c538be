"""Audio bridge between one console and one customer at a time.

The customer's audio goes to the owner's console, and the owner's voice to the customer. The voice
of a person goes nowhere else: no model gets it and nothing stores it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from agent.console import takeover
from agent.console.takeover import AgentUser
from agent.runtime.conversation import LiveConversation
from agent.wire.parsing import WireError

# chunks of audio that may wait; more of them, for a slow console, are dropped
MAX_QUEUED_CHUNKS = 64


class VoiceBridge:
    """The voice connection of one console, to one conversation at a time."""

    def __init__(self, user: AgentUser) -> None:
        self._user = user
        self._conversation: LiveConversation | None = None
        self._customer_audio: asyncio.Queue[bytes] = asyncio.Queue(MAX_QUEUED_CHUNKS)

    def start(self, conversation: LiveConversation) -> None:
        """Connect the console's audio with this customer's.

        WireError when the user does not own the conversation, or the customer only writes.
        """
        takeover.require_owner(conversation, self._user)
        if not conversation.status().has_voice:
            raise WireError("no_voice", "This customer writes; there is no audio.")
        self.stop()
        self._conversation = conversation
        conversation.audio_listeners.add(self._customer_audio)

    def stop(self, session: str = "") -> None:
        """Disconnect the audio; with a `session`, only if it is connected to that one."""
        conversation = self._conversation
        if conversation is None or session not in ("", conversation.id):
            return
        self._conversation = None
        conversation.audio_listeners.remove(self._customer_audio)
        while not self._customer_audio.empty():
            self._customer_audio.get_nowait()
        conversation.send_person_audio(b"", self._user.name)

    def stop_unless_owner(self) -> None:
        """Disconnect the audio if the user no longer owns the conversation."""
        conversation = self._conversation
        if conversation is not None and not conversation.status().is_owned_by(self._user.name):
            self.stop()

    def send_to_customer(self, pcm: bytes) -> None:
        """Send the person's voice: 16 kHz PCM16, empty when they pause.

        Without a connection it is dropped, for frames may still arrive after the owner changed.
        """
        self.stop_unless_owner()
        if self._conversation is not None:
            self._conversation.send_person_audio(pcm, self._user.name)

    async def forward_customer_audio(self, send_audio: Callable[[bytes], None]) -> None:
        """Pass the customer's audio to `send_audio`, until cancelled. Runs as a task."""
        while True:
            send_audio(await self._customer_audio.get())
