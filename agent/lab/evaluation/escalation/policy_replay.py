"""Replay of recorded conversations through the pack's escalation rules, turn by turn.

The transcripts are of other systems, so the dialogue state is filled as far as a transcript shows
it: a turn answered with "I do not understand" was not understood; a customer who is told that they
cannot be authenticated failed verification. How a handoff would have changed the rest is unknown;
the conversation runs on, and each cause is counted separately. Invariants, held by
tests/agent/lab/evaluation/test_escalation.py: what follows a turn and its answer never changes the
assessment of it; a conversation is handed off once per cause.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.lab.training.understanding.rated_dialogues import RatedDialogue
from agent.understanding.conversation_features import count_not_understood
from dialogs.escalation.handoff import with_interpreted_intent
from dialogs.escalation.scoring import EscalationAssessment, ScoredTurn, assess_escalation
from dialogs.interpretation.dialogue_acts import interpret
from dialogs.pack.model import Pack
from dialogs.state import DialogueState
from dialogs.values import History, Turn, Understanding

# Rules about what a customer wants done, not about how the conversation goes. They rightly fire on
# calm customers, so labels of annoyance cannot judge them.
TASK_RULES = frozenset({"risky_intent", "failed_verification"})
_AUTHENTICATION_REFUSED = re.compile(r"\b(cannot|can.?t|unable to) (authenticate|verify)", re.I)


@dataclass(frozen=True, slots=True)
class PolicyInput:
    """The input of the escalation rules at one turn."""

    state: DialogueState
    history: History
    turn: ScoredTurn


@dataclass(frozen=True, slots=True)
class PolicyTrace:
    """The handoffs and threshold crossings of one conversation. Turns count from 0.

    `handoffs` are (turn, rule), in order. `entered` counts, for each cause, how often its score
    rose above the threshold (more than once is flapping); `left` how often any fell below.
    """

    handoffs: tuple[tuple[int, str], ...]
    entered: Mapping[str, int]
    left: int

    def first_handoff(self, excluding: frozenset[str] = frozenset()) -> int | None:
        return next((turn for turn, rule in self.handoffs if rule not in excluding), None)

    @property
    def refire_count(self) -> int:
        """Number of times that a cause fired again after its score had fallen."""
        return sum(times - 1 for times in self.entered.values() if times > 1)


def policy_trace(
    pack: Pack,
    conversation: RatedDialogue,
    understandings: Mapping[str, Understanding],
    trouble: Sequence[float] | None = None,
) -> PolicyTrace:
    handoffs: list[tuple[int, str]] = []
    entered: dict[str, int] = {}
    left, active = 0, frozenset[str]()
    for at, (_, judgement) in enumerate(replay_policy(pack, conversation, understandings, trouble)):
        for cause in judgement.active_causes - active:
            entered[cause] = entered.get(cause, 0) + 1
        left += len(active - judgement.active_causes)
        active = judgement.active_causes
        if judgement.escalation is not None:
            handoffs.append((at, judgement.escalation.rule))
    return PolicyTrace(tuple(handoffs), entered, left)


def replay_policy(
    pack: Pack,
    conversation: RatedDialogue,
    understandings: Mapping[str, Understanding],
    trouble: Sequence[float] | None = None,
) -> Iterator[tuple[PolicyInput, EscalationAssessment]]:
    """The input and the assessment of the escalation rules at each turn.

    `trouble` (turns,): log-odds above the base rate that the conversation goes wrong, by a model
    not trained on this conversation; None: zero throughout.
    """
    state = DialogueState()
    turns: tuple[Turn, ...] = ()
    for at, exchange in enumerate(conversation.exchanges):
        number, understanding = at + 1, understandings[exchange.customer_text]
        understanding = replace(
            understanding, trouble=float(trouble[at]) if trouble is not None else 0.0
        )
        meaning = interpret(pack, state, understanding)
        state = _state_after_reply(state, conversation.reply(at), meaning.kind == "person")
        scored_turn = ScoredTurn(number, float(at), with_interpreted_intent(understanding, meaning))
        policy_input = PolicyInput(state, History("chat", turns), scored_turn)
        judgement = assess_escalation(pack, state, policy_input.history, scored_turn)
        yield policy_input, judgement
        state = replace(state, active_causes=judgement.active_causes)
        if judgement.escalation is not None:
            state = replace(
                state, waiting_for_person=True, handoff_urgency=judgement.escalation.urgency
            )
        turns = (*turns, Turn(number, "customer", scored_turn.at, understanding))


def _state_after_reply(state: DialogueState, reply: str, asked_for_person: bool) -> DialogueState:
    """The state when the dialogue decides on its reply, as far as the recorded reply shows it."""
    not_understood_now = bool(count_not_understood(reply))
    misses = state.misses + not_understood_now if not_understood_now or not reply else 0
    return replace(
        state,
        misses=misses,
        person_requests=state.person_requests + asked_for_person,
        failed_verifications=state.failed_verifications
        + bool(_AUTHENTICATION_REFUSED.search(reply)),
    )
