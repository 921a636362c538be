"""The sans-I/O state machine of one conversation.

`Session.receive` takes an `Input` and returns the `Effect`s it leads to. It has no clock, no
socket and no model: time comes with the inputs, voice probabilities come with the audio, and a
model's answer is an input like any other. The same inputs give the same effects, and answers are
applied in the order of the requests (tests/agent/core/test_session.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.core import events as e
from agent.core.ownership import Ownership
from agent.core.pending_turns import PendingTurn, PendingTurns
from agent.core.playback import Playback
from agent.core.turn_notes import NotePolicy
from agent.core.turn_taking import (
    LegTurnChange,
    LegTurnDiscarded,
    LegTurnEnded,
    LegTurnStarted,
    LegTurnTaking,
)
from audio.turns import TurnRules
from audio.types import RATE, Expectation, Leg
from dialogs.manager import Dialogue
from dialogs.state import Decision
from dialogs.values import ConsoleRole, History, Turn, Understanding

CONTEXT_TURNS = 8  # earlier turns of the customer that go to the models with a turn
MAX_NOISE_VOICE_S = 0.5  # a turn without words and with less voice than this was not speech


@dataclass(frozen=True, slots=True)
class SessionRules:
    """Timeouts in seconds, bounds, and the rules of turn-taking."""

    silence_s: float = 9.0  # voice: nothing said for so long, the bot speaks
    idle_s: float = 600.0  # chat: nothing typed for so long, the session ends
    stalled_s: float = 1.2  # no audio for so long in the middle of a turn ends the turn
    max_requests_in_flight: int = 2  # texts typed beyond this are joined into one request
    turn_rules: TurnRules = TurnRules()


class Session:
    """One customer's conversation. See the module's docstring for the contract."""

    def __init__(self, dialogue: Dialogue, rules: SessionRules) -> None:
        self.dialogue = dialogue
        self.rules = rules
        self.history = History()
        self.state = dialogue.initial_state
        self.expectation = Expectation()
        self.ownership = Ownership()
        self.closed = False
        self._infers_emotion = dialogue.pack.privacy.may_infer_emotion(has_consented=False)
        self._legs: dict[Leg, LegTurnTaking] = {}
        self._pending = PendingTurns()
        self._deferred_texts: list[str] = []  # typed while too many requests were in flight
        self._playback = Playback()
        self._turn_count = 0
        recording = dialogue.pack.privacy.may_record(has_consented=False)
        self._note_policy = NotePolicy(dialogue.pack, self.history.channel, recording)

    @property
    def deadline(self) -> float:
        """When this session needs a `DeadlineReached`, in session seconds; infinite for never."""
        if self.closed:
            return math.inf
        stalled = [
            leg.last_audio_at + self.rules.stalled_s for leg in self._legs.values() if leg.open_turn
        ]
        return min([self._playback.silence_deadline, *stalled])

    @property
    def is_customer_away(self) -> bool:
        """Whether the customer's connection is lost for now."""
        return self._playback.customer_away

    @property
    def leg_positions(self) -> dict[str, int]:
        """By leg, the position of the next sample."""
        return {leg: taking.position for leg, taking in self._legs.items()}

    def expectation_for(self, event: e.Input) -> Expectation:
        """What the customer had been asked when the words of this input, not received yet, were
        said: an answer of the models belongs to the turn that was to be understood."""
        if isinstance(event, e.TurnUnderstood | e.UnderstandingFailed):
            return self._pending.expectation_of(event.request_id) or self.expectation
        return self.expectation

    def receive(self, event: e.Input) -> list[e.Effect]:
        """Apply one input; return its effects in order, none once the session is closed."""
        if self.closed:
            return []
        match event:
            case e.SessionOpened():
                return self._on_opened(event)
            case e.AudioReceived():
                leg = self._legs[event.leg]
                return self._apply_turn_changes(
                    leg, leg.push(event, self._may_infer_emotion(event.leg)), event.at
                )
            case e.TextReceived(at, text) | e.DigitsReceived(at, text):
                return self._on_text(at, text)
            case e.PartialTextReceived():
                return self._on_partial_text(event)
            case e.TurnUnderstood() | e.UnderstandingFailed():
                return self._on_answer(event)
            case e.ActionCompleted():
                return self._on_action_completed(event)
            case e.SpeechSent():
                self._playback.on_sent(event)
                return []
            case e.SpeechPlayed():
                self._playback.on_played(event)
                return []
            case e.ConsentChanged(_, recording, emotion):
                rules = self.dialogue.pack.privacy
                self._note_policy = replace(
                    self._note_policy, recording=rules.may_record(recording)
                )
                self._infers_emotion = rules.may_infer_emotion(emotion)
                return []
            case (
                e.PersonTookOver()
                | e.PersonTextReceived()
                | e.PersonHandedBack()
                | e.PersonLost()
                | e.PersonEndedSession()
            ):
                return self._on_person_event(event)
            case e.HandoffQueued():
                return self.ownership.queue_position(event)
            case e.HandoffUnanswered():
                return self._on_handoff_unanswered(event)
            case e.ConnectionLost(at):
                return self._on_connection_lost(at)
            case e.ConnectionResumed():
                return self._on_connection_resumed(event)
            case e.DeadlineReached(at):
                return self._on_deadline(at)
            case e.CustomerLeft(_, said_end):
                return self._on_customer_left(said_end)

    # -- opening, leaving, waiting -------------------------------------------------------------

    def _on_opened(self, event: e.SessionOpened) -> list[e.Effect]:
        patience_s = self.rules.silence_s if event.legs else self.rules.idle_s
        self._playback.open(event.speak, patience_s)
        self.history = replace(self.history, channel=event.channel)
        self._note_policy = replace(self._note_policy, channel=event.channel)
        self._legs = {
            leg: LegTurnTaking(leg, self.rules.turn_rules, self._next_turn) for leg in event.legs
        }
        turn = self._next_turn()
        return self._apply_decision(self.dialogue.on_opened(event.customer.name), event.at, turn)

    def _on_customer_left(self, sent_end: bool) -> list[e.Effect]:
        effects = self._close("the conversation has ended")
        return effects if sent_end else effects[:-1]  # no connection is left to close

    def _close(self, reason: str) -> list[e.Effect]:
        self.closed = True
        streams = [e.DiscardTurn(leg.open_turn) for leg in self._legs.values() if leg.open_turn]
        return [*streams, e.CloseSession(1000, reason)]

    def _on_deadline(self, at: float) -> list[e.Effect]:
        effects: list[e.Effect] = []
        for leg in self._legs.values():
            if leg.open_turn and at >= leg.last_audio_at + self.rules.stalled_s:
                effects += self._apply_turn_changes(leg, leg.end_turn(), at)
        if effects or at < self._playback.silence_deadline:
            return effects
        # a person or the models have to answer first
        if self.ownership.is_with_person or self._pending:
            self._playback.restart_silence_timer(at)
            return []
        if not self._legs and self.state.waiting_for_person:  # a chat may wait long for a person
            self._playback.restart_silence_timer(at)
            return []
        if not self._legs:
            return self._close("nothing was typed for a while; say hello again to go on")
        turn = self._next_turn()
        return self._apply_decision(
            self.dialogue.on_silence(self.state, self.history, at, turn), at, turn
        )

    def _next_turn(self) -> int:
        self._turn_count += 1
        return self._turn_count

    # -- turn-taking and requests --------------------------------------------------------------

    def _may_infer_emotion(self, leg: Leg) -> bool:
        return self._infers_emotion and leg == "customer"  # never on an employee's leg

    def _apply_turn_changes(
        self, leg: LegTurnTaking, changes: Sequence[e.Effect | LegTurnChange], at: float
    ) -> list[e.Effect]:
        effects: list[e.Effect] = []
        for event in changes:
            match event:
                case LegTurnStarted():
                    effects += self._playback.barge_in() if leg.leg == "customer" else []
                case LegTurnEnded():
                    effects.append(self._request_spoken(event, leg.leg, at))
                case LegTurnDiscarded():
                    effects += self._resume_after_noise(at)
                case _:
                    effects.append(event)
        return effects

    def _resume_after_noise(self, at: float) -> list[e.Effect]:
        """Go on as if the turn had not happened: it was a cough, a sneeze, a door. Replies that it
        interrupted are spoken again."""
        self._playback.restart_silence_timer(at)
        if not self._playback.was_interrupted:
            return []
        return self._playback.repeat_interrupted(self._next_turn())

    def _on_partial_text(self, event: e.PartialTextReceived) -> list[e.Effect]:
        for leg in self._legs.values():
            if leg.open_turn and leg.open_turn == event.stream:
                leg.set_partial_text(event.text)
                return [e.ShowPartialText(leg.open_turn, leg.leg, event.text)]
        return []  # the turn has ended meanwhile: its final transcript will come

    def _on_text(self, at: float, text: str) -> list[e.Effect]:
        effects = self._playback.barge_in()
        if len(self._pending) >= self.rules.max_requests_in_flight:
            self._deferred_texts.append(text)
            return effects
        return [*effects, self._request_typed(text, at)]

    def _request_typed(self, text: str, at: float) -> e.UnderstandTurn:
        pending = self._pending.add(self._next_turn(), "customer", at, expectation=self.expectation)
        previous_turns, previous_replies = self.history.recent_texts(CONTEXT_TURNS)
        context = self._context()
        return e.UnderstandTurn(
            pending.request_id,
            pending.turn,
            "customer",
            None,
            text,
            self.expectation,
            context,
            previous_turns=previous_turns,
            previous_replies=previous_replies,
        )

    def _request_spoken(self, ended: LegTurnEnded, leg: Leg, at: float) -> e.UnderstandTurn:
        turn = ended.turn
        expectation = self.expectation if leg == "customer" else Expectation()
        pending = self._pending.add(turn, leg, at, ended.voiced_s, ended.end, expectation)
        context, usual, spoke_until = self._context(), self.history.usual_prosody, ended.spoke_until
        previous_turns, previous_replies = self.history.recent_texts(CONTEXT_TURNS)
        return e.UnderstandTurn(
            pending.request_id,
            turn,
            leg,
            turn,
            "",
            expectation,
            context,
            usual,
            spoke_until,
            previous_turns,
            previous_replies,
        )

    def _context(self) -> str:
        return "/".join(self.state.flow_and_step)

    # -- answers and decisions -----------------------------------------------------------------

    def _on_answer(self, event: e.TurnUnderstood | e.UnderstandingFailed) -> list[e.Effect]:
        effects: list[e.Effect] = []
        for pending, answer in self._pending.add_answer(event):
            if not self.closed:
                effects += self._apply_answer(pending, answer, event.at)
        if (
            self._deferred_texts
            and len(self._pending) < self.rules.max_requests_in_flight
            and not self.closed
        ):
            text, self._deferred_texts = " ".join(self._deferred_texts), []
            effects.append(self._request_typed(text, event.at))
        return effects

    def _apply_answer(
        self, pending: PendingTurn, answer: e.TurnUnderstood | e.UnderstandingFailed, at: float
    ) -> list[e.Effect]:
        if isinstance(answer, e.UnderstandingFailed):
            return self._on_understanding_failed(pending, answer)
        understanding = answer.understanding
        if (
            not understanding.text
            and pending.voiced_s is not None
            and pending.voiced_s < MAX_NOISE_VOICE_S
        ):
            return self._resume_after_noise(at)
        if pending.leg != "customer":
            self._add_turn(pending, understanding, None)
            return [e.ShowTurn(pending.turn, pending.leg, answer.transcript, None, pending.end)]
        show = e.ShowTurn(pending.turn, pending.leg, answer.transcript, understanding, pending.end)
        if self.ownership.is_with_person:
            self._add_turn(pending, understanding, None)
            return [show]
        decision = self.dialogue.on_understood(
            self.state, self.history, understanding, at, pending.turn
        )
        self._add_turn(pending, understanding, decision)
        return [show, *self._apply_decision(decision, at, pending.turn, understanding)]

    def _on_understanding_failed(
        self, pending: PendingTurn, failure: e.UnderstandingFailed
    ) -> list[e.Effect]:
        if pending.leg != "customer" or self.ownership.is_with_person:
            return []
        notice = e.NotifyClient(
            "missed", f"Turn {pending.turn} could not be understood: {failure.reason}."
        )
        decision = self.dialogue.on_understanding_failed(
            self.state, self.history, failure.at, pending.turn
        )
        return [notice, *self._apply_decision(decision, failure.at, pending.turn)]

    def _on_action_completed(self, event: e.ActionCompleted) -> list[e.Effect]:
        if self.ownership.is_with_person:
            self.ownership.defer_result(event)
            return []
        turn = self._next_turn()
        decision = self.dialogue.on_action_result(
            self.state, self.history, event.outcome, event.at, turn
        )
        return self._apply_decision(decision, event.at, turn)

    def _add_turn(
        self, pending: PendingTurn, understanding: Understanding, decision: Decision | None
    ) -> None:
        flow, step = decision.state.flow_and_step if decision else ("", "")
        replies = decision.replies if decision else ()
        turn = Turn(pending.turn, pending.leg, pending.asked_at, understanding, flow, step, replies)
        self.history = replace(self.history, turns=(*self.history.turns, turn))

    def _apply_decision(
        self, decision: Decision, at: float, turn: int, understanding: Understanding | None = None
    ) -> list[e.Effect]:
        self.state, self.expectation = decision.state, decision.expectation
        if "customer" in self._legs:
            self._legs["customer"].set_expectation(self.expectation)
        effects: list[e.Effect] = []
        if (note := self._note_policy.turn_note(turn, at, decision, understanding)) is not None:
            effects.append(e.StoreNote(note))
        effects += [e.StoreNote(offer) for offer in decision.offers]
        effects += self._playback.say(turn, decision.replies)
        if decision.action_call is not None:
            effects.append(e.PerformAction(decision.action_call))
        if decision.escalation is not None:
            effects += self.ownership.request_person(decision.escalation)
            escalations = (*self.history.escalations, decision.escalation)
            self.history = replace(self.history, escalations=escalations)
        self._playback.restart_silence_timer(at)
        return (
            [*effects, *self._close("the conversation has ended")]
            if decision.ends_session
            else effects
        )

    # -- handoff to people, and lost connections -------------------------------------------------

    def _on_person_event(
        self,
        event: e.PersonTookOver
        | e.PersonTextReceived
        | e.PersonHandedBack
        | e.PersonLost
        | e.PersonEndedSession,
    ) -> list[e.Effect]:
        match event:
            case e.PersonTookOver(at, name, role):
                accepted = self.ownership.take_over(name, role)
                return (
                    [*self._playback.barge_in(), *accepted, *self._introduce_person(at)]
                    if accepted
                    else []
                )
            case e.PersonTextReceived(_, name, text):
                return [e.ForwardPersonText(name, text)] if self.ownership.is_owned_by(name) else []
            case e.PersonHandedBack(at, name):
                handed_back = self.ownership.hand_back(name)
                return self._on_handed_back(at, *handed_back) if handed_back is not None else []
            case e.PersonLost(at, name):
                reopened = self.ownership.remove_person(name)
                return [*reopened, *self._on_person_lost(at, name)] if reopened else []
            case e.PersonEndedSession(_, name):
                if not self.ownership.is_owned_by(name):
                    return []
                ended, _ = self.ownership.hand_back(name) or ([], [])
                return [*ended[:-1], *self._close(f"{name} has ended the conversation")]

    def _introduce_person(self, at: float) -> list[e.Effect]:
        """Tell the customer who joins, spoken where replies are spoken."""
        name, owner = self.ownership.person_name, self.ownership.owner
        role: ConsoleRole = "supervisor" if owner == "supervisor" else "person"
        turn = self._next_turn()
        decision = self.dialogue.on_person_joined(self.state, name, role, at, turn)
        self.state = decision.state
        self._playback.restart_silence_timer(at)
        replies = decision.replies
        return [e.SayReplies(turn, replies, self._playback.speaks)] if replies else []

    def _on_handed_back(
        self, at: float, ended: list[e.Effect], deferred: list[e.ActionCompleted]
    ) -> list[e.Effect]:
        effects = [effect for event in deferred for effect in self._on_action_completed(event)]
        return [*ended, *effects, *self._return_to_bot(at)]

    def _on_person_lost(self, at: float, name: str) -> list[e.Effect]:
        """Tell the customer that the person is gone; the bot goes on when no handoff is open."""
        if self.ownership.owner == "bot":
            return self._return_to_bot(at)
        turn = self._next_turn()
        decision = self.dialogue.on_person_lost(self.state, name, at, turn)
        return [*self._apply_decision(decision, at, turn), *self._apply_deferred()]

    def _apply_deferred(self) -> list[e.Effect]:
        return [
            effect
            for event in self.ownership.take_deferred_results()
            for effect in self._on_action_completed(event)
        ]

    def _return_to_bot(self, at: float) -> list[e.Effect]:
        effects, turn = self._apply_deferred(), self._next_turn()
        decision = self.dialogue.on_handed_back(self.state, self.history, at, turn)
        return [*effects, *self._apply_decision(decision, at, turn)]

    def _on_handoff_unanswered(self, event: e.HandoffUnanswered) -> list[e.Effect]:
        effects = self.ownership.close_unanswered(event)
        if effects is None:
            return []
        if self.ownership.owner == "queued":  # another handoff may still be taken
            return effects
        turn = self._next_turn()
        decision = self.dialogue.on_person_unavailable(
            self.state, self.history, event.reason, event.ticket, event.next_opening, event.at, turn
        )
        return [*effects, *self._apply_decision(decision, event.at, turn)]

    def _on_connection_lost(self, at: float) -> list[e.Effect]:
        """End open turns and suspend the silence timer until the connection is resumed."""
        effects: list[e.Effect] = []
        for leg in self._legs.values():
            if leg.open_turn:
                effects += self._apply_turn_changes(leg, leg.end_turn(), at)
        self._playback.on_connection_lost()
        return effects

    def _on_connection_resumed(self, event: e.ConnectionResumed) -> list[e.Effect]:
        effects: list[e.Effect] = []
        for leg in self._legs.values():
            if leg.open_turn:  # open on a connection that was replaced before its loss was noticed
                effects += self._apply_turn_changes(leg, leg.end_turn(), event.at)
            leg.skip(event.missed_samples)
        self._playback.on_connection_resumed()
        if self._legs and event.missed_samples:
            lost_s = event.missed_samples / RATE  # the wording is part of recorded effects
            gap = f"{lost_s:.1f} s of sound were lost while the connection was away."
            effects.append(e.NotifyClient("gap", gap))
        if self._playback.can_repeat and not self.ownership.is_with_person:
            effects += self._playback.repeat(self._next_turn())
        self._playback.restart_silence_timer(event.at)
        return effects
