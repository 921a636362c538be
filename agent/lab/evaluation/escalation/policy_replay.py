"""What do the pack's rules make of a conversation, turn by turn, as the dialogue would ask them?

A transcript is of another system: its customer talks to that one. So the dialogue's state is filled
as far as the transcript shows it: a turn that was answered with "I do not understand" was not
understood, a customer who was told that they cannot be authenticated failed. That a hand-over would
have changed what follows cannot be seen; the conversation runs on, and what a second cause does is
counted apart. Invariants, held by tests/agent/lab/evaluation/test_escalation.py: what follows a turn
and its answer never changes the judgement on it; a conversation is handed over once for a cause.
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

# Rules about what a customer wants done, not about how the conversation goes. They are right to
# fire on calm customers, so a label about annoyance says nothing of them.
TASK_RULES = frozenset({"risky_intent", "failed_verification"})
_AUTHENTICATION_REFUSED = re.compile(r"\b(cannot|can.?t|unable to) (authenticate|verify)", re.I)


@dataclass(frozen=True, slots=True)
class PolicyInput:
    """All that the policy is given at one turn."""

    state: DialogueState
    history: History
    turn: ScoredTurn


@dataclass(frozen=True, slots=True)
class PolicyTrace:
    """What became of one conversation. Turns count from 0.

    `calls` are the hand-overs in order, (turn, rule). `entered` counts, for each cause, how often
    it rose above its threshold: more than once is flapping.
    """

    handoffs: tuple[tuple[int, str], ...]
    entered: Mapping[str, int]
    left: int

    def first_handoff(self, excluding: frozenset[str] = frozenset()) -> int | None:
        return next((turn for turn, rule in self.handoffs if rule not in excluding), None)

    @property
    def refired(self) -> int:
        """Causes that fired once more after they had left."""
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
    """The policy's own judgement on each turn, and what it was given.

    `trouble` (turns,) is how much likelier than usual each turn makes it that this goes wrong, by a
    model that was not trained on this conversation; none: nothing judges it.
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
    """What the dialogue knows when it decides on its answer, which the transcript shows in it."""
    not_understood_now = bool(count_not_understood(reply))
    misses = state.misses + not_understood_now if not_understood_now or not reply else 0
    return replace(
        state,
        misses=misses,
        person_requests=state.person_requests + asked_for_person,
        failed_verifications=state.failed_verifications
        + bool(_AUTHENTICATION_REFUSED.search(reply)),
    )
