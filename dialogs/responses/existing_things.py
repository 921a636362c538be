"""Reactions to requests that are not begun: declined ones, and those about what exists already.

"Cancel my appointment" makes no other one: what was done here is undone, a task in progress is
stopped, or the pack's flow for it begins; else a person is offered. Held by
tests/dialogs/interpretation/test_polarity.py.
"""

from __future__ import annotations

from dialogs.escalation.callback import can_person_come
from dialogs.interpretation.dialogue_act import DialogueAct
from dialogs.responses.commands import cancel_all, remember_request
from dialogs.responses.fallback import offer_person, resume_task
from dialogs.responses.flow_steps import advance, begin_task
from dialogs.responses.undo import undo_last
from dialogs.turn_draft import TurnDraft
from dialogs.values import Understanding


def decline_request(draft: TurnDraft, _act: DialogueAct, _understanding: Understanding) -> None:
    """The customer does not want what the words name: nothing is begun."""
    draft.say("scope.negated")
    resume_task(draft)


def cancel_existing(draft: TurnDraft, act: DialogueAct, understanding: Understanding) -> None:
    """Cancel what exists already, not make another: what was done here, the task in progress, what
    the pack has a flow for; else a person is offered."""
    pack, flow = draft.context.pack, draft.context.pack.intents[act.intent].flow
    remember_request(draft, understanding)
    if any(done.task.flow == flow and not done.is_undone for done in draft.state.done_actions):
        undo_last(draft, understanding.text)
    elif any(task.flow == flow for task in draft.state.tasks):
        cancel_all(draft)
    elif flow and (cancel_flow := pack.flows[flow].cancel_flow):
        begin_task(draft, cancel_flow, understanding.slots, understanding.text)
        advance(draft)
    else:
        _say_what_is_possible(draft, "existing.cancel", flow)


def change_existing(draft: TurnDraft, act: DialogueAct, understanding: Understanding) -> None:
    remember_request(draft, understanding)
    _say_what_is_possible(draft, "existing.change", draft.context.pack.intents[act.intent].flow)


def _say_what_is_possible(draft: TurnDraft, reply: str, flow: str) -> None:
    draft.say(reply, {"rest": draft.context.pack.flows[flow].title})
    if draft.state.tasks or draft.state.waiting_for_person or not can_person_come(draft):
        resume_task(draft)
    else:
        offer_person(draft, "offer_colleague")
