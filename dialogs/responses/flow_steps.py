"""Flow interpreter: finds the next step of a task and runs it.

The search starts at the first step each time and skips steps that are finished. So a corrected
slot needs no special path: the confirmation after it is open again. An action that changes
something starts only with the customer's consent to it (dialogs/responses/consent.py), under a key
that is never used for another action (tests/dialogs/test_dialogue_laws.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from audio.types import Expectation
from dialogs.escalation.callback import is_person_unavailable, remind_of_ticket
from dialogs.escalation.summary import summarise_state
from dialogs.interpretation.slot_filling import SlotAssignment, assign_to_task, slot_error
from dialogs.pack.model import Flow, Step
from dialogs.pack.reserved_names import (
    ABOUT_ARGUMENT,
    ARRANGE_CALLBACK_ACTION,
    CHECK_CONTACT_ACTION,
    CUSTOMER_NAME_VALUE,
)
from dialogs.rendering import format_value
from dialogs.responses.consent import (
    asking_step,
    find_consent,
    is_undoable,
    record_consent,
    without_consents_after,
)
from dialogs.responses.request_queue import merge_deferred_slots
from dialogs.state import DialogueState, PendingAction, Question, SlotValue, Task
from dialogs.turn_draft import TurnDraft, format_list
from dialogs.values import ActionCall, OfferAnswered, Slot

CHOICES_AFTER_TRIES = 2  # misfit answers before the choices are read out
MAX_REFUSALS = 3  # refusals by the back end before a person is offered
MAX_TASK_DEPTH = 4  # most tasks on the stack


def begin_task(draft: TurnDraft, flow_name: str, slots: Iterable[Slot], request_text: str) -> None:
    """Start a task and fill its slots; a task already in progress moves to the top."""
    pack, state = draft.context.pack, draft.state
    others = tuple(t for t in state.tasks if t.flow not in {flow_name, pack.verification_flow})
    existing = next((t for t in state.tasks if t.flow == flow_name), None)
    task = existing or Task(flow_name, start_turn=draft.turn, request_text=request_text)
    draft.state = replace(state, tasks=(*others[-(MAX_TASK_DEPTH - 1) :], task))
    for name, slot in assign_to_task(pack, task, merge_deferred_slots(draft, flow_name, slots), ""):
        fill_slot(draft, SlotAssignment(name, slot, len(draft.state.tasks) - 1))
    flow = pack.flows[flow_name]
    must_ask = not draft.state.identity_claims
    will_begin = not (flow.moves_money and may_not_move_money(state))
    if _needs_identity(draft, flow) and must_ask and will_begin:
        draft.say("verify.begin")


def fill_slot(draft: TurnDraft, assignment: SlotAssignment) -> bool:
    """Fill a slot, or say why the value is invalid; whether it was filled.

    A changed value reopens the confirmation.
    """
    pack, state = draft.context.pack, draft.state
    spec = pack.slots[assignment.name]
    task = state.tasks[assignment.task_index]
    if _already_acted_on(draft, task, assignment.name):
        draft.say("too_late")
        return False
    error_reply = slot_error(spec, assignment.slot, draft.context.today)
    if error_reply:
        limit = format_value(f"{spec.limit}", "amount", draft.context.channel, draft.context.today)
        count, length = str(len(assignment.slot.value)), str(spec.length)
        draft.say(error_reply, {"count": count, "length": length, "limit": limit})
        # What was said stands against any value that was there before, and against a default.
        task = with_confirmations_reopened(draft, task.with_open_slots(assignment.name))
        draft.state = with_task_at(draft.state, assignment.task_index, task)
        return False
    old = task.slots.get(assignment.name)
    task = task.with_slot(
        assignment.name, SlotValue(assignment.slot.value, assignment.slot.said, draft.turn)
    )
    if old is None or old.value != assignment.slot.value:
        task = with_confirmations_reopened(
            draft, _with_check_reopened(draft, task, assignment.name)
        )
    flow = pack.flows[task.flow]
    if assignment.name in flow.distinct_slots and not _has_distinct_values(task, flow):
        draft.say("wrong.same")
        other = next(n for n in reversed(flow.distinct_slots) if n != assignment.name)
        task = task.without_slots(other)
    draft.state = with_task_at(draft.state, assignment.task_index, task)
    if task.flow == pack.verification_flow:
        remember_identity(draft, (replace(assignment.slot, name=assignment.name),))
    return True


def with_task_at(state: DialogueState, index: int, task: Task) -> DialogueState:
    """The state with the task at this place of the stack replaced."""
    return replace(state, tasks=(*state.tasks[:index], task, *state.tasks[index + 1 :]))


def remember_identity(draft: TurnDraft, slots: Iterable[Slot]) -> None:
    """Keep parts of the identity that a turn states, until they are checked. A value that cannot
    be one, by its length, is no claim."""
    pack, state = draft.context.pack, draft.state
    if state.identity_verified or state.identity_locked:
        return
    names = pack.flows[pack.verification_flow].slots
    claims = {
        slot.name: SlotValue(slot.value, slot.said, draft.turn)
        for slot in slots
        if slot.name in names and not slot_error(pack.slots[slot.name], slot, draft.context.today)
    }
    draft.state = replace(state, identity_claims={**state.identity_claims, **claims})


def _verification_task(draft: TurnDraft) -> Task:
    """The task that checks the identity, with what the customer has already stated."""
    task = Task(draft.context.pack.verification_flow, start_turn=draft.turn)
    for name, claim in draft.state.identity_claims.items():
        task = task.with_slot(name, claim)
    return task


def _already_acted_on(draft: TurnDraft, task: Task, name: str) -> bool:
    """Whether a finished action of the task used this slot."""
    steps = draft.context.pack.flows[task.flow].steps
    done_steps = (
        steps[i]
        for i in task.finished_steps
        if steps[i].kind == "do" and steps[i].name != CHECK_CONTACT_ACTION
    )
    return any(name == slot for step in done_steps for _, slot in step.arguments)


def _with_check_reopened(draft: TurnDraft, task: Task, slot: str) -> Task:
    """The task with the check of this contact still to be done: it can, for it changes nothing."""
    steps = draft.context.pack.flows[task.flow].steps
    finished = {
        i
        for i in task.finished_steps
        if steps[i].name != CHECK_CONTACT_ACTION or slot not in dict(steps[i].arguments).values()
    }
    return replace(task, finished_steps=frozenset(finished))


def with_confirmations_reopened(draft: TurnDraft, task: Task) -> Task:
    """The task with the confirmations after its last action open again."""
    steps = draft.context.pack.flows[task.flow].steps
    last_done = max((i for i in task.finished_steps if steps[i].kind == "do"), default=-1)
    still_finished = {i for i in task.finished_steps if steps[i].kind != "confirm" or i < last_done}
    task = replace(task, finished_steps=frozenset(still_finished))
    return without_consents_after(task, last_done)


def _has_distinct_values(task: Task, flow: Flow) -> bool:
    values = [task.slots[n].value for n in flow.distinct_slots if n in task.slots]
    return len(values) == len(set(values))


def _needs_identity(draft: TurnDraft, flow: Flow) -> bool:
    return (
        flow.needs_identity
        and not draft.state.identity_verified
        and not draft.state.identity_locked
    )


def next_step(flow: Flow, task: Task) -> tuple[int, Step] | None:
    """Index and step that comes next; None when the flow is completed."""
    for i, step in enumerate(flow.steps):
        if i in task.finished_steps or any(
            _slot_value(task, name) != value for name, value in step.conditions
        ):
            continue
        if step.kind == "ask" and step.name in task.slots:
            continue
        return i, step
    return None


def _slot_value(task: Task, name: str) -> str:
    return task.slots[name].value if name in task.slots else ""


def advance(draft: TurnDraft) -> None:
    """Run the task on top until a question is asked, an action starts or no task is left."""
    pack = draft.context.pack
    returns_to_task = False
    if draft.state.is_paused:  # care was due: the task stays, and nothing of it goes on
        return
    while task := draft.state.task:
        flow = pack.flows[task.flow]
        if flow.moves_money and may_not_move_money(draft.state):
            # the task stays, for the person or for after the handback
            locked = pack.care.money_locked_reply if pack.care else ""
            draft.say("waiting_money" if draft.state.waiting_for_person else locked)
            break
        if (
            flow.needs_identity
            and draft.state.identity_locked
            and not draft.state.identity_verified
        ):
            draft.say("verify.locked")
            draft.state = replace(draft.state, tasks=draft.state.tasks[:-1])
            returns_to_task = bool(draft.state.tasks)
            continue
        if _needs_identity(draft, flow):
            if returns_to_task:
                draft.say("back_to")
                returns_to_task = False
            draft.state = replace(
                draft.state,
                tasks=(*draft.state.tasks, _verification_task(draft)),
            )
            continue
        next_found = next_step(flow, task)
        if next_found is None:
            draft.state = replace(draft.state, tasks=draft.state.tasks[:-1])
            if flow.name != pack.verification_flow:
                draft.state = replace(draft.state, last_task=task)
                draft.completed_task = task
                if task.offer_number:
                    completed = OfferAnswered(task.offer_number, draft.turn, draft.at, "completed")
                    draft.offers.append(completed)
            below = draft.state.task
            returns_to_task = below is not None and flow.name != pack.verification_flow
            continue
        if returns_to_task:
            draft.say("back_to")
            returns_to_task = False
        if not _run_step(draft, task, *next_found):
            return
    mark_nothing_in_progress(draft)


def may_not_move_money(state: DialogueState) -> bool:
    """Whether no task that moves money goes on: a person will do it, or has to allow it."""
    return state.waiting_for_person or state.is_money_locked


def mark_nothing_in_progress(draft: TurnDraft) -> None:
    """Mark that no task is left; dialogs/manager.py decides what follows at the end of the turn."""
    waiting = Question("waiting", reply="waiting")
    question = waiting if draft.state.waiting_for_person else draft.open_question("more")
    draft.state = replace(draft.state, question=question)
    draft.nothing_in_progress = True


def _run_step(draft: TurnDraft, task: Task, index: int, step: Step) -> bool:
    """Run one step; whether the next one can follow at once."""
    state = draft.state
    after_step = replace(task, finished_steps=task.finished_steps | {index})
    match step.kind:
        case "ask":
            if name := _known_name(draft, step):
                draft.state = state.with_task(task.with_slot(step.name, SlotValue(name)))
                return True
            if step.default and step.name not in task.open_slots:
                value = draft.context.today.isoformat() if step.default == "today" else step.default
                draft.state = state.with_task(task.with_slot(step.name, SlotValue(value)))
                return True
            ask_slot(draft, step.name)
        case "say":
            draft.say(step.name)
            draft.state = draft.state.with_task(after_step)
            return True
        case "confirm":
            ask_confirmation(draft, task, index, step.name)
        case "do":
            if step.needs_consent and find_consent(draft.context.pack, task, index) is None:
                return _ask_consent(draft, task, index)
            _start_action(draft, task, index, step)
        case "hand_over":
            draft.state = state.with_task(after_step)
            if is_person_unavailable(draft, step.name):
                remind_of_ticket(draft)
                return True
            if not state.waiting_for_person:
                draft.forced_rule = step.name
                return False
            draft.say("waiting")
            return True
    return False


def _known_name(draft: TurnDraft, step: Step) -> str:
    """The customer's name for a name slot, if known; it is read back, so need not be asked."""
    if draft.context.pack.slots[step.name].type != "name":
        return ""
    facts = draft.state.customer_facts
    return facts.get("name") or facts.get(CUSTOMER_NAME_VALUE) or ""


def ask_slot(draft: TurnDraft, name: str) -> None:
    """Ask for a slot: first as usual, then in other words, then with the choices read out."""
    spec = draft.context.pack.slots[name]
    task = draft.state.task
    tries = task.misfit_answers if task else 0
    reply = spec.reask_reply if tries else spec.ask_reply
    expect = draft.expectation_for(spec)
    if tries and spec.type == "digits" and draft.context.channel == "call":
        draft.say("keypad")
    if tries >= CHOICES_AFTER_TRIES and spec.choices:
        draft.ask(Question("slot", name, "choices", expect), menu=format_list(list(spec.choices)))
        return
    draft.ask(Question("slot", name, reply, expect))


def ask_confirmation(draft: TurnDraft, task: Task, index: int, reply: str) -> None:
    """Read back what the step at `index` asks about; the question keeps the values it named."""
    pack = draft.context.pack
    for i, step in enumerate(pack.flows[task.flow].steps):
        is_covered = step.needs_consent and asking_step(pack, pack.flows[task.flow], i) == index
        if is_covered and step.final_reply and not is_undoable(step, task, draft.context.today):
            draft.say(step.final_reply)  # what cannot be undone is said before
    expect = Expectation("yes_no")
    question = Question("confirm", str(index), reply, expect, flow=task.flow, values=task.values)
    draft.ask(question)


def _ask_consent(draft: TurnDraft, task: Task, index: int) -> bool:
    """Ask for the consent that the action at `index` lacks; whether the next step can follow."""
    pack = draft.context.pack
    flow = pack.flows[task.flow]
    asked_at = asking_step(pack, flow, index)
    step = flow.steps[asked_at]
    if step.kind == "do":
        ask_confirmation(draft, task, index, "consent")
        return False
    if step.kind == "ask":
        task = task.without_slots(step.name)
    draft.state = draft.state.with_task(
        replace(task, finished_steps=task.finished_steps - {asked_at})
    )
    return True


def confirm_step(draft: TurnDraft, words: str) -> None:
    """Take the customer's `words` as the yes to the open confirmation, and finish its step."""
    state = draft.state
    index = int(state.question.name)
    task = record_consent(state, state.question, draft.turn, words)
    if task is None:
        return  # something else is on top by now: it is read back
    if draft.context.pack.flows[task.flow].steps[index].kind == "confirm":
        task = replace(task, finished_steps=task.finished_steps | {index})
    draft.state = state.with_task(task)


def _start_action(draft: TurnDraft, task: Task, index: int, step: Step) -> None:
    state = draft.state
    values = task.values
    arguments = {name: values[source] for name, source in step.arguments}
    if not step.verifies_identity and (customer := state.customer_facts.get("customer")):
        arguments["customer"] = customer
    if step.name == ARRANGE_CALLBACK_ACTION:
        arguments[ABOUT_ARGUMENT] = summary_text(draft)
    attempt = action_fingerprint(step.name, arguments)
    # A retry of an action whose effect is unknown reuses its key, so that it cannot happen
    # twice; any other action gets a new key.
    key = state.uncertain_keys.get(attempt)
    if key is None:
        key = f"{draft.context.session_id}:{state.keys_used + 1}"
        state = replace(state, keys_used=state.keys_used + 1)
    consent = find_consent(draft.context.pack, task, index) if step.needs_consent else None
    call = ActionCall(key, step.name, arguments, consent)
    draft.action_call = call
    draft.state = replace(
        state,
        pending_action=PendingAction(call, index, draft.turn),
        question=Question("open", reply="one_moment"),
    )


def summary_text(draft: TurnDraft) -> str:
    """What the conversation is about, for the person who calls back; one claim a line."""
    claims = summarise_state(draft.context.pack, draft.state)
    return "\n".join(f"{claim.label}: {claim.text}" for claim in claims)


def action_fingerprint(action: str, arguments: Mapping[str, str]) -> str:
    """A text that is equal for the same action with the same arguments."""
    return f"{action}:{sorted(arguments.items())}"
