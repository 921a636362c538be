"""What could the person who took over say next?

What the documents say to what the customer said last, and what we would ask next ourselves for what
is in progress. Proposals only: nothing is said or done by making them, and there are none when
nothing fits (tests/dialogs/test_suggest.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from dialogs.interpretation.slot_filling import fitting
from dialogs.pack.model import Pack
from dialogs.responses.flow_steps import advance, begin, put
from dialogs.state import DialogueState
from dialogs.turn_draft import Draft, House
from dialogs.values import Conversation, Turn

MOST = 4
TASKS = frozenset({"task", "question"})  # kinds of intents that ask for something


@dataclass(frozen=True, slots=True)
class Proposal:
    """Words that can be said as they are, and why they are proposed."""

    text: str
    why: str


def proposals(
    pack: Pack, state: DialogueState, talk: Conversation, today: date
) -> tuple[Proposal, ...]:
    """At most four, the answer to what the customer said last before what could be asked."""
    said = [turn for turn in talk.turns if turn.leg == "customer"]
    found = _answers(pack, said[-1]) if said else []
    found += _next(pack, state, talk, today, said[-1] if said else None)
    return tuple(dict.fromkeys(found))[:MOST]


def _answers(pack: Pack, turn: Turn) -> list[Proposal]:
    """From the documents, one for each thing that was asked for."""
    what = turn.heard
    asked = [(what.intent, what.text), *((one.intent, one.text) for one in what.also)]
    found: list[Proposal] = []
    for intent, text in asked:
        known = pack.intents.get(intent)
        if known is not None and known.kind not in TASKS:
            continue
        if (answer := pack.knowledge.answer(text)) is not None:
            found.append(Proposal(answer.text, f"From the documents: {answer.source.title}"))
    return found


def _next(
    pack: Pack, state: DialogueState, talk: Conversation, today: date, last: Turn | None
) -> list[Proposal]:
    """The next question of what is in progress, as if the person had not come. Who the customer is
    is for the person to find out: nothing secret is proposed to be asked."""
    if state.pending is not None or state.ended:
        return []
    tasks = tuple(task for task in state.tasks if task.flow != pack.verify_with)
    state = replace(state, tasks=tasks, waiting=False, verified=True, tone="neutral")
    draft = Draft(House(pack, "", today, talk.channel), state, last.number if last else 0, 0.0)
    if last is not None and not last.replies:  # the bot has not dealt with it
        _apply(draft, last)
    if not draft.state.tasks:
        return []
    advance(draft)
    title = pack.flows[draft.state.tasks[-1].flow].title if draft.state.tasks else ""
    text = " ".join(reply.text for reply in draft.replies)
    if draft.act or draft.demanded or draft.free or not text or _secret(draft):
        return []
    return [Proposal(text, f"Next in the {title}")]


def _apply(draft: Draft, turn: Turn) -> None:
    """What the customer told the person, as far as it fills in what is in progress or begins it."""
    pack, what = draft.house.pack, turn.heard
    intent = pack.intents.get(what.intent)
    sure = what.confidence >= pack.deciding.act_from
    if intent is not None and intent.flow and intent.name != "talk_to_person" and sure:
        begin(draft, intent.flow, what.slots, what.text)
    elif intent is None or intent.kind != "question":  # which is about something else
        _fill(draft, turn)


def _fill(draft: Draft, turn: Turn) -> None:
    for fit in fitting(draft.house.pack, draft.state, turn.heard.slots):
        put(draft, fit)


def _secret(draft: Draft) -> bool:
    question, slots = draft.state.question, draft.house.pack.slots
    return question.kind == "slot" and slots[question.name].secret
