"""How does a customer steer: a person, stop, start over, once more, back, goodbye?

Held by tests/dialogs/test_flows.py and test_recovering.py.
"""

from __future__ import annotations

from dataclasses import replace

from dialogs.escalation.callback import pointless, remind
from dialogs.escalation.summary import masked
from dialogs.responses.fallback import resume
from dialogs.responses.flow_steps import advance, reopened, what_else
from dialogs.responses.request_queue import named
from dialogs.state import Question, Said, Task
from dialogs.turn_draft import Draft
from dialogs.values import OfferAnswered, Understanding


def note(draft: Draft, what: Understanding) -> None:
    """Remember what the customer asked for, in their words; part of what is noted is no news."""
    turn = draft.taken.turn if draft.taken else draft.turn
    text = masked(what.text, draft.house.pack, what)
    if not any(want.turn == turn and text in want.text for want in draft.state.wants):
        draft.state = replace(draft.state, wants=(*draft.state.wants, Said(turn, text)))


def want_person(draft: Draft, what: Understanding) -> None:
    state = draft.state
    draft.state = replace(state, asked_for_person=state.asked_for_person + 1)
    if state.waiting:
        draft.say("waiting")
        return
    if pointless(draft):
        resume(draft)
        remind(draft)
        return
    if not state.accepted_person:
        note(draft, what)
    draft.demanded = "explicit_request"


def cancel_all(draft: Draft) -> None:
    """ "Cancel": what is in progress, and what was still to come; both are told."""
    rest = named(draft.house.pack, (w for w in draft.state.further if w not in draft.noted))
    draft.state = replace(draft.state, further=draft.noted)  # "cancel that, and do this"
    cancel(draft, rest)


def cancel(draft: Draft, rest: str = "") -> None:
    """Stop what is in progress. `rest` names what else the customer does not get either."""
    state, pack = draft.state, draft.house.pack
    tasks = state.tasks
    if tasks and tasks[-1].flow == pack.verify_with:
        tasks = tasks[:-1]  # the identity check was only there for the task below
    if not tasks:
        draft.state = replace(state, tasks=())
        draft.say("dropped" if rest else "nothing_to_cancel", {"rest": rest})
        what_else(draft)
        return
    draft.state = replace(state, tasks=tasks)
    draft.say("cancelled")
    if offered := tasks[-1].offer:
        draft.offers.append(OfferAnswered(offered, draft.turn, draft.at, "abandoned"))
    if rest:
        draft.say("dropped", {"rest": rest})
    draft.state = replace(draft.state, tasks=tasks[:-1], question=Question())
    if draft.state.tasks:
        resume(draft)
    else:
        what_else(draft)


def start_over(draft: Draft) -> None:
    state = draft.state
    draft.say("start_over")
    started = [t for t in state.tasks if t.flow != draft.house.pack.verify_with]
    if started:
        fresh = Task(started[-1].flow, begun=draft.turn, wanted=started[-1].wanted)
        draft.state = replace(draft.state, tasks=(*started[:-1], fresh))
        advance(draft)
    else:
        draft.state = replace(draft.state, tasks=())
        draft.ask(draft.open_question())


def repeat(draft: Draft) -> None:
    draft.replies.extend(draft.state.last)


def go_back(draft: Draft) -> None:
    task = draft.state.task
    given = [n for n in task.order if task.slots[n].turn] if task else []
    if task is None or not given:
        if draft.state.tasks:
            draft.say("nothing_to_go_back")
            advance(draft)
        else:
            resume(draft)
        return
    draft.state = draft.state.with_task(reopened(draft, task.without(given[-1])))
    advance(draft)


def goodbye(draft: Draft) -> None:
    if draft.noted:  # "bye, oh, and one more thing"
        resume(draft)
        return
    unfinished = [t for t in draft.state.tasks if t.flow != draft.house.pack.verify_with]
    rest = named(draft.house.pack, draft.state.further)
    if rest:
        draft.say("goodbye_rest", {"rest": rest})
    if unfinished:
        draft.state = replace(draft.state, tasks=tuple(unfinished))
        draft.say("goodbye_unfinished")
    else:
        draft.say("goodbye")
    draft.ends = True
