"""The models, the back end and the queue for people, as a played conversation meets them.

The models are those of this machine and answer at once on the virtual clock; an action takes
`ACTION_S`, so that a customer can speak while it runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from agent.actions.interface import Actions
from agent.conversation_tests.back_end import CaseBackEnd, UndeclaredAnswer
from agent.core.effects import (
    DiscardTurn,
    Effect,
    FeedEncoder,
    PerformAction,
    UnderstandTurn,
    UpdateHandoff,
)
from agent.core.inputs import (
    ActionCompleted,
    FailureReason,
    HandoffQueued,
    HandoffUnanswered,
    PartialTextReceived,
    TurnUnderstood,
    UnderstandingFailed,
)
from agent.core.virtual_session import DueInput
from agent.handoff.routing import HandoffRouter, PersonUnavailable
from agent.privacy.vault import Vault
from audio.types import Transcript
from dialogs.state import PeopleAvailability
from dialogs.values import ActionCall, ActionResult

if TYPE_CHECKING:
    from agent.replay.live_models import ModelAnswerSource

ACTION_S = 1.0  # what an action takes
ROUTING_S = 0.5  # what the answer of the queue takes
EXPECTED_WAIT_S = 120  # that a customer in the queue is told


@dataclass(slots=True)
class CaseResponder:
    """The `EffectResponder` of one conversation. `heard_confidence` and `failure` are of the next
    turn only; `queue_timeouts` are session seconds by handoff."""

    session: str
    started_at: datetime
    answer_source: ModelAnswerSource
    back_end: CaseBackEnd
    vault: Vault
    router: HandoffRouter
    actions: Actions  # the back end's, behind those of the server
    heard_confidence: float | None = None
    failure: FailureReason | None = None
    problems: list[str] = field(default_factory=list)
    queue_timeouts: dict[int, float] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return self.started_at.date()

    def wall_time(self, at: float) -> datetime:
        """The time of day at this session second."""
        return self.started_at + timedelta(seconds=at)

    def availability(self, at: float) -> PeopleAvailability:
        """Whether a person could take over at this session second."""
        return self.router.availability(self.wall_time(at))

    def responses_to(self, effect: Effect, at: float) -> Iterable[DueInput]:
        match effect:
            case FeedEncoder(stream=stream):
                texts = self.answer_source.feed_audio(effect)
                return [DueInput(PartialTextReceived(at, stream, text)) for text in texts]
            case DiscardTurn(stream):
                self.answer_source.discard_turn(stream)
            case UnderstandTurn():
                return [self._answer(effect, at)]
            case PerformAction(call):
                return [DueInput(ActionCompleted(at + ACTION_S, self._perform(call)))]
            case UpdateHandoff():
                return self._route(effect, at)
        return ()

    def _answer(self, request: UnderstandTurn, at: float) -> DueInput:
        if self.failure is not None:
            reason, self.failure = self.failure, None
            return DueInput(UnderstandingFailed(at, request.request_id, reason))
        answer = self.answer_source.understand(request, None, self.today, at)
        event, confidence = answer.event, self.heard_confidence
        if confidence is None or not isinstance(event, TurnUnderstood):
            return answer
        self.heard_confidence = None
        understanding = replace(event.understanding, heard=confidence)
        transcript = Transcript(understanding.text, confidence)
        return DueInput(replace(event, understanding=understanding, transcript=transcript))

    def _perform(self, call: ActionCall) -> ActionResult:
        try:
            return self.actions.perform(self.vault.reveal_in_call(call))
        except UndeclaredAnswer as missing:
            self.problems.append(str(missing))
            return ActionResult(call.key, False, reason="undeclared")

    def _route(self, effect: UpdateHandoff, at: float) -> list[DueInput]:
        number = effect.id
        if effect.state != "queued":
            self.queue_timeouts.pop(number, None)
        match self.router.route(self.session, "", effect, self.wall_time(at)):
            case PersonUnavailable(reason, ticket, opening):
                unanswered = HandoffUnanswered(at + ROUTING_S, number, reason, ticket, opening)
                return [DueInput(unanswered)]
            case int() as position:
                self.queue_timeouts[number] = at + ROUTING_S + self.router.max_queue_wait_s
                wait_s = EXPECTED_WAIT_S * position
                return [DueInput(HandoffQueued(at + ROUTING_S, number, position, wait_s))]
        return []
