"""Inputs about people, applied to a session: who takes over, speaks, hands back, is lost, or never
comes.

agent/core/ownership.py says what a person may do; here the customer is told, and the bot goes on
where a person leaves. Inputs of a person who does not own the conversation change nothing
(tests/agent/core/test_ownership.py).
"""

from __future__ import annotations

from agent.core.effects import Effect, ForwardPersonText, SayReplies
from agent.core.inputs import (
    ActionCompleted,
    HandoffQueued,
    HandoffUnanswered,
    PersonEndedSession,
    PersonHandedBack,
    PersonLost,
    PersonTextReceived,
    PersonTookOver,
)
from agent.core.session_state import SessionState
from dialogs.values import ConsoleRole

PersonEvent = (
    PersonTookOver
    | PersonTextReceived
    | PersonHandedBack
    | PersonLost
    | PersonEndedSession
    | HandoffQueued
    | HandoffUnanswered
)


def apply_person_event(state: SessionState, event: PersonEvent) -> list[Effect]:
    """Apply one input about a person or a handoff; return its effects."""
    ownership = state.ownership
    match event:
        case PersonTookOver(at, name, role):
            accepted = ownership.take_over(name, role)
            if not accepted:
                return []
            return [*state.playback.barge_in(), *accepted, *_introduce_person(state, at)]
        case PersonTextReceived(_, name, text):
            return [ForwardPersonText(name, text)] if ownership.is_owned_by(name) else []
        case PersonHandedBack(at, name):
            handed_back = ownership.hand_back(name)
            if handed_back is None:
                return []
            ended, deferred = handed_back
            return [*ended, *_apply_results(state, deferred), *_return_to_bot(state, at)]
        case PersonLost(at, name):
            reopened = ownership.remove_person(name)
            return [*reopened, *_go_on_without(state, name, at)] if reopened else []
        case PersonEndedSession(_, name):
            if not ownership.is_owned_by(name):
                return []
            ended, _ = ownership.hand_back(name) or ([], [])
            return [*ended[:-1], *state.close(f"{name} has ended the conversation")]
        case HandoffQueued():
            return ownership.queue_position(event)
        case HandoffUnanswered():
            return _apply_unanswered(state, event)


def _introduce_person(state: SessionState, at: float) -> list[Effect]:
    """Tell the customer who joins, spoken where replies are spoken."""
    name, owner = state.ownership.person_name, state.ownership.owner
    role: ConsoleRole = "supervisor" if owner == "supervisor" else "person"
    turn = state.next_turn()
    decision = state.dialogue.on_person_joined(state.dialogue_state, name, role, at, turn)
    state.dialogue_state = decision.state
    state.playback.restart_silence_timer(at)
    replies = decision.replies
    return [SayReplies(turn, replies, state.playback.speaks)] if replies else []


def _go_on_without(state: SessionState, name: str, at: float) -> list[Effect]:
    """Tell the customer that the person is gone; the bot goes on when no handoff is open."""
    if state.ownership.owner == "bot":
        return _return_to_bot(state, at, is_lost=True)
    turn = state.next_turn()
    decision = state.dialogue.on_person_lost(state.dialogue_state, name, at, turn)
    effects = state.apply_decision(decision, at, turn)
    return [*effects, *_apply_results(state, state.ownership.take_deferred_results())]


def _return_to_bot(state: SessionState, at: float, is_lost: bool = False) -> list[Effect]:
    effects = _apply_results(state, state.ownership.take_deferred_results())
    turn = state.next_turn()
    decision = state.dialogue.on_handed_back(
        state.dialogue_state, state.history, at, turn, is_lost=is_lost
    )
    return [*effects, *state.apply_decision(decision, at, turn)]


def _apply_results(state: SessionState, deferred: list[ActionCompleted]) -> list[Effect]:
    return [effect for event in deferred for effect in state.apply_action_result(event)]


def _apply_unanswered(state: SessionState, event: HandoffUnanswered) -> list[Effect]:
    effects = state.ownership.close_unanswered(event)
    if effects is None:
        return []
    if state.ownership.owner == "queued":  # another handoff may still be taken
        return effects
    turn = state.next_turn()
    decision = state.dialogue.on_person_unavailable(
        state.dialogue_state,
        state.history,
        event.reason,
        event.ticket,
        event.next_opening,
        event.at,
        turn,
    )
    return [*effects, *state.apply_decision(decision, event.at, turn)]
