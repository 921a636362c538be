"""The sans-I/O state machine of one conversation.

`Session.receive` takes an `Input` and returns the `Effect`s it leads to. It has no clock, no
socket and no model: time comes with the inputs, voice probabilities come with the audio, and a
model's answer is an input like any other. The same inputs give the same effects, and answers are
applied in the order of the requests (tests/agent/core/test_session.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from agent.core.effects import Effect, NotifyClient
from agent.core.inputs import (
    ActionCompleted,
    AudioReceived,
    AvailabilityChanged,
    ConnectionLost,
    ConnectionResumed,
    ConsentChanged,
    CustomerLeft,
    DeadlineReached,
    DigitsReceived,
    Input,
    PartialTextReceived,
    SessionOpened,
    SpeechPlayed,
    SpeechSent,
    TextReceived,
    TurnUnderstood,
    UnderstandingFailed,
)
from agent.core.ownership import Ownership
from agent.core.person_events import apply_person_event
from agent.core.session_state import SessionState
from agent.core.spoken_turns import SpokenTurns
from agent.core.understanding_requests import UnderstandingRequests
from audio.turns import TurnRules
from audio.types import RATE, Expectation
from dialogs.manager import Dialogue
from dialogs.state import DialogueState, PeopleAvailability
from dialogs.values import History, PrivacyConsent


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
        self._state = SessionState(dialogue)
        self._requests = UnderstandingRequests(self._state, rules.max_requests_in_flight)
        self._spoken_turns = SpokenTurns(self._state, self._requests, rules.stalled_s)

    # -- what the owner of the session reads -----------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether the session is over: inputs change nothing any more."""
        return self._state.closed

    @property
    def history(self) -> History:
        """The turns so far, and the escalations."""
        return self._state.history

    @property
    def state(self) -> DialogueState:
        """Where the dialogue stands. It may be set before the first turn, to begin a conversation
        with what is known already, such as an identity."""
        return self._state.dialogue_state

    @state.setter
    def state(self, state: DialogueState) -> None:
        self._state.dialogue_state = state

    @property
    def expectation(self) -> Expectation:
        """What the customer has been asked."""
        return self._state.expectation

    @property
    def ownership(self) -> Ownership:
        """Who owns the conversation, and its open handoffs."""
        return self._state.ownership

    @property
    def deadline(self) -> float:
        """When this session needs a `DeadlineReached`, in session seconds; infinite for never."""
        if self.closed:
            return math.inf
        return min(self._state.playback.silence_deadline, self._spoken_turns.deadline)

    @property
    def is_customer_away(self) -> bool:
        """Whether the customer's connection is lost for now."""
        return self._state.playback.customer_away

    @property
    def leg_positions(self) -> dict[str, int]:
        """By leg, the position of the next sample."""
        return {leg: taking.position for leg, taking in self._state.legs.items()}

    def expectation_for(self, event: Input) -> Expectation:
        """What the customer had been asked when the words of this input, not received yet, were
        said: an answer of the models belongs to the turn that was to be understood."""
        if isinstance(event, TurnUnderstood | UnderstandingFailed):
            return self._requests.expectation_of(event.request_id) or self.expectation
        return self.expectation

    # -- inputs ----------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the session from outside, without effects: its stored data was erased."""
        self._state.closed = True

    def receive(self, event: Input) -> list[Effect]:
        """Apply one input; return its effects in order, none once the session is closed. Whoever
        runs the session looks at `closed` after each input: not every end has an effect."""
        if self.closed:
            return []
        match event:
            case SessionOpened():
                return self._on_opened(event)
            case AudioReceived():
                return self._spoken_turns.add_audio(event)
            case TextReceived(at, text) | DigitsReceived(at, text):
                return [*self._state.playback.barge_in(), *self._requests.add_text(text, at)]
            case PartialTextReceived():
                return self._spoken_turns.show_partial_text(event)
            case TurnUnderstood() | UnderstandingFailed():
                return self._requests.apply_answer(event)
            case ActionCompleted():
                return self._state.apply_action_result(event)
            case SpeechSent():
                self._state.playback.on_sent(event)
                return []
            case SpeechPlayed():
                self._state.playback.on_played(event)
                return []
            case ConsentChanged(_, recording, emotion):
                self._state.set_consent(PrivacyConsent(recording, emotion))
                return []
            case AvailabilityChanged(_, available, next_opening):
                people = PeopleAvailability(available, next_opening)
                self.state = self.dialogue.on_availability(self.state, people)
                return []
            case ConnectionLost(at):
                return self._on_connection_lost(at)
            case ConnectionResumed():
                return self._on_connection_resumed(event)
            case DeadlineReached(at):
                return self._on_deadline(at)
            case CustomerLeft(_, sent_end):
                effects = self._state.close("the conversation has ended")
                return effects if sent_end else effects[:-1]  # nobody is left to be told
            case _:
                return apply_person_event(self._state, event)

    def _on_opened(self, event: SessionOpened) -> list[Effect]:
        patience_s = self.rules.silence_s if event.legs else self.rules.idle_s
        self._state.playback.open(event.speak, patience_s)
        self._state.set_channel(event.channel)
        self._spoken_turns.open(event.legs, self.rules.turn_rules)
        turn = self._state.next_turn()
        decision = self.dialogue.on_opened(event.customer.name)
        return self._state.apply_decision(decision, event.at, turn)

    def _on_deadline(self, at: float) -> list[Effect]:
        state = self._state
        effects = self._spoken_turns.end_stalled(at)
        if effects or at < state.playback.silence_deadline:
            return effects
        # a person or the models have to answer first
        if state.ownership.is_with_person or self._requests:
            state.playback.restart_silence_timer(at)
            return []
        if not state.legs and self.state.waiting_for_person:  # a chat may wait long for a person
            state.playback.restart_silence_timer(at)
            return []
        if not state.legs:
            return state.close("nothing was typed for a while; say hello again to go on")
        turn = state.next_turn()
        decision = self.dialogue.on_silence(self.state, self.history, at, turn)
        return state.apply_decision(decision, at, turn)

    def _on_connection_lost(self, at: float) -> list[Effect]:
        """End open turns and suspend the silence timer until the connection is resumed."""
        effects = self._spoken_turns.end_open(at)
        self._state.playback.on_connection_lost()
        return effects

    def _on_connection_resumed(self, event: ConnectionResumed) -> list[Effect]:
        state = self._state
        # open on a connection that was replaced before its loss was noticed
        effects = self._spoken_turns.end_open(event.at)
        self._spoken_turns.skip(event.missed_samples)
        state.playback.on_connection_resumed()
        if state.legs and event.missed_samples:
            lost_s = event.missed_samples / RATE  # the wording is part of recorded effects
            gap = f"{lost_s:.1f} s of sound were lost while the connection was away."
            effects.append(NotifyClient("gap", gap))
        if state.playback.can_repeat and not state.ownership.is_with_person:
            effects += state.playback.repeat(state.next_turn())
        state.playback.restart_silence_timer(event.at)
        return effects
