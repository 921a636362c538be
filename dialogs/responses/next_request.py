"""Nothing is in progress any more: which of the requests that wait is met now?

One after the other, until something has to be asked, the bank has to act, or a person is called.
The customer is told where we are going. Held by tests/dialogs/test_further.py.
"""

from __future__ import annotations

from dialogs.interpretation.dialogue_acts import interpret
from dialogs.responses.by_act import respond
from dialogs.responses.request_queue import ENDS, PERSON, named, next_up, without
from dialogs.state import Waited
from dialogs.turn_draft import Draft


def take_up(draft: Draft) -> None:
    """Meet what waits as far as that goes now, and name what has to wait still."""
    while draft.free and not (draft.ends or draft.demanded):
        waited = next_up(draft.house.pack, draft.state)
        if waited is None:
            break
        _meet(draft, waited)
    if not (draft.ends or draft.demanded or draft.state.waiting):
        _name_rest(draft)


def _meet(draft: Draft, waited: Waited) -> None:
    draft.free = False
    draft.state = without(draft.state, waited)
    draft.taken = waited
    meaning = interpret(draft.house.pack, draft.state, waited.what)
    _lead_in(draft, waited, meaning.kind)
    respond(draft, meaning, waited.what)
    draft.taken = None


def _lead_in(draft: Draft, waited: Waited, kind: str) -> None:
    pack, intent = draft.house.pack, waited.what.intent
    if intent in ENDS or intent == PERSON:
        return
    if kind == "question":
        draft.say("next_question")
    elif kind == "maybe":
        draft.say("next_maybe")
    else:
        draft.say("next_task", {"rest": named(pack, [waited])})


def _name_rest(draft: Draft) -> None:
    """What was noted in this turn and is not met yet is promised, before anything else is said."""
    later = [waited for waited in draft.noted if any(w is waited for w in draft.state.further)]
    rest = named(draft.house.pack, later)
    draft.noted = ()
    if rest:
        draft.say("noted", {"rest": rest})
        draft.replies.insert(0, draft.replies.pop())
