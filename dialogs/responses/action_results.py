"""Effects of a back-end action result on the task that called it.

A result counts once, and only for the pending action. The customer is never told which part of
an identity was wrong. Held by tests/dialogs/responses/test_action_results.py.
"""

from __future__ import annotations

from dataclasses import replace

from dialogs.escalation.callback import (
    is_arranging_callback,
    is_person_unavailable,
    record_callback,
    remind_of_ticket,
)
from dialogs.pack.model import FailureResponse, Step
from dialogs.pack.reserved_names import ARRANGE_CALLBACK_ACTION, FAILED_VERIFICATION_RULE
from dialogs.responses.fallback import decline_callback, offer_person
from dialogs.responses.fallback import may_offer_person as can_offer_person
from dialogs.responses.flow_steps import (
    MAX_REFUSALS,
    action_fingerprint,
    advance,
    with_confirmations_reopened,
)
from dialogs.responses.undo import begin_undo, find_recent, remember_done
from dialogs.state import ActionRecord, PendingAction, Task
from dialogs.turn_draft import TurnDraft
from dialogs.values import ActionResult

# reason of a result that does not say whether the action took effect
UNKNOWN_RESULT_REASON = "unavailable"


def apply_action_result(draft: TurnDraft, pending: PendingAction, result: ActionResult) -> None:
    """Record the result of the pending action and go on with its task."""
    task = draft.state.tasks[-1]  # the stack does not change while an action is pending
    step = draft.context.pack.flows[task.flow].steps[pending.step_index]
    record = ActionRecord(draft.turn, step.name, result.ok, "" if result.ok else result.reason)
    draft.state = replace(draft.state, action_records=(*draft.state.action_records, record))
    _remember_key(draft, pending, result)
    if result.ok:
        _apply_success(draft, task, pending, step, result)
    else:
        _apply_failure(draft, task, step, result)


def _remember_key(draft: TurnDraft, pending: PendingAction, result: ActionResult) -> None:
    """Keep the key of an action whose effect is unknown, so that a retry cannot act twice."""
    call = pending.call
    attempt = action_fingerprint(call.name, call.arguments)
    uncertain_keys = {k: v for k, v in draft.state.uncertain_keys.items() if k != attempt}
    if (
        not result.ok
        and result.reason == UNKNOWN_RESULT_REASON
        and not _checks_identity(draft, pending)
    ):
        uncertain_keys[attempt] = call.key
    draft.state = replace(draft.state, uncertain_keys=uncertain_keys)


def _checks_identity(draft: TurnDraft, pending: PendingAction) -> bool:
    task = draft.state.task
    return bool(
        task and draft.context.pack.flows[task.flow].steps[pending.step_index].verifies_identity
    )


def _apply_success(
    draft: TurnDraft, task: Task, pending: PendingAction, step: Step, result: ActionResult
) -> None:
    kinds = dict(step.result_types)
    result_values = {
        name: (value, kinds.get(name, "text")) for name, value in result.values.items()
    }
    task = replace(
        task,
        finished_steps=task.finished_steps | {pending.step_index},
        result_values={**task.result_values, **result_values},
        refusals=0,
    )
    draft.state = draft.state.with_task(task)
    remember_done(draft, pending, step, task)
    if step.verifies_identity:
        facts = {**draft.state.customer_facts, **dict(result.values)}
        draft.state = replace(
            draft.state,
            identity_verified=True,
            failed_verifications=0,
            customer_facts=facts,
            identity_claims={},
        )
    if step.name == ARRANGE_CALLBACK_ACTION:
        record_callback(draft, result.values.get("ticket", ""))
    if step.reply:
        draft.say(step.reply)
    if draft.state.stop_request is not None and step.needs_consent:
        _answer_stop_request(draft)
        return
    advance(draft)


def _answer_stop_request(draft: TurnDraft) -> None:
    """Offer to undo what the customer wanted stopped while it was being done."""
    draft.state = replace(draft.state, stop_request=None)
    draft.say("undo.asked")
    if (done := find_recent(draft)) is not None:
        begin_undo(draft, done)
    else:
        advance(draft)


def _apply_failure(draft: TurnDraft, task: Task, step: Step, result: ActionResult) -> None:
    failure = step.failure_response(result.reason) or FailureResponse(
        "action.unavailable", offers_person=True
    )
    task = replace(task, refusals=task.refusals + 1)
    draft.state = replace(draft.state.with_task(task), stop_request=None)
    if step.verifies_identity and failure.slots_to_reask:
        draft.state = replace(draft.state, identity_claims={})
        failed_verifications = draft.state.failed_verifications + 1
        draft.state = replace(draft.state, failed_verifications=failed_verifications)
        if failed_verifications >= draft.context.pack.retry_limits.verifications:
            draft.state = replace(draft.state, identity_locked=True, tasks=draft.state.tasks[:-1])
            if is_person_unavailable(draft, FAILED_VERIFICATION_RULE):
                advance(draft)
                remind_of_ticket(draft)
            else:
                draft.forced_rule = FAILED_VERIFICATION_RULE
            return
    draft.say(failure.reply)
    if failure.slots_to_reask and task.refusals < MAX_REFUSALS:
        draft.state = draft.state.with_task(
            with_confirmations_reopened(draft, task.with_open_slots(*failure.slots_to_reask))
        )
        advance(draft)
        return
    _abandon_task(draft, may_offer_person=failure.offers_person or bool(failure.slots_to_reask))


def _abandon_task(draft: TurnDraft, may_offer_person: bool) -> None:
    """Drop the task; a failed identity check also drops the task that needed it."""
    task, pack = draft.state.task, draft.context.pack
    if is_arranging_callback(draft.state, pack):
        decline_callback(draft)
        return
    count = 2 if task and task.flow == pack.verification_flow else 1
    draft.state = replace(draft.state, tasks=draft.state.tasks[:-count])
    if may_offer_person and not draft.state.waiting_for_person and can_offer_person(draft):
        offer_person(draft, "offer_colleague")
    else:
        advance(draft)
