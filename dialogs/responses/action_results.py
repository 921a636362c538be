"""The bank has answered: what follows?

An answer counts once, and only for the action that is under way. Which part of an identity was
wrong is never said. Held by tests/dialogs/test_actions_in_dialogue.py.
"""

from __future__ import annotations

from dataclasses import replace

from dialogs.escalation.callback import pointless, remind
from dialogs.pack.model import Failure, Step
from dialogs.responses.fallback import offer_person
from dialogs.responses.flow_steps import REFUSALS, advance, fingerprint, reopened
from dialogs.state import Done, Pending, Task
from dialogs.turn_draft import Draft
from dialogs.values import Outcome

UNKNOWN = "unavailable"  # the reason of an action whose end is not known


def settle(draft: Draft, pending: Pending, outcome: Outcome) -> None:
    task = draft.state.tasks[-1]  # what is under way belongs to it: nothing changes meanwhile
    step = draft.house.pack.flows[task.flow].steps[pending.step]
    done = Done(draft.turn, step.name, outcome.ok, "" if outcome.ok else outcome.reason)
    draft.state = replace(draft.state, done=(*draft.state.done, done))
    _remember_key(draft, pending, outcome)
    if outcome.ok:
        _succeeded(draft, task, pending.step, step, outcome)
    else:
        _failed(draft, task, step, outcome)


def _remember_key(draft: Draft, pending: Pending, outcome: Outcome) -> None:
    """An action that may or may not have happened keeps its key for another try."""
    call = pending.call
    tried = fingerprint(call.name, call.arguments)
    unsure = {k: v for k, v in draft.state.unsure.items() if k != tried}
    if not outcome.ok and outcome.reason == UNKNOWN and not _checks_identity(draft, pending):
        unsure[tried] = call.key
    draft.state = replace(draft.state, unsure=unsure)


def _checks_identity(draft: Draft, pending: Pending) -> bool:
    task = draft.state.task
    return bool(task and draft.house.pack.flows[task.flow].steps[pending.step].verifies)


def _succeeded(draft: Draft, task: Task, index: int, step: Step, outcome: Outcome) -> None:
    kinds = dict(step.gives)
    given = {name: (value, kinds.get(name, "text")) for name, value in outcome.values.items()}
    task = replace(task, past=task.past | {index}, values={**task.values, **given}, failures=0)
    draft.state = draft.state.with_task(task)
    if step.verifies:
        known = {**draft.state.known, **dict(outcome.values)}
        draft.state = replace(draft.state, verified=True, failed_verifications=0, known=known)
    if step.say:
        draft.say(step.say)
    advance(draft)


def _failed(draft: Draft, task: Task, step: Step, outcome: Outcome) -> None:
    failure = step.failure(outcome.reason) or Failure("action.unavailable", offer_person=True)
    task = replace(task, failures=task.failures + 1)
    draft.state = draft.state.with_task(task)
    if step.verifies and failure.again:
        wrong = draft.state.failed_verifications + 1
        draft.state = replace(draft.state, failed_verifications=wrong)
        if wrong >= draft.house.pack.patience.verifications:
            draft.state = replace(draft.state, locked=True, tasks=draft.state.tasks[:-1])
            if pointless(draft, "failed_verification"):
                advance(draft)
                remind(draft)
            else:
                draft.demanded = "failed_verification"
            return
    draft.say(failure.say)
    if failure.again and task.failures < REFUSALS:
        draft.state = draft.state.with_task(reopened(draft, task.without(*failure.again)))
        advance(draft)
        return
    _give_up(draft, offer=failure.offer_person or bool(failure.again))


def _give_up(draft: Draft, offer: bool) -> None:
    """This task cannot go on. Without an identity check the task that needed it cannot either."""
    task, pack = draft.state.task, draft.house.pack
    count = 2 if task and task.flow == pack.verify_with else 1
    draft.state = replace(draft.state, tasks=draft.state.tasks[:-count])
    if offer and not (draft.state.waiting or pointless(draft)):
        offer_person(draft)
    else:
        advance(draft)
