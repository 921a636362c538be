"""Who looks on at conversations, and how do they hear what happens?

Every conversation of this process tells the floor; consoles subscribe. A subscriber that does not
keep up loses its subscription and is told so by `None`, so that nobody looks at half a picture.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from agent.core.event_json import JournalRow

SUBSCRIBER_LIMIT = 4096  # happenings that a subscriber may be behind


@dataclass(frozen=True, slots=True)
class ConversationChange:
    """Something of one conversation. `row` is there when `what` is "row"."""

    session: str
    kind: Literal["row", "opened", "closed", "away", "back", "queue"]
    row: JournalRow | None = None


Subscription = asyncio.Queue[ConversationChange | None]


class EventBus:
    """All subscribers of one process; used from its event loop alone."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()

    def subscribe(self) -> Subscription:
        """A queue of what happens from now on; None in it means that some was lost."""
        queue: Subscription = asyncio.Queue(SUBSCRIBER_LIMIT)
        self._subscriptions.add(queue)
        return queue

    def unsubscribe(self, queue: Subscription) -> None:
        self._subscriptions.discard(queue)

    def publish(self, change: ConversationChange) -> None:
        for queue in list(self._subscriptions):
            try:
                queue.put_nowait(change)
            except asyncio.QueueFull:
                self._subscriptions.discard(queue)
                with suppress(asyncio.QueueEmpty):
                    queue.get_nowait()
                queue.put_nowait(None)
