"""Player of one conversation: feeds its steps to a session on a virtual clock.

The session, the dialogue, the vault, the models and the routing of handoffs are those of the
server; only time and the customer are made up (tests/agent/conversation_tests/test_player.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from agent.conversation_tests.case import CaseStep, ConversationCase
from agent.conversation_tests.outcome import OutcomeLog, StepOutcome, TurnReading
from agent.conversation_tests.responder import CaseResponder
from agent.core.customer_messages import BotReply, PersonText
from agent.core.effects import SayReplies, UpdateHandoff
from agent.core.inputs import (
    ActionCompleted,
    AvailabilityChanged,
    ConsentChanged,
    Customer,
    DigitsReceived,
    FailureReason,
    HandoffUnanswered,
    Input,
    PersonEndedSession,
    PersonHandedBack,
    PersonLost,
    PersonTextReceived,
    PersonTookOver,
    SessionOpened,
    TextReceived,
    TurnUnderstood,
)
from agent.core.session import Session
from agent.core.virtual_session import VirtualSession
from agent.handoff.online_agents import OnlineAgents
from audio.types import Leg
from dialogs.manager import interpret_turn
from dialogs.values import ActionCall, Understanding

TURN_INTERVAL_S = 4.0  # from our last reply to the customer's next turn
WHILE_WORKING_S = 0.4  # from a turn to one that comes while its action is still running
IDENTITY_KEY = "identity at the start"
PERSON_ONLINE = "Sam"


class ConversationPlayer:
    """Plays one conversation, step by step."""

    def __init__(
        self,
        case: ConversationCase,
        session: Session,
        responder: CaseResponder,
        online_agents: OnlineAgents,
    ) -> None:
        self._case = case
        self._session = session
        self._responder = responder
        self._online_agents = online_agents
        self._virtual = VirtualSession(session, responder)
        self._now = 0.0
        self._log = OutcomeLog()  # of the step that is played
        self._whole = OutcomeLog()
        self._calls_seen = 0

    def play(self) -> Iterator[tuple[CaseStep, StepOutcome]]:
        """Play all steps, each when the one before it has been looked at; none after the end."""
        self._open()
        steps = self._case.steps
        for step, following in zip(steps, [*steps[1:], None], strict=True):
            self._responder.back_end.declare(step.back_end)
            if self._session.closed:
                self._log.problems.append("the conversation is over")
                yield step, self._take_outcome()
                return
            self._play(step)
            self._settle(following is None or following.kind != "while_working")
            yield step, self._take_outcome()

    def outcome_of_all(self) -> StepOutcome:
        """What the whole conversation led to so far."""
        return self._outcome(self._whole)

    # -- steps -----------------------------------------------------------------------------------

    def _open(self) -> None:
        legs: tuple[Leg, ...] = () if self._case.channel == "chat" else ("customer",)
        customer = Customer("", self._case.customer_name)
        self._receive(SessionOpened(0.0, self._case.channel, legs, bool(legs), customer))
        self._receive(ConsentChanged(0.0, recording=True, emotion=True))
        if self._case.people_online:
            self._online_agents.add(PERSON_ONLINE)
        if self._case.identity:
            self._identify()
        self._whole.add(self._log)  # the greeting belongs to no step
        self._log = OutcomeLog(problems=self._log.problems)

    def _identify(self) -> None:
        """Begin with a customer whose identity the back end has confirmed."""
        pack = self._session.dialogue.pack
        steps = pack.flows[pack.verification_flow].steps
        action = next(one.name for one in steps if one.verifies_identity)
        back_end = self._responder.back_end
        result = back_end.perform(ActionCall(IDENTITY_KEY, action, self._case.identity))
        back_end.calls.clear()
        if not result.ok:
            self._log.problems.append(f"identity: the back end refused it ({result.reason})")
            return
        completed = ActionCompleted(0.0, result)
        hidden = self._responder.vault.pseudonymise(completed, self._session.expectation).event
        assert isinstance(hidden, ActionCompleted)
        facts = {**self._session.state.customer_facts, **hidden.outcome.values}
        self._session.state = replace(
            self._session.state, identity_verified=True, customer_facts=facts
        )

    def _play(self, step: CaseStep) -> None:
        if step.kind == "wait":
            self._advance(self._now + step.seconds)
            return
        if step.kind == "while_working":
            if self._session.state.pending_action is None:
                self._log.problems.append("no action is running that this could interrupt")
            self._advance(self._now + WHILE_WORKING_S)
        else:
            self._advance(self._now + TURN_INTERVAL_S)
        at, person = self._now, self._session.ownership.person_name
        people = self._responder.availability(at)
        if people != self._session.state.people:
            self._receive(AvailabilityChanged(at, people.is_available, people.next_opening))
        match step.kind:
            case "customer" | "while_working":
                self._receive(TextReceived(at, step.text))
            case "heard":
                self._responder.heard_confidence = step.confidence
                self._receive(TextReceived(at, step.text))
            case "keys":
                self._receive(DigitsReceived(at, step.text))
            case "models_fail":
                self._responder.failure = _failure_reason(step.text)
                self._receive(TextReceived(at, "this is not understood"))
            case "sound":
                # the voice activity detector is slow to import
                from agent.conversation_tests.sound_steps import audio_inputs

                assert step.sound is not None
                for event in audio_inputs(step.sound, at):
                    self._advance(event.at)
                    self._receive(event)
            case "nobody_comes":
                if step.text == "nobody":
                    self._online_agents.discard(PERSON_ONLINE)
                self._end_waiting(math.inf)
            case "person_joins":
                self._receive(PersonTookOver(at, step.text, "person"))
            case "supervisor_joins":
                self._receive(PersonTookOver(at, step.text, "supervisor"))
            case "person_says":
                self._receive(PersonTextReceived(at, person, step.text))
            case "person_hands_back":
                self._receive(PersonHandedBack(at, person))
            case "person_lost":
                self._receive(PersonLost(at, person))
            case "person_ends":
                self._receive(PersonEndedSession(at, person))

    # -- time ------------------------------------------------------------------------------------

    def _advance(self, until: float) -> None:
        """Let time pass: what is due by then happens, and those who wait too long are told so."""
        while (soonest := min(self._responder.queue_timeouts.values(), default=math.inf)) <= until:
            self._receive_due(soonest)
            self._now = max(self._now, soonest)
            self._end_waiting(soonest)
        self._receive_due(until)
        self._now = max(self._now, until)

    def _settle(self, wait_for_actions: bool) -> None:
        """Let everything that was asked for be answered; actions only if they are waited for."""
        self._receive_due(math.inf if wait_for_actions else self._now)

    def _receive_due(self, until: float) -> None:
        for due in self._virtual.due_before(until):
            self._receive(due.event)

    def _end_waiting(self, until: float) -> None:
        """End the wait of the handoffs whose patience is over by `until`."""
        timeouts, responder = self._responder.queue_timeouts, self._responder
        for number in [n for n, at in timeouts.items() if at <= until]:
            del timeouts[number]
            now = responder.wall_time(self._now)
            answer = responder.router.queue_timeout(responder.session, number, now)
            if answer is not None:
                self._receive(
                    HandoffUnanswered(
                        self._now, number, answer.reason, answer.ticket, answer.next_opening
                    )
                )

    # -- inputs and what follows -----------------------------------------------------------------

    def _receive(self, event: Input) -> None:
        expectation = self._session.expectation_for(event)
        hidden = self._responder.vault.pseudonymise(event, expectation).event
        if isinstance(hidden, TurnUnderstood):
            self._log.readings.append(self._reading(hidden.understanding))
        self._now = max(self._now, event.at)
        for effect in self._virtual.receive(hidden):
            match effect:
                case SayReplies(turn, replies, is_repeat=False):
                    messages = (BotReply(turn, reply) for reply in replies)
                    shown = [self._responder.vault.reveal_in_message(one) for one in messages]
                    self._log.replies += [one.reply for one in shown if isinstance(one, BotReply)]
                case UpdateHandoff(_, "requested", escalation):
                    self._log.escalations.append(escalation)
                case UpdateHandoff(_, "callback"):
                    self._log.callbacks += 1

    def _reading(self, understanding: Understanding) -> TurnReading:
        session, act = self._session, None
        is_read = not session.ownership.is_with_person and not session.state.pending_action
        if is_read and not session.state.is_over:
            act = interpret_turn(session.dialogue.pack, session.state, understanding)[1]
        question = "/".join(part for part in session.state.flow_and_step if part)
        shown = replace(
            understanding,
            text=self._revealed(understanding.text),
            slots=tuple(
                replace(one, value=self._revealed(one.value)) for one in understanding.slots
            ),
        )
        return TurnReading(shown, question, act)

    def _revealed(self, text: str) -> str:
        """The text with its private values, as the customer gave them."""
        message = self._responder.vault.reveal_in_message(PersonText("", text))
        assert isinstance(message, PersonText)
        return message.text

    def _take_outcome(self) -> StepOutcome:
        calls = self._responder.back_end.calls
        self._log.problems += self._responder.problems
        self._responder.problems.clear()
        self._log.calls = calls[self._calls_seen :]
        self._calls_seen = len(calls)
        outcome = self._outcome(self._log)
        self._whole.add(self._log)
        self._log = OutcomeLog()
        return outcome

    def _outcome(self, log: OutcomeLog) -> StepOutcome:
        state, ownership = self._session.state, self._session.ownership
        flow, question = state.flow_and_step
        task = state.task or state.last_task
        slots = {n: self._revealed(v.value) for n, v in task.slots.items()} if task else {}
        return StepOutcome(
            flow=flow,
            question=question,
            slots=slots,
            owner=ownership.owner,
            person=ownership.person_name,
            has_ended=self._session.closed,
            is_verified=state.identity_verified,
            replies=tuple(log.replies),
            calls=tuple(log.calls),
            escalations=tuple(log.escalations),
            callbacks=log.callbacks,
            readings=tuple(log.readings),
            problems=tuple(log.problems),
        )


def _failure_reason(text: str) -> FailureReason:
    reasons: dict[str, FailureReason] = {
        "late": "late", "overloaded": "overloaded", "failed": "failed",
    }  # fmt: skip
    return reasons[text]
