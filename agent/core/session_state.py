"""Mutable state of one session, and the way from a decision of the dialogue to effects.

`Session` and the parts it is made of share one `SessionState`. Turns of all kinds, decisions of the
bot included, are numbered here by one counter, so that the same inputs give the same numbers
(tests/agent/core/test_session.py).
"""

from __future__ import annotations

from dataclasses import replace

from agent.core.effects import (
    ChangeConsent,
    CloseSession,
    DiscardTurn,
    Effect,
    PerformAction,
    StoreNote,
)
from agent.core.inputs import ActionCompleted
from agent.core.ownership import Ownership
from agent.core.pending_turns import PendingTurn
from agent.core.playback import Playback
from agent.core.turn_notes import NotePolicy
from agent.core.turn_taking import LegTurnTaking
from audio.types import Expectation, Leg
from dialogs.manager import Dialogue
from dialogs.state import Decision
from dialogs.values import Channel, History, PrivacyConsent, Turn, Understanding


class SessionState:
    """What a session knows: the dialogue so far, who owns it, what is heard and said now."""

    def __init__(self, dialogue: Dialogue) -> None:
        self.dialogue = dialogue
        self.history = History()
        self.dialogue_state = dialogue.initial_state
        self.expectation = Expectation()
        self.ownership = Ownership()
        self.playback = Playback()
        self.legs: dict[Leg, LegTurnTaking] = {}
        self.closed = False
        privacy = dialogue.pack.privacy
        self._infers_emotion = privacy.may_infer_emotion(has_consented=False)
        recording = privacy.may_record(has_consented=False)
        self._note_policy = NotePolicy(dialogue.pack, self.history.channel, recording)
        self._turn_count = 0

    def next_turn(self) -> int:
        """The number of a new turn, counted from 1."""
        self._turn_count += 1
        return self._turn_count

    @property
    def context(self) -> str:
        """What the customer was asked, as "flow/step"."""
        return "/".join(self.dialogue_state.flow_and_step)

    def set_channel(self, channel: Channel) -> None:
        """Set the channel that the customer uses: notes and the history name it."""
        self.history = replace(self.history, channel=channel)
        self._note_policy = replace(self._note_policy, channel=channel)

    def set_consent(self, consent: PrivacyConsent) -> None:
        """Set what may be recorded and inferred from now on, as far as the pack allows it."""
        rules = self.dialogue.pack.privacy
        self.dialogue_state = self.dialogue.on_consent(self.dialogue_state, consent)
        recording = rules.may_record(consent.recording)
        self._note_policy = replace(self._note_policy, recording=recording)
        self._infers_emotion = rules.may_infer_emotion(consent.emotion)

    def may_infer_emotion(self, leg: Leg) -> bool:
        """Whether emotion may be inferred on this leg: never on an employee's."""
        return self._infers_emotion and leg == "customer"

    def add_turn(
        self, pending: PendingTurn, understanding: Understanding, decision: Decision | None
    ) -> None:
        """Add an understood turn to the history, with the decision that it led to."""
        flow, step = decision.state.flow_and_step if decision else ("", "")
        replies = decision.replies if decision else ()
        turn = Turn(pending.turn, pending.leg, pending.asked_at, understanding, flow, step, replies)
        self.history = replace(self.history, turns=(*self.history.turns, turn))

    def apply_decision(
        self, decision: Decision, at: float, turn: int, understanding: Understanding | None = None
    ) -> list[Effect]:
        """Make a decision of the dialogue the state of this session; return its effects."""
        self.dialogue_state, self.expectation = decision.state, decision.expectation
        if "customer" in self.legs:
            self.legs["customer"].set_expectation(self.expectation)
        effects: list[Effect] = []
        if decision.privacy_consent is not None:  # first: what follows is noted under the new one
            self.set_consent(decision.privacy_consent)
            consent = ChangeConsent(
                decision.privacy_consent.recording, decision.privacy_consent.emotion
            )
            effects.append(consent)
        if (note := self._note_policy.turn_note(turn, at, decision, understanding)) is not None:
            effects.append(StoreNote(note))
        effects += [StoreNote(offer) for offer in decision.offers]
        effects += self.playback.say(turn, decision.replies)
        if decision.action_call is not None:
            effects.append(PerformAction(decision.action_call))
        if decision.withdraws_handoff:
            effects += self.ownership.withdraw_handoffs()
        if decision.escalation is not None:
            effects += self.ownership.request_person(decision.escalation)
            escalations = (*self.history.escalations, decision.escalation)
            self.history = replace(self.history, escalations=escalations)
        self.playback.restart_silence_timer(at)
        return (
            [*effects, *self.close("the conversation has ended")]
            if decision.ends_session
            else effects
        )

    def apply_action_result(self, event: ActionCompleted) -> list[Effect]:
        """Tell the customer what an action led to; it waits while a person owns the conversation,
        because the bot then says nothing."""
        if self.ownership.is_with_person:
            self.ownership.defer_result(event)
            return []
        turn = self.next_turn()
        decision = self.dialogue.on_action_result(
            self.dialogue_state, self.history, event.outcome, event.at, turn
        )
        return self.apply_decision(decision, event.at, turn)

    def resume_after_noise(self, at: float) -> list[Effect]:
        """Go on as if a turn had not happened: it was a cough, a sneeze, a door. Replies that it
        interrupted are spoken again."""
        self.playback.restart_silence_timer(at)
        if not self.playback.was_interrupted:
            return []
        return self.playback.repeat_interrupted(self.next_turn())

    def close(self, reason: str) -> list[Effect]:
        """Close the session; the last of the effects closes the connection."""
        self.closed = True
        streams = [DiscardTurn(leg.open_turn) for leg in self.legs.values() if leg.open_turn]
        return [*streams, CloseSession(1000, reason)]
