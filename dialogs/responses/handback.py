"""A person joins, is gone, or never came: what does the customer hear, and how does it go on?

What was begun before is kept, and asked about. Held by tests/dialogs/test_unreached.py and
test_escalation.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from dialogs.escalation.callback import note, tell
from dialogs.responses.fallback import YES_NO, ask_again
from dialogs.responses.flow_steps import what_else
from dialogs.responses.next_request import take_up
from dialogs.responses.request_queue import doubted
from dialogs.state import CallBack, Question
from dialogs.turn_draft import Draft

SOMEBODY = "a colleague"  # who gave no name


def person_joins(draft: Draft, name: str, role: Literal["person", "supervisor"]) -> None:
    reply = "person.supervisor" if role == "supervisor" else "person.joined"
    draft.say(reply, {"person": name.strip() or SOMEBODY})


def person_lost(draft: Draft, name: str) -> None:
    """The person who was here is cut off; another one is waited for."""
    draft.say("person.left", {"person": name.strip() or SOMEBODY})
    question = Question("waiting", reply="waiting")
    draft.state = replace(draft.state, waiting=True, question=question)


def person_done(draft: Draft) -> None:
    """A person has finished. They may have settled what was begun: it is asked about."""
    draft.say("handed_back")
    if draft.state.pending is not None:
        draft.say("one_moment")
        return
    draft.state = doubted(draft.house.pack, draft.state)
    _ask_whether_to_go_on(draft)


def nobody_came(draft: Draft, back: CallBack) -> None:
    """The customer is told honestly, and we go on ourselves."""
    note(draft, back)
    tell(draft)
    if draft.state.pending is not None:
        draft.say("one_moment")
    elif draft.state.question.kind == "waiting":
        _ask_whether_to_go_on(draft)
    elif draft.state.tasks or draft.state.question.kind not in {"open", "more", "menu"}:
        ask_again(draft, draft.state)  # something went on meanwhile
    else:
        what_else(draft)
        take_up(draft)


def _ask_whether_to_go_on(draft: Draft) -> None:
    verify = draft.house.pack.verify_with
    tasks = tuple(task for task in draft.state.tasks if task.flow != verify)
    draft.state = replace(draft.state, tasks=tasks)
    if tasks:
        draft.ask(Question("resume", "", "go_on", YES_NO))
    else:
        what_else(draft)
        take_up(draft)
