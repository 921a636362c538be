"""Replies after a person joined, left, finished or never came, and the way back to the task.

Unfinished tasks stay and are asked about. Held by tests/dialogs/escalation/test_callback.py and
test_escalation.py.
"""

from __future__ import annotations

from dataclasses import replace

from dialogs.escalation.callback import (
    explain_unavailable,
    may_offer_callback,
    record_unmet_handoff,
)
from dialogs.responses.fallback import YES_NO_EXPECTATION, ask_again, offer_callback
from dialogs.responses.flow_steps import mark_nothing_in_progress
from dialogs.responses.next_request import start_next_request
from dialogs.responses.request_queue import lower_confidence
from dialogs.state import DialogueState, Question, UnmetHandoff
from dialogs.turn_draft import TurnDraft
from dialogs.values import ConsoleRole

UNNAMED_PERSON = "a colleague"  # for a person without a name


def person_joins(draft: TurnDraft, name: str, role: ConsoleRole) -> None:
    """Tell the customer who has joined."""
    reply = "person.supervisor" if role == "supervisor" else "person.joined"
    draft.say(reply, {"person": name.strip() or UNNAMED_PERSON})


def person_lost(draft: TurnDraft, name: str) -> None:
    """Tell the customer that the person lost the connection, and wait for another one."""
    draft.say("person.left", {"person": name.strip() or UNNAMED_PERSON})
    question = Question("waiting", reply="waiting")
    draft.state = replace(draft.state, waiting_for_person=True, question=question)


def person_done(draft: TurnDraft) -> None:
    """Go on after a person has finished; ask about unfinished tasks, they may be settled."""
    draft.say("handed_back")
    if draft.state.pending_action is not None:
        draft.say("one_moment")
        return
    draft.state = lower_confidence(draft.context.pack, draft.state)
    _ask_whether_to_go_on(draft)


def nobody_came(draft: TurnDraft, unmet: UnmetHandoff) -> None:
    """Tell the customer that no person comes, and go on without one."""
    record_unmet_handoff(draft, unmet)
    explain_unavailable(draft)
    if draft.state.pending_action is not None:
        draft.say("one_moment")
        draft.state = replace(draft.state, is_callback_due=may_offer_callback(draft))
    elif _is_idle(draft.state) and may_offer_callback(draft):
        offer_callback(draft)
    elif draft.state.question.kind == "waiting":
        _ask_whether_to_go_on(draft)
    elif draft.state.tasks or draft.state.question.kind not in {"open", "more", "menu"}:
        draft.state = replace(draft.state, is_callback_due=may_offer_callback(draft))
        ask_again(draft, draft.state)  # a task went on while the customer waited
    else:
        mark_nothing_in_progress(draft)
        start_next_request(draft)


def _is_idle(state: DialogueState) -> bool:
    """Whether nothing went on while the customer waited."""
    is_open = state.question.kind in {"open", "more", "menu"} and not state.tasks
    return state.question.kind == "waiting" or is_open


def _ask_whether_to_go_on(draft: TurnDraft) -> None:
    verify = draft.context.pack.verification_flow
    tasks = tuple(task for task in draft.state.tasks if task.flow != verify)
    draft.state = replace(draft.state, tasks=tasks)
    if tasks:
        draft.ask(Question("resume", "", "go_on", YES_NO_EXPECTATION))
    else:
        mark_nothing_in_progress(draft)
        start_next_request(draft)
