"""Who may speak to the customer now: the bot, or a person?

One state machine. Hand-overs are numbered from 1 in a session.

    bot ----asked----> queued ----taken----> person ----given back, ended----> bot
     |                   |  ^                   |  |
     |                   |  '---abandoned-------'  '---taken by a supervisor---> supervisor
     |                   '--unreached--> bot                 (given back, abandoned: as a person)
     '--------taken---------------------> person or supervisor

While a person or a supervisor owns the conversation the bot says nothing. Every hand-over that was
asked for is accepted, ended or called back; nobody takes over from another person but a supervisor,
and only the owner can speak, give back, close or go (tests/agent/test_ownership.py).
"""

from __future__ import annotations

from typing import Literal

from agent.core import events as e
from dialogs.values import Escalation

Owner = Literal["bot", "queued", "person", "supervisor"]


class Ownership:
    """Who owns the conversation, and the hand-overs that are open."""

    def __init__(self) -> None:
        self.owner: Owner = "bot"
        self.name = ""  # of the person or supervisor
        self._open: dict[int, Escalation] = {}
        self._asked = 0
        self._held: list[e.Acted] = []

    @property
    def person(self) -> bool:
        """A person or a supervisor owns the conversation: the bot says nothing."""
        return self.owner in ("person", "supervisor")

    def owned_by(self, name: str) -> bool:
        """Whether it is `name` who may speak now."""
        return self.person and name == self.name

    @property
    def asked_for(self) -> tuple[int, ...]:
        """The hand-overs that are open, by number."""
        return tuple(self._open)

    def ask(self, why: Escalation) -> list[e.Effect]:
        """A person is needed."""
        self._asked += 1
        self._open[self._asked] = why
        asked = e.HandOver(self._asked, "requested", why)
        return [asked] if self.person else [asked, *self._becomes("queued")]

    def queued(self, event: e.Queued) -> list[e.Effect]:
        """Where the customer stands in the queue; nothing when that hand-over is over."""
        why = self._open.get(event.id)
        if why is None or self.person:
            return []
        return [e.HandOver(event.id, "queued", why, event.position, event.wait_s)]

    def take(self, name: str, role: Literal["person", "supervisor"]) -> list[e.Effect]:
        """Somebody takes over; nothing when that is not theirs to take."""
        if self.person and (role != "supervisor" or self.owner == "supervisor"):
            return []
        taken = self._all("accepted") if not self.person else []
        return [*taken, *self._becomes(role, name)]

    def give_back(self, name: str) -> tuple[list[e.Effect], list[e.Acted]] | None:
        """The hand-overs that end, and what the bank did while the person spoke. None when it is
        not `name` who owns the conversation."""
        if not self.person or name not in ("", self.name):
            return None
        ended = self._all("ended")
        held, self._open, self._held = self._held, {}, []
        return [*ended, *self._becomes("bot")], held

    def abandon(self, name: str) -> list[e.Effect]:
        """The owner is gone without a word: their hand-overs are open again."""
        if not self.owned_by(name):
            return []
        return [*self._all("requested"), *self._becomes("queued" if self._open else "bot")]

    def unreached(self, event: e.Unreached) -> list[e.Effect] | None:
        """Nobody comes for this hand-over. None when it is over, or somebody has come."""
        if self.person or event.id not in self._open:
            return None
        why = self._open.pop(event.id)
        told: list[e.Effect] = [e.HandOver(event.id, "callback", why, ticket=event.ticket)]
        return told if self._open else [*told, *self._becomes("bot")]

    def hold(self, event: e.Acted) -> None:
        """An outcome that is told when we may speak again."""
        self._held.append(event)

    def held(self) -> list[e.Acted]:
        held, self._held = self._held, []
        return held

    def _all(self, state: Literal["requested", "accepted", "ended"]) -> list[e.Effect]:
        return [e.HandOver(id, state, why) for id, why in self._open.items()]

    def _becomes(self, owner: Owner, name: str = "") -> list[e.Effect]:
        if (owner, name) == (self.owner, self.name):
            return []
        self.owner, self.name = owner, name
        return [e.Owned(owner, name)]
