"""Listeners to the audio of one customer: the consoles of the people who talk with them.

A listener that is too slow loses audio; nobody waits for it (tests/system/test_desk.py).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from agent.core.inputs import AudioReceived
from audio.codecs import encode


class AudioListeners:
    """Queues that get the customer's audio, as 16 kHz PCM16. For one event loop."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[bytes]] = set()

    def add(self, queue: asyncio.Queue[bytes]) -> None:
        """Put the customer's audio into this queue from now on; a full one loses audio."""
        self._queues.add(queue)

    def remove(self, queue: asyncio.Queue[bytes]) -> None:
        """Put no more audio into this queue."""
        self._queues.discard(queue)

    def forward(self, event: AudioReceived) -> None:
        """Put this audio into all queues, if it is the customer's."""
        if event.leg != "customer" or not self._queues:
            return
        pcm = encode(event.samples, "pcm_s16le")
        for queue in self._queues:
            with suppress(asyncio.QueueFull):
                queue.put_nowait(pcm)
