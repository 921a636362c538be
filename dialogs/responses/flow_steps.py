"""Which step of a task comes next, and what does it ask, say or do?

A flow is walked from its beginning each time; what is already known or done is passed over. So a
corrected slot needs no special path: the confirmation after it is simply open again. An action is
started only after its confirmation, and under a key that is never given to anything else
(tests/dialogs/test_dialogue_laws.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from audio.types import Expectation
from dialogs.escalation.callback import pointless, remind
from dialogs.interpretation.slot_filling import Fit, placed, problem
from dialogs.pack.model import Flow, Step
from dialogs.rendering import shown
from dialogs.responses.request_queue import absorbed
from dialogs.state import Filled, Pending, Question, Task
from dialogs.turn_draft import Draft, listed
from dialogs.values import ActionCall, OfferAnswered, Slot

CLOSED_AFTER = 2  # answers that did not fit before the choices are read out
PERSON_AFTER = 4  # ... before a person is offered
REFUSALS = 3  # times the bank says no before a person is offered
DEPTH = 4  # tasks that may interrupt each other


def begin(draft: Draft, flow_name: str, slots: Iterable[Slot], said: str) -> None:
    """Start a task, or come back to it when it is already under way."""
    pack, state = draft.house.pack, draft.state
    others = tuple(t for t in state.tasks if t.flow not in {flow_name, pack.verify_with})
    same = next((t for t in state.tasks if t.flow == flow_name), None)
    task = same or Task(flow_name, begun=draft.turn, wanted=said)
    draft.state = replace(state, tasks=(*others[-(DEPTH - 1) :], task))
    for name, slot in placed(pack, task, absorbed(draft, flow_name, slots), ""):
        put(draft, Fit(name, slot, len(draft.state.tasks) - 1))
    flow = pack.flows[flow_name]
    if _needs_identity(draft, flow) and not (flow.money and state.waiting):
        draft.say("verify.begin")


def put(draft: Draft, fit: Fit) -> bool:
    """Fill a slot; say why not when the value cannot be. A change reopens the confirmation."""
    pack, state = draft.house.pack, draft.state
    spec = pack.slots[fit.name]
    task = state.tasks[fit.place]
    wrong = problem(spec, fit.slot.value, draft.house.today)
    if wrong:
        limit = shown(f"{spec.limit}", "amount", draft.house.channel, draft.house.today)
        count, length = str(len(fit.slot.value)), str(spec.length)
        draft.say(wrong, {"count": count, "length": length, "limit": limit})
        return False
    if _spent(draft, task, fit.name):
        draft.say("too_late")
        return False
    old = task.slots.get(fit.name)
    task = task.with_slot(fit.name, Filled(fit.slot.value, fit.slot.said, draft.turn))
    if old is None or old.value != fit.slot.value:
        task = reopened(draft, task)
    flow = pack.flows[task.flow]
    if fit.name in flow.different and not _distinct(task, flow):
        draft.say("wrong.same")
        other = next(n for n in reversed(flow.different) if n != fit.name)
        task = task.without(other)
    draft.state = replace(
        draft.state, tasks=(*state.tasks[: fit.place], task, *state.tasks[fit.place + 1 :])
    )
    return True


def _spent(draft: Draft, task: Task, name: str) -> bool:
    """Has the bank already acted on this slot of the task?"""
    steps = draft.house.pack.flows[task.flow].steps
    done = (steps[i] for i in task.past if steps[i].kind == "do")
    return any(name == slot for step in done for _, slot in step.arguments)


def reopened(draft: Draft, task: Task) -> Task:
    """`task` with its confirmations asked again. What the bank did stays done."""
    steps = draft.house.pack.flows[task.flow].steps
    last_done = max((i for i in task.past if steps[i].kind == "do"), default=-1)
    kept = {i for i in task.past if steps[i].kind != "confirm" or i < last_done}
    return replace(task, past=frozenset(kept))


def _distinct(task: Task, flow: Flow) -> bool:
    values = [task.slots[n].value for n in flow.different if n in task.slots]
    return len(values) == len(set(values))


def _needs_identity(draft: Draft, flow: Flow) -> bool:
    return flow.verify and not draft.state.verified and not draft.state.locked


def next_step(flow: Flow, task: Task) -> tuple[int, Step] | None:
    for i, step in enumerate(flow.steps):
        if i in task.past or any(_value(task, name) != value for name, value in step.when):
            continue
        if step.kind == "ask" and step.name in task.slots:
            continue
        return i, step
    return None


def _value(task: Task, name: str) -> str:
    return task.slots[name].value if name in task.slots else ""


def advance(draft: Draft) -> None:
    """Go on with the task on top until something is asked, an action starts or all is done."""
    pack = draft.house.pack
    back = False
    while task := draft.state.task:
        flow = pack.flows[task.flow]
        if flow.money and draft.state.waiting:
            draft.say("waiting_money")  # the task stays, for the person or for afterwards
            break
        if flow.verify and draft.state.locked and not draft.state.verified:
            draft.say("verify.locked")
            draft.state = replace(draft.state, tasks=draft.state.tasks[:-1])
            back = bool(draft.state.tasks)
            continue
        if _needs_identity(draft, flow):
            draft.state = replace(
                draft.state, tasks=(*draft.state.tasks, Task(pack.verify_with, begun=draft.turn))
            )
            continue
        found = next_step(flow, task)
        if found is None:
            draft.state = replace(draft.state, tasks=draft.state.tasks[:-1])
            if flow.name != pack.verify_with:
                draft.state = replace(draft.state, recent=task)
                draft.finished = task
                if task.offer:
                    done = OfferAnswered(task.offer, draft.turn, draft.at, "completed")
                    draft.offers.append(done)
            below = draft.state.task
            back = below is not None and flow.name != pack.verify_with
            continue
        if back:
            draft.say("back_to")
            back = False
        if not _take(draft, task, *found):
            return
    what_else(draft)


def what_else(draft: Draft) -> None:
    """Nothing is in progress any more. What follows is decided when the turn is
    (dialogs.manager)."""
    waiting = Question("waiting", reply="waiting")
    question = waiting if draft.state.waiting else draft.open_question("more")
    draft.state = replace(draft.state, question=question)
    draft.free = True


def _take(draft: Draft, task: Task, index: int, step: Step) -> bool:
    """Do one step. True when the next one can follow at once."""
    state = draft.state
    over = replace(task, past=task.past | {index})
    match step.kind:
        case "ask":
            if name := _name_known(draft, step):
                draft.state = state.with_task(task.with_slot(step.name, Filled(name)))
                return True
            if step.default:
                value = draft.house.today.isoformat() if step.default == "today" else step.default
                draft.state = state.with_task(task.with_slot(step.name, Filled(value)))
                return True
            ask_slot(draft, step.name)
        case "say":
            draft.say(step.name)
            draft.state = draft.state.with_task(over)
            return True
        case "confirm":
            draft.ask(Question("confirm", str(index), step.name, Expectation("yes_no")))
        case "do":
            _do(draft, task, index, step)
        case "hand_over":
            draft.state = state.with_task(over)
            if pointless(draft, step.name):
                remind(draft)
                return True
            if not state.waiting:
                draft.demanded = step.name
                return False
            draft.say("waiting")
            return True
    return False


def _name_known(draft: Draft, step: Step) -> str:
    """The customer has introduced themselves: do not ask again (it is read back anyway)."""
    if draft.house.pack.slots[step.name].type != "name":
        return ""
    known = draft.state.known
    return known.get("name") or known.get("customer_name") or ""


def ask_slot(draft: Draft, name: str) -> None:
    """Ask for a slot: first as usual, then with an example, then with the choices."""
    spec = draft.house.pack.slots[name]
    task = draft.state.task
    tries = task.tries if task else 0
    reply = spec.again if tries else spec.ask
    expect = draft.expect_for(spec)
    if tries and spec.type == "digits" and draft.house.channel == "call":
        draft.say("keypad")
    if tries >= CLOSED_AFTER and spec.values:
        draft.ask(Question("slot", name, "choices", expect), menu=listed(list(spec.values)))
        return
    draft.ask(Question("slot", name, reply, expect))


def confirmed(draft: Draft) -> None:
    """The customer said yes to the confirmation that is open."""
    task = draft.state.task
    if task is not None:
        index = int(draft.state.question.name)
        draft.state = draft.state.with_task(replace(task, past=task.past | {index}))


def _do(draft: Draft, task: Task, index: int, step: Step) -> None:
    state = draft.state
    arguments = {name: task.slots[slot].value for name, slot in step.arguments}
    if not step.verifies and (customer := state.known.get("customer")):
        arguments["customer"] = customer
    tried = fingerprint(step.name, arguments)
    # An action whose end is unknown is tried again under the same key, so that it cannot happen
    # twice; anything else gets a new one.
    key = state.unsure.get(tried)
    if key is None:
        key = f"{draft.house.session_id}:{state.keys + 1}"
        state = replace(state, keys=state.keys + 1)
    call = ActionCall(key, step.name, arguments)
    draft.act = call
    draft.state = replace(
        state,
        pending=Pending(call, index, draft.turn),
        question=Question("open", reply="one_moment"),
    )


def fingerprint(action: str, arguments: Mapping[str, str]) -> str:
    """The same for the same thing tried again."""
    return f"{action}:{sorted(arguments.items())}"
