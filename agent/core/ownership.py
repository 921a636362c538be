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
        self.person_name = ""  # of the person or supervisor
        self._escalations: dict[int, Escalation] = {}
        self._handoff_count = 0
        self._deferred: list[e.ActionCompleted] = []

    @property
    def is_with_person(self) -> bool:
        """A person or a supervisor owns the conversation: the bot says nothing."""
        return self.owner in ("person", "supervisor")

    def is_owned_by(self, name: str) -> bool:
        """Whether it is `name` who may speak now."""
        return self.is_with_person and name == self.person_name

    @property
    def open_handoffs(self) -> tuple[int, ...]:
        """The hand-overs that are open, by number."""
        return tuple(self._escalations)

    def request_person(self, escalation: Escalation) -> list[e.Effect]:
        """A person is needed."""
        self._handoff_count += 1
        self._escalations[self._handoff_count] = escalation
        requested = e.UpdateHandoff(self._handoff_count, "requested", escalation)
        return [requested] if self.is_with_person else [requested, *self._set_owner("queued")]

    def queue_position(self, event: e.HandoffQueued) -> list[e.Effect]:
        """Where the customer stands in the queue; nothing when that hand-over is over."""
        escalation = self._escalations.get(event.id)
        if escalation is None or self.is_with_person:
            return []
        return [e.UpdateHandoff(event.id, "queued", escalation, event.position, event.wait_s)]

    def take_over(self, name: str, role: Literal["person", "supervisor"]) -> list[e.Effect]:
        """Somebody takes over; nothing when that is not theirs to take."""
        if self.is_with_person and (role != "supervisor" or self.owner == "supervisor"):
            return []
        accepted = self._handoffs_as("accepted") if not self.is_with_person else []
        return [*accepted, *self._set_owner(role, name)]

    def hand_back(self, name: str) -> tuple[list[e.Effect], list[e.ActionCompleted]] | None:
        """The hand-overs that end, and what the bank did while the person spoke. None when it is
        not `name` who owns the conversation."""
        if not self.is_with_person or name not in ("", self.person_name):
            return None
        ended = self._handoffs_as("ended")
        deferred, self._escalations, self._deferred = self._deferred, {}, []
        return [*ended, *self._set_owner("bot")], deferred

    def remove_person(self, name: str) -> list[e.Effect]:
        """The owner is gone without a word: their hand-overs are open again."""
        if not self.is_owned_by(name):
            return []
        return [
            *self._handoffs_as("requested"),
            *self._set_owner("queued" if self._escalations else "bot"),
        ]

    def close_unanswered(self, event: e.HandoffUnanswered) -> list[e.Effect] | None:
        """Nobody comes for this hand-over. None when it is over, or somebody has come."""
        if self.is_with_person or event.id not in self._escalations:
            return None
        escalation = self._escalations.pop(event.id)
        effects: list[e.Effect] = [
            e.UpdateHandoff(event.id, "callback", escalation, ticket=event.ticket)
        ]
        return effects if self._escalations else [*effects, *self._set_owner("bot")]

    def defer(self, event: e.ActionCompleted) -> None:
        """An outcome that is told when we may speak again."""
        self._deferred.append(event)

    def take_deferred(self) -> list[e.ActionCompleted]:
        deferred, self._deferred = self._deferred, []
        return deferred

    def _handoffs_as(self, state: Literal["requested", "accepted", "ended"]) -> list[e.Effect]:
        return [
            e.UpdateHandoff(id, state, escalation) for id, escalation in self._escalations.items()
        ]

    def _set_owner(self, owner: Owner, name: str = "") -> list[e.Effect]:
        if (owner, name) == (self.owner, self.person_name):
            return []
        self.owner, self.person_name = owner, name
        return [e.AnnounceOwner(owner, name)]
