"""In-process publish/subscribe of conversation changes, for consoles.

Every conversation of this process publishes its changes; consoles subscribe. A subscriber that does
not keep up loses its subscription and receives `None`, so that no console shows an incomplete view.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from agent.core.event_json import JournalRow

SUBSCRIBER_LIMIT = 4096  # changes that may wait for a subscriber


@dataclass(frozen=True, slots=True)
class ConversationChange:
    """A change of one conversation. `row` is set when `kind` is "row"; `handoff` and `name` when it
    is "promised": a helpdesk has announced who takes that handoff."""

    session: str
    kind: Literal["row", "opened", "closed", "away", "back", "queue", "erased", "promised"]
    row: JournalRow | None = None
    handoff: int = 0
    name: str = ""


Subscription = asyncio.Queue[ConversationChange | None]


class EventBus:
    """The subscriptions of one process. For one event loop."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()

    def subscribe(self) -> Subscription:
        """A queue of all changes from now on; None in it means that changes were lost."""
        queue: Subscription = asyncio.Queue(SUBSCRIBER_LIMIT)
        self._subscriptions.add(queue)
        return queue

    def unsubscribe(self, queue: Subscription) -> None:
        """End this subscription."""
        self._subscriptions.discard(queue)

    def publish(self, change: ConversationChange) -> None:
        """Put a change into every subscription, without waiting."""
        for queue in list(self._subscriptions):
            try:
                queue.put_nowait(change)
            except asyncio.QueueFull:
                self._subscriptions.discard(queue)
                with suppress(asyncio.QueueEmpty):
                    queue.get_nowait()
                queue.put_nowait(None)
