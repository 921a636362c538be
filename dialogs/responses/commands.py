"""Universal commands: a person, cancel, start over, repeat, go back, goodbye.

Held by tests/dialogs/test_bank_flows.py and tests/dialogs/test_dialogue_laws.py.
"""

from __future__ import annotations

from dataclasses import replace

from dialogs.escalation.callback import (
    is_arranging_callback,
    is_person_unavailable,
    may_offer_callback,
    remind_of_ticket,
)
from dialogs.escalation.summary import mask_secrets
from dialogs.pack.reserved_names import EXPLICIT_REQUEST_RULE
from dialogs.responses.fallback import decline_callback, offer_callback, resume_task
from dialogs.responses.flow_steps import (
    advance,
    mark_nothing_in_progress,
    with_confirmations_reopened,
)
from dialogs.responses.request_queue import describe_requests
from dialogs.responses.undo import (
    begin_undo,
    find_done_by,
    find_recent,
    was_said_impossible,
)
from dialogs.state import Question, Task, TurnQuote
from dialogs.turn_draft import TurnDraft
from dialogs.values import OfferAnswered, Understanding


def remember_request(draft: TurnDraft, understanding: Understanding) -> None:
    """Record the customer's words for the summary, unless a recorded quote contains them."""
    turn = draft.resumed_request.turn if draft.resumed_request else draft.turn
    text = mask_secrets(understanding.text, draft.context.pack, understanding)
    if not any(want.turn == turn and text in want.text for want in draft.state.customer_requests):
        draft.state = replace(
            draft.state, customer_requests=(*draft.state.customer_requests, TurnQuote(turn, text))
        )


def request_person(draft: TurnDraft, understanding: Understanding) -> None:
    """Force an escalation on request, or say why no person is available."""
    state = draft.state
    draft.state = replace(state, person_requests=state.person_requests + 1)
    if state.waiting_for_person:
        draft.say("waiting")
        return
    if is_person_unavailable(draft):
        if may_offer_callback(draft):
            offer_callback(draft)
        else:
            resume_task(draft)
        remind_of_ticket(draft)
        return
    if not state.accepted_person_offer:
        remember_request(draft, understanding)
    # the rule of an open offer is named in its question
    offered_rule = state.question.name if state.question.kind == "person" else ""
    draft.forced_rule = offered_rule or EXPLICIT_REQUEST_RULE


def cancel_all(draft: TurnDraft) -> None:
    """Cancel the task and all deferred requests but those of this turn, and name them."""
    dropped = describe_requests(
        draft.context.pack, (w for w in draft.state.further_requests if w not in draft.deferred_now)
    )
    # "cancel that, and do this"
    draft.state = replace(draft.state, further_requests=draft.deferred_now)
    cancel(draft, dropped)


def cancel(draft: TurnDraft, dropped: str = "") -> None:
    """Cancel the active task. `dropped` names the requests that are cancelled with it."""
    state, pack = draft.state, draft.context.pack
    tasks = state.tasks
    if is_arranging_callback(state, pack) or state.question.kind == "callback":
        decline_callback(draft)
        return
    if tasks and tasks[-1].flow == pack.verification_flow:
        tasks = tasks[:-1]  # the identity check only served the task below
    if not tasks and not dropped and (done := find_recent(draft)) is not None:
        begin_undo(draft, done)
        return
    if not tasks:
        draft.state = replace(state, tasks=())
        draft.say("dropped" if dropped else "nothing_to_cancel", {"rest": dropped})
        mark_nothing_in_progress(draft)
        return
    draft.state = replace(state, tasks=tasks)
    done = find_done_by(draft, tasks[-1])
    if done is not None and not was_said_impossible(draft):
        begin_undo(draft, done)  # it is past the point where it could be stopped
        return
    is_kept = done is not None or bool(pack.flows[tasks[-1].flow].undoes)
    draft.say("undo.kept" if is_kept else "cancelled")
    if offered := tasks[-1].offer_number:
        draft.offers.append(OfferAnswered(offered, draft.turn, draft.at, "abandoned"))
    if dropped:
        draft.say("dropped", {"rest": dropped})
    draft.state = replace(draft.state, tasks=tasks[:-1], question=Question())
    if draft.state.tasks:
        resume_task(draft)
    else:
        mark_nothing_in_progress(draft)


def start_over(draft: TurnDraft) -> None:
    """Restart the active task with empty slots."""
    state = draft.state
    draft.say("start_over")
    unfinished = [t for t in state.tasks if t.flow != draft.context.pack.verification_flow]
    if unfinished:
        fresh = Task(
            unfinished[-1].flow, start_turn=draft.turn, request_text=unfinished[-1].request_text
        )
        draft.state = replace(draft.state, tasks=(*unfinished[:-1], fresh))
        advance(draft)
    else:
        draft.state = replace(draft.state, tasks=())
        draft.ask(draft.open_question())


def repeat_replies(draft: TurnDraft) -> None:
    """Say the last replies again."""
    draft.replies.extend(draft.state.last_replies)


def go_back(draft: TurnDraft) -> None:
    """Empty the slot that the customer filled last, and ask for it again."""
    task = draft.state.task
    filled = [n for n in task.fill_order if task.slots[n].turn] if task else []
    if task is None or not filled:
        if draft.state.tasks:
            draft.say("nothing_to_go_back")
            advance(draft)
        else:
            resume_task(draft)
        return
    draft.state = draft.state.with_task(
        with_confirmations_reopened(draft, task.without_slots(filled[-1]))
    )
    advance(draft)


def say_goodbye(draft: TurnDraft) -> None:
    """End the session and name what is unfinished, unless the turn contains a new request."""
    if draft.deferred_now:  # "bye, oh, and one more thing"
        resume_task(draft)
        return
    unfinished = [
        task
        for task in draft.state.tasks
        if task.flow != draft.context.pack.verification_flow and find_done_by(draft, task) is None
    ]
    dropped = describe_requests(draft.context.pack, draft.state.further_requests)
    if dropped:
        draft.say("goodbye_rest", {"rest": dropped})
    if unfinished:
        draft.state = replace(draft.state, tasks=tuple(unfinished))
        draft.say("goodbye_unfinished")
    else:
        draft.say("goodbye")
    draft.ends_session = True
