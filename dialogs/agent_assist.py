"""What could the person who took over say next?

What the documents say to what the customer said last, and what we would ask next ourselves for what
is in progress. Proposals only: nothing is said or done by making them, and there are none when
nothing fits (tests/dialogs/test_suggest.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from dialogs.interpretation.slot_filling import assign_slots
from dialogs.pack.model import Pack
from dialogs.responses.flow_steps import advance, begin_task, fill_slot
from dialogs.state import DialogueState
from dialogs.turn_draft import SessionContext, TurnDraft
from dialogs.values import History, Turn

MAX_SUGGESTIONS = 4
REQUEST_KINDS = frozenset({"task", "question"})  # kinds of intents that ask for something


@dataclass(frozen=True, slots=True)
class SuggestedReply:
    """Words that can be said as they are, and why they are proposed."""

    text: str
    why: str


def suggest_replies(
    pack: Pack, state: DialogueState, history: History, today: date
) -> tuple[SuggestedReply, ...]:
    """At most four, the answer to what the customer said last before what could be asked."""
    customer_turns = [turn for turn in history.turns if turn.leg == "customer"]
    suggestions = _document_answers(pack, customer_turns[-1]) if customer_turns else []
    suggestions += _next_question(
        pack, state, history, today, customer_turns[-1] if customer_turns else None
    )
    return tuple(dict.fromkeys(suggestions))[:MAX_SUGGESTIONS]


def _document_answers(pack: Pack, turn: Turn) -> list[SuggestedReply]:
    """From the documents, one for each thing that was asked for."""
    understanding = turn.understanding
    requests = [
        (understanding.intent, understanding.text),
        *((one.intent, one.text) for one in understanding.also),
    ]
    suggestions: list[SuggestedReply] = []
    for intent, text in requests:
        known = pack.intents.get(intent)
        if known is not None and known.kind not in REQUEST_KINDS:
            continue
        if (answer := pack.knowledge.find_answer(text)) is not None:
            suggestions.append(
                SuggestedReply(answer.text, f"From the documents: {answer.source.title}")
            )
    return suggestions


def _next_question(
    pack: Pack, state: DialogueState, history: History, today: date, last: Turn | None
) -> list[SuggestedReply]:
    """The next question of what is in progress, as if the person had not come. Who the customer is
    is for the person to find out: nothing secret is proposed to be asked."""
    if state.pending_action is not None or state.is_over:
        return []
    tasks = tuple(task for task in state.tasks if task.flow != pack.verification_flow)
    state = replace(
        state, tasks=tasks, waiting_for_person=False, identity_verified=True, tone="neutral"
    )
    draft = TurnDraft(
        SessionContext(pack, "", today, history.channel), state, last.number if last else 0, 0.0
    )
    if last is not None and not last.replies:  # the bot has not dealt with it
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
    """What the customer told the person, as far as it fills in what is in progress or begins it."""
    pack, understanding = draft.context.pack, turn.understanding
    intent = pack.intents.get(understanding.intent)
    is_certain = understanding.confidence >= pack.intent_thresholds.act_from
    if intent is not None and intent.flow and intent.name != "talk_to_person" and is_certain:
        begin_task(draft, intent.flow, understanding.slots, understanding.text)
    elif intent is None or intent.kind != "question":  # which is about something else
        _fill_slots(draft, turn)


def _fill_slots(draft: TurnDraft, turn: Turn) -> None:
    for fit in assign_slots(draft.context.pack, draft.state, turn.understanding.slots):
        fill_slot(draft, fit)


def _is_secret_asked(draft: TurnDraft) -> bool:
    question, slots = draft.state.question, draft.context.pack.slots
    return question.kind == "slot" and slots[question.name].is_secret
