"""A session on a virtual clock, whose time is the `at` of its inputs.

Replay, import and recovery run a conversation in it. Its owner feeds the inputs that come from
outside, in their order, and before each of them those that are due by then. One rule orders them:

- an answer comes before an outside input of the same time or later; answers come in the order in
  which they fall due, and those due at the same time in the order in which they were asked for;
- `DeadlineReached` comes before an answer that is due after the deadline, and before an outside
  input more than `DEADLINE_GRACE_S` after it. A real timer fires a moment late: an input so soon
  after a deadline was applied first (and what is due between the two comes after both).

It has no clock, no socket, no models and no bank: an `EffectResponder` answers, or the answers are
among the inputs from outside (tests/agent/core/test_virtual_session.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count
from typing import Protocol

from agent.core.effects import Effect, PerformAction, UnderstandTurn, UpdateHandoff
from agent.core.inputs import (
    ActionCompleted,
    DeadlineReached,
    HandoffQueued,
    HandoffUnanswered,
    Input,
    TurnUnderstood,
    UnderstandingFailed,
)
from agent.core.session import Session

DEADLINE_GRACE_S = 0.05
NO_REDACTIONS = "[]"


@dataclass(frozen=True, slots=True)
class DueInput:
    """An input that is due at its own time, `event.at`. `redactions` as in a row: a JSON list."""

    event: Input
    redactions: str = NO_REDACTIONS

    def delayed_by(self, seconds: float) -> DueInput:
        """The same input, due so many seconds later."""
        return replace(self, event=replace(self.event, at=self.event.at + seconds))


class EffectResponder(Protocol):
    """The models, the back end and the queue for people, as a virtual session meets them."""

    def responses_to(self, effect: Effect, at: float) -> Iterable[DueInput]:
        """The inputs that an effect of session second `at` leads to, none of them due before it."""
        ...


@dataclass(slots=True)
class OpenWork:
    """What a session has asked for and not been given yet."""

    turn_requests: dict[int, UnderstandTurn] = field(default_factory=dict)  # by request id
    actions: dict[str, PerformAction] = field(default_factory=dict)  # by key
    handoffs: dict[int, UpdateHandoff] = field(default_factory=dict)  # requested, by number
    queued_since: dict[int, float] = field(default_factory=dict)  # handoffs that have been queued

    def update(self, event: Input, effects: Iterable[Effect]) -> None:
        """Close what this input answers, then open what its effects ask for."""
        match event:
            case TurnUnderstood(request_id=id) | UnderstandingFailed(request_id=id):
                self.turn_requests.pop(id, None)
            case ActionCompleted(outcome=outcome):
                self.actions.pop(outcome.key, None)
            case HandoffQueued(at, id):
                self.handoffs.pop(id, None)
                self.queued_since[id] = at
            case HandoffUnanswered(id=id):
                self.handoffs.pop(id, None)
        for effect in effects:
            match effect:
                case UnderstandTurn(request_id):
                    self.turn_requests[request_id] = effect
                case PerformAction(call):
                    self.actions[call.key] = effect
                case UpdateHandoff(id, "requested"):
                    self.handoffs[id] = effect


class VirtualSession:
    """A session with its open work and what is due to it. See the module's docstring."""

    def __init__(self, session: Session, responder: EffectResponder | None = None) -> None:
        """Without a `responder` every answer comes from outside, as the rows of a journal do."""
        self.session = session
        self.open_work = OpenWork()
        self._responder = responder
        self._due: list[tuple[float, int, DueInput]] = []
        self._order = count()  # of inputs that are due at the same time

    def receive(self, event: Input) -> list[Effect]:
        """Apply one input and return its effects; what they lead to is due from now on."""
        effects = self.session.receive(event)
        self.open_work.update(event, effects)
        if self._responder is not None:
            for effect in effects:
                for response in self._responder.responses_to(effect, event.at):
                    heappush(self._due, (response.event.at, next(self._order), response))
        return effects

    def due_before(self, at: float = math.inf) -> Iterator[DueInput]:
        """What comes before an outside input at `at`; without `at`, after the last one: then time
        goes no further than the deadline. Each has to be received before the next is taken."""
        while not self.session.closed:
            deadline = self.session.deadline
            if self._due and self._due[0][0] <= min(at, deadline):
                yield heappop(self._due)[2]
            elif deadline + DEADLINE_GRACE_S < at < math.inf:
                yield DueInput(DeadlineReached(deadline))
            else:
                return
