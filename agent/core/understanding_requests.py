"""Requests to understand the turns of one session, and what the models' answers lead to.

Answers are applied in the order of the requests (agent/core/pending_turns.py), and each is
understood with what the customer had been asked when the turn ended. Texts typed while too many
requests are in flight are joined into one (tests/agent/core/test_session.py).
"""

from __future__ import annotations

from agent.core.effects import Effect, NotifyClient, ShowTurn, UnderstandTurn
from agent.core.inputs import TurnUnderstood, UnderstandingFailed
from agent.core.pending_turns import PendingTurn, PendingTurns
from agent.core.session_state import SessionState
from agent.core.turn_taking import LegTurnEnded
from audio.types import Expectation, Leg

CONTEXT_TURNS = 8  # earlier turns of the customer that go to the models with a turn
MAX_JOINED_TEXT = 4000  # characters of texts that are joined into one turn
MAX_NOISE_VOICE_S = 0.5  # a turn without words and with less voice than this was not speech


class UnderstandingRequests:
    """The requests of one session to the models, until their answers have been applied."""

    def __init__(self, state: SessionState, max_in_flight: int) -> None:
        self._state = state
        self._max_in_flight = max_in_flight
        self._pending = PendingTurns()
        self._deferred_texts: list[str] = []  # typed while too many requests were in flight

    def __len__(self) -> int:
        return len(self._pending)

    def expectation_of(self, request_id: int) -> Expectation | None:
        """What the customer had been asked at this request; None when it is not open."""
        return self._pending.expectation_of(request_id)

    # -- requests ------------------------------------------------------------------------------

    def add_text(self, text: str, at: float) -> list[Effect]:
        """Request the meaning of a typed text, now or when fewer requests are in flight."""
        if len(self._pending) >= self._max_in_flight:
            self._deferred_texts.append(text)
            return []
        return [self._request_typed(text, at)]

    def add_spoken(self, ended: LegTurnEnded, leg: Leg, at: float) -> UnderstandTurn:
        """Request the meaning of a spoken turn that has ended."""
        state, turn = self._state, ended.turn
        expectation = state.expectation if leg == "customer" else Expectation()
        pending = self._pending.add(turn, leg, at, ended.voiced_s, ended.end, expectation)
        previous_turns, previous_replies = state.history.recent_texts(CONTEXT_TURNS)
        return UnderstandTurn(
            pending.request_id,
            turn,
            leg,
            turn,
            "",
            expectation,
            state.context,
            state.history.usual_prosody,
            ended.spoke_until,
            previous_turns,
            previous_replies,
        )

    def _request_typed(self, text: str, at: float) -> UnderstandTurn:
        state = self._state
        pending = self._pending.add(
            state.next_turn(), "customer", at, expectation=state.expectation, typed_text=text
        )
        previous_turns, previous_replies = state.history.recent_texts(CONTEXT_TURNS)
        return UnderstandTurn(
            pending.request_id,
            pending.turn,
            "customer",
            None,
            text,
            state.expectation,
            state.context,
            previous_turns=previous_turns,
            previous_replies=previous_replies,
        )

    # -- answers -------------------------------------------------------------------------------

    def apply_answer(self, event: TurnUnderstood | UnderstandingFailed) -> list[Effect]:
        """Apply an answer of the models, and those that waited for it; return the effects."""
        effects: list[Effect] = []
        for pending, answer in self._pending.add_answer(event):
            if not self._state.closed:
                effects += self._apply(pending, answer, event.at)
        has_room = len(self._pending) < self._max_in_flight
        if self._deferred_texts and has_room and not self._state.closed:
            effects.append(self._request_typed(self._take_deferred_text(), event.at))
        return effects

    def _take_deferred_text(self) -> str:
        """The deferred texts as one, as far as they are no longer than one text may be: the others
        are left for the next request."""
        count, length = 1, len(self._deferred_texts[0])
        while count < len(self._deferred_texts):
            length += 1 + len(self._deferred_texts[count])
            if length > MAX_JOINED_TEXT:
                break
            count += 1
        joined = " ".join(self._deferred_texts[:count])
        del self._deferred_texts[:count]
        return joined

    def _apply(
        self, pending: PendingTurn, answer: TurnUnderstood | UnderstandingFailed, at: float
    ) -> list[Effect]:
        if isinstance(answer, UnderstandingFailed):
            return self._apply_failure(pending, answer)
        state, understanding = self._state, answer.understanding
        if (
            not understanding.text
            and pending.voiced_s is not None
            and pending.voiced_s < MAX_NOISE_VOICE_S
        ):
            return state.resume_after_noise(at)
        if pending.leg != "customer":
            state.add_turn(pending, understanding, None)
            return [ShowTurn(pending.turn, pending.leg, answer.transcript, None, pending.end)]
        show = ShowTurn(pending.turn, pending.leg, answer.transcript, understanding, pending.end)
        if state.ownership.is_with_person:
            state.add_turn(pending, understanding, None)
            return [show]
        decision = state.dialogue.on_understood(
            state.dialogue_state, state.history, understanding, at, pending.turn
        )
        state.add_turn(pending, understanding, decision)
        return [show, *state.apply_decision(decision, at, pending.turn, understanding)]

    def _apply_failure(self, pending: PendingTurn, failure: UnderstandingFailed) -> list[Effect]:
        state = self._state
        if pending.leg != "customer" or state.ownership.is_with_person:
            return []
        notice = NotifyClient(
            "missed", f"Turn {pending.turn} could not be understood: {failure.reason}."
        )
        decision = state.dialogue.on_understanding_failed(
            state.dialogue_state, state.history, failure.at, pending.turn, pending.typed_text
        )
        return [notice, *state.apply_decision(decision, failure.at, pending.turn)]
