"""Who may speak to the customer now: we, or a person?

Hand-overs are numbered from 1 in a session, each is asked for once, and every one that was asked
for is accepted or ended before the conversation is ours again (tests/agent/test_session.py).
"""

from __future__ import annotations

from agent.events import Acted, HandOver, Queued
from dialogs.talk import Escalation


class Ownership:
    """The person who took over, if any, and the hand-overs that are open."""

    def __init__(self) -> None:
        self.person = ""  # empty while we answer ourselves
        self._open: dict[int, Escalation] = {}
        self._asked = 0
        self._held: list[Acted] = []

    def ask(self, why: Escalation) -> HandOver:
        """A person is needed."""
        self._asked += 1
        self._open[self._asked] = why
        return HandOver(self._asked, "requested", why)

    def queued(self, event: Queued) -> list[HandOver]:
        """Where the customer stands in the queue; nothing when that hand-over is over."""
        why = self._open.get(event.id)
        if why is None:
            return []
        return [HandOver(event.id, "queued", why, event.position, event.wait_s)]

    def take(self, name: str) -> list[HandOver]:
        self.person = name
        return [HandOver(id, "accepted", why) for id, why in self._open.items()]

    def give_back(self) -> tuple[list[HandOver], list[Acted]]:
        """The hand-overs that end, and what the bank did while the person spoke."""
        self.person = ""
        ended = [HandOver(id, "ended", why) for id, why in self._open.items()]
        held, self._open, self._held = self._held, {}, []
        return ended, held

    def hold(self, event: Acted) -> None:
        """An outcome that is told when we may speak again."""
        self._held.append(event)
