"""State machine of who owns a conversation: the bot, the queue, a person or a supervisor.

Handoffs are numbered from 1 in a session.

    bot ---requested---> queued ---taken over---> person ---handed back, ended---> bot
     |                     |  ^                     |  |
     |                     |  '----person lost------'  '---taken over---> supervisor
     |                     '--unanswered--> bot         (handed back, lost: as a person)
     '------taken over----------------------> person or supervisor

While a person or a supervisor owns the conversation the bot says nothing. Every requested handoff
is accepted, ended or turned into a call back; only a supervisor takes over from another person, and
only the owner can speak, hand back, end or be lost (tests/agent/core/test_ownership.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from agent.core.effects import AnnounceOwner, Effect, Owner, UpdateHandoff
from agent.core.inputs import ActionCompleted, HandoffQueued, HandoffUnanswered
from dialogs.values import ConsoleRole, Escalation


class Ownership:
    """The owner of one conversation, and its open handoffs."""

    def __init__(self) -> None:
        self.owner: Owner = "bot"
        self.person_name = ""  # of the person or supervisor who owns it
        self._escalations: dict[int, Escalation] = {}
        self._handoff_count = 0
        self._deferred: list[ActionCompleted] = []

    @property
    def is_with_person(self) -> bool:
        """Whether a person or a supervisor owns the conversation: then the bot says nothing."""
        return self.owner in ("person", "supervisor")

    def is_owned_by(self, name: str) -> bool:
        """Whether the person `name` owns the conversation and may speak."""
        return self.is_with_person and name == self.person_name

    @property
    def open_handoffs(self) -> tuple[int, ...]:
        """The numbers of the open handoffs."""
        return tuple(self._escalations)

    @property
    def open_escalations(self) -> Mapping[int, Escalation]:
        """The escalations of the open handoffs, by number."""
        return MappingProxyType(self._escalations)

    def request_person(self, escalation: Escalation) -> list[Effect]:
        """Open a handoff with this escalation; return the effects."""
        self._handoff_count += 1
        self._escalations[self._handoff_count] = escalation
        requested = UpdateHandoff(self._handoff_count, "requested", escalation)
        return [requested] if self.is_with_person else [requested, *self._set_owner("queued")]

    def queue_position(self, event: HandoffQueued) -> list[Effect]:
        """The effect that reports a handoff's position in the queue; none when it is over."""
        escalation = self._escalations.get(event.id)
        if escalation is None or self.is_with_person:
            return []
        return [UpdateHandoff(event.id, "queued", escalation, event.position, event.wait_s)]

    def take_over(self, name: str, role: ConsoleRole) -> list[Effect]:
        """Make this person the owner; return the effects, none when this role may not take over."""
        if self.is_with_person and (role != "supervisor" or self.owner == "supervisor"):
            return []
        accepted = self._handoffs_as("accepted") if not self.is_with_person else []
        return [*accepted, *self._set_owner(role, name)]

    def hand_back(self, name: str) -> tuple[list[Effect], list[ActionCompleted]] | None:
        """Make the bot the owner again; return the effects that end the handoffs, and the action
        results deferred meanwhile. None when the person `name` does not own the conversation."""
        if not self.is_with_person or name not in ("", self.person_name):
            return None
        ended = self._handoffs_as("ended")
        deferred, self._escalations, self._deferred = self._deferred, {}, []
        return [*ended, *self._set_owner("bot")], deferred

    def remove_person(self, name: str) -> list[Effect]:
        """Remove the owner and request the open handoffs again; return the effects, none when the
        person `name` does not own the conversation."""
        if not self.is_owned_by(name):
            return []
        return [
            *self._handoffs_as("requested"),
            *self._set_owner("queued" if self._escalations else "bot"),
        ]

    def close_unanswered(self, event: HandoffUnanswered) -> list[Effect] | None:
        """Close a handoff that no person takes; return the effects. None when it is over already,
        or a person has taken over."""
        if self.is_with_person or event.id not in self._escalations:
            return None
        escalation = self._escalations.pop(event.id)
        effects: list[Effect] = [
            UpdateHandoff(event.id, "callback", escalation, ticket=event.ticket)
        ]
        return effects if self._escalations else [*effects, *self._set_owner("bot")]

    def withdraw_handoffs(self) -> list[Effect]:
        """End the handoffs that nobody has taken yet; return the effects."""
        if self.owner != "queued":
            return []
        ended = self._handoffs_as("ended")
        self._escalations = {}
        return [*ended, *self._set_owner("bot")]

    def defer_result(self, event: ActionCompleted) -> None:
        """Keep an action's result until the bot may speak again."""
        self._deferred.append(event)

    def take_deferred_results(self) -> list[ActionCompleted]:
        """Take out the deferred action results, oldest first."""
        deferred, self._deferred = self._deferred, []
        return deferred

    def _handoffs_as(self, state: Literal["requested", "accepted", "ended"]) -> list[Effect]:
        return [
            UpdateHandoff(id, state, escalation) for id, escalation in self._escalations.items()
        ]

    def _set_owner(self, owner: Owner, name: str = "") -> list[Effect]:
        if (owner, name) == (self.owner, self.person_name):
            return []
        self.owner, self.person_name = owner, name
        return [AnnounceOwner(owner, name)]
