"""How do a person and a customer hear each other?

The customer's sound goes to the console of whoever owns the conversation, that person's voice to
the customer. The voice of a person goes nowhere else: no model hears it, nothing keeps it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from agent.console import takeover
from agent.console.takeover import Somebody
from agent.runtime.conversation import Live
from agent.wire.native import WireError

PIECES = 64  # of sound that may wait; what a slow console has no room for is dropped


class Talking:
    """The voice of one console, in one conversation at a time."""

    def __init__(self, who: Somebody) -> None:
        self._who = who
        self._live: Live | None = None
        self._heard: asyncio.Queue[bytes] = asyncio.Queue(PIECES)

    def begin(self, live: Live) -> None:
        """Hear this customer, and be heard. WireError when that cannot be."""
        takeover.owning(live, self._who)
        if not live.record.speak or "customer" not in live.record.legs:
            raise WireError("no_voice", "This customer writes; there is nothing to hear.")
        self.end()
        self._live = live
        live.hearers.add(self._heard)

    def end(self, session: str = "") -> None:
        """Speak no more; with a `session`, only if it is that one."""
        live = self._live
        if live is None or session not in ("", live.id):
            return
        self._live = None
        live.hearers.discard(self._heard)
        while not self._heard.empty():
            self._heard.get_nowait()
        live.person_sound(b"", self._who.name)

    def owned(self) -> None:
        """End when the conversation is theirs no more."""
        live = self._live
        if live is not None and not live.session.ownership.owned_by(self._who.name):
            self.end()

    def speak(self, pcm: bytes) -> None:
        """16 kHz PCM16 of the person; empty when they pause. Nothing when no voice is on: frames
        may be under way while a conversation changes hands."""
        self.owned()
        if self._live is not None:
            self._live.person_sound(pcm, self._who.name)

    async def listen(self, sound: Callable[[bytes], None]) -> None:
        """A task of the console: passes on what the customer sounds like."""
        while True:
            sound(await self._heard.get())
