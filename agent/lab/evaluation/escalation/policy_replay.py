"""What do the pack's rules make of a conversation, turn by turn, as the dialogue would ask them?

A transcript is of another system: its customer talks to that one. So the dialogue's state is filled
as far as the transcript shows it: a turn that was answered with "I do not understand" was not
understood, a customer who was told that they cannot be authenticated failed. That a hand-over would
have changed what follows cannot be seen; the conversation runs on, and what a second cause does is
counted apart. Invariants, held by tests/agent/evaluation/test_escalation.py: what follows a turn
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
OTHER_CAUSES = frozenset({"risky_intent", "failed_verification"})
_REFUSED = re.compile(r"\b(cannot|can.?t|unable to) (authenticate|verify)", re.I)


@dataclass(frozen=True, slots=True)
class Asked:
    """All that the policy is given at one turn."""

    state: DialogueState
    talk: History
    now: ScoredTurn


@dataclass(frozen=True, slots=True)
class Followed:
    """What became of one conversation. Turns count from 0.

    `calls` are the hand-overs in order, (turn, rule). `entered` counts, for each cause, how often
    it rose above its threshold: more than once is flapping.
    """

    calls: tuple[tuple[int, str], ...]
    entered: Mapping[str, int]
    left: int

    def first(self, without: frozenset[str] = frozenset()) -> int | None:
        return next((turn for turn, rule in self.calls if rule not in without), None)

    @property
    def again(self) -> int:
        """Causes that fired once more after they had left."""
        return sum(times - 1 for times in self.entered.values() if times > 1)


def followed(
    pack: Pack,
    talk: RatedDialogue,
    understood: Mapping[str, Understanding],
    trouble: Sequence[float] | None = None,
) -> Followed:
    calls: list[tuple[int, str]] = []
    entered: dict[str, int] = {}
    left, active = 0, frozenset[str]()
    for at, (_, judgement) in enumerate(judged(pack, talk, understood, trouble)):
        for cause in judgement.active_causes - active:
            entered[cause] = entered.get(cause, 0) + 1
        left += len(active - judgement.active_causes)
        active = judgement.active_causes
        if judgement.escalation is not None:
            calls.append((at, judgement.escalation.rule))
    return Followed(tuple(calls), entered, left)


def judged(
    pack: Pack,
    talk: RatedDialogue,
    understood: Mapping[str, Understanding],
    trouble: Sequence[float] | None = None,
) -> Iterator[tuple[Asked, EscalationAssessment]]:
    """The policy's own judgement on each turn, and what it was given.

    `trouble` (turns,) is how much likelier than usual each turn makes it that this goes wrong, by a
    model that was not trained on this conversation; none: nothing judges it.
    """
    state = DialogueState()
    turns: tuple[Turn, ...] = ()
    for at, exchange in enumerate(talk.exchanges):
        number, what = at + 1, understood[exchange.customer_text]
        what = replace(what, trouble=float(trouble[at]) if trouble is not None else 0.0)
        meaning = interpret(pack, state, what)
        state = _answered(state, talk.reply(at), meaning.kind == "person")
        now = ScoredTurn(number, float(at), with_interpreted_intent(what, meaning))
        asked = Asked(state, History("chat", turns), now)
        judgement = assess_escalation(pack, state, asked.talk, now)
        yield asked, judgement
        state = replace(state, active_causes=judgement.active_causes)
        if judgement.escalation is not None:
            state = replace(
                state, waiting_for_person=True, handoff_urgency=judgement.escalation.urgency
            )
        turns = (*turns, Turn(number, "customer", now.at, what))


def _answered(state: DialogueState, reply: str, person: bool) -> DialogueState:
    """What the dialogue knows when it decides on its answer, which the transcript shows in it."""
    lost = bool(count_not_understood(reply))
    misses = state.misses + lost if lost or not reply else 0
    return replace(
        state,
        misses=misses,
        person_requests=state.person_requests + person,
        failed_verifications=state.failed_verifications + bool(_REFUSED.search(reply)),
    )
