"""Agent assist: suggested replies for the person who has taken over.

Suggestions are quotes from the documents for the customer's last turn, and the next question of
the task in progress. They have no effects, and there are none when nothing fits
(tests/dialogs/test_agent_assist.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from dialogs.interpretation.slot_filling import assign_slots
from dialogs.pack.model import Pack
from dialogs.pack.reserved_names import PERSON_INTENT
from dialogs.responses.flow_steps import advance, begin_task, fill_slot
from dialogs.state import DialogueState
from dialogs.turn_draft import SessionContext, TurnDraft
from dialogs.values import History, Turn

MAX_SUGGESTIONS = 4
REQUEST_KINDS = frozenset({"task", "question"})  # kinds of intents that are requests


@dataclass(frozen=True, slots=True)
class SuggestedReply:
    """A reply that can be sent as it is, and why it is suggested. Its fields are wire names."""

    text: str
    why: str


def suggest_replies(
    pack: Pack, state: DialogueState, history: History, today: date
) -> tuple[SuggestedReply, ...]:
    """At most four suggestions: answers to the customer's last turn, then the next question."""
    customer_turns = [turn for turn in history.turns if turn.leg == "customer"]
    suggestions = _document_answers(pack, customer_turns[-1]) if customer_turns else []
    suggestions += _next_question(
        pack, state, history, today, customer_turns[-1] if customer_turns else None
    )
    return tuple(dict.fromkeys(suggestions))[:MAX_SUGGESTIONS]


def _document_answers(pack: Pack, turn: Turn) -> list[SuggestedReply]:
    """Quotes from the documents, one for each request of the turn."""
    understanding = turn.understanding
    requests = [
        (understanding.intent, understanding.text),
        *((one.intent, one.text) for one in understanding.also),
    ]
    suggestions: list[SuggestedReply] = []
    for intent, text in requests:
        spec = pack.intents.get(intent)
        if spec is not None and spec.kind not in REQUEST_KINDS:
            continue
        if (answer := pack.knowledge.find_answer(text)) is not None:
            suggestions.append(
                SuggestedReply(answer.text, f"From the documents: {answer.source.title}")
            )
    return suggestions


def _next_question(
    pack: Pack, state: DialogueState, history: History, today: date, last: Turn | None
) -> list[SuggestedReply]:
    """The next question of the task in progress, as the dialogue would ask it. The person checks
    the identity, so no question for a secret is suggested."""
    if state.pending_action is not None or state.is_over:
        return []
    tasks = tuple(task for task in state.tasks if task.flow != pack.verification_flow)
    state = replace(
        state, tasks=tasks, waiting_for_person=False, identity_verified=True, tone="neutral"
    )
    draft = TurnDraft(
        SessionContext(pack, "", today, history.channel), state, last.number if last else 0, 0.0
    )
    if last is not None and not last.replies:  # the dialogue has not answered it
        _apply_turn(draft, last)
    if not draft.state.tasks:
        return []
    advance(draft)
    title = pack.flows[draft.state.tasks[-1].flow].title if draft.state.tasks else ""
    text = " ".join(reply.text for reply in draft.replies)
    if (
        draft.action_call
        or draft.forced_rule
        or draft.nothing_in_progress
        or not text
        or _is_secret_asked(draft)
    ):
        return []
    return [SuggestedReply(text, f"Next in the {title}")]


def _apply_turn(draft: TurnDraft, turn: Turn) -> None:
    """Apply the customer's turn to the draft: start its task, or fill slots."""
    pack, understanding = draft.context.pack, turn.understanding
    intent = pack.intents.get(understanding.intent)
    is_certain = understanding.confidence >= pack.intent_thresholds.act_from
    if intent is not None and intent.flow and intent.name != PERSON_INTENT and is_certain:
        begin_task(draft, intent.flow, understanding.slots, understanding.text)
    elif intent is None or intent.kind != "question":  # a question fills no slots
        _fill_slots(draft, turn)


def _fill_slots(draft: TurnDraft, turn: Turn) -> None:
    for fit in assign_slots(draft.context.pack, draft.state, turn.understanding.slots):
        fill_slot(draft, fit)


def _is_secret_asked(draft: TurnDraft) -> bool:
    question, slots = draft.state.question, draft.context.pack.slots
    return question.kind == "slot" and slots[question.name].is_secret
