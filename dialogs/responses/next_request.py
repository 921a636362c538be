"""Start of the next deferred request when no task is in progress.

Requests are answered one after the other until one asks a question, starts an action or calls a
person. Each is announced to the customer. Held by tests/dialogs/responses/test_request_queue.py.
"""

from __future__ import annotations

from dialogs.interpretation.dialogue_acts import interpret
from dialogs.pack.reserved_names import ENDING_INTENTS, PERSON_INTENT
from dialogs.responses.by_act import respond
from dialogs.responses.request_queue import describe_requests, find_next_request, without_request
from dialogs.state import DeferredRequest
from dialogs.turn_draft import TurnDraft


def start_next_request(draft: TurnDraft) -> None:
    """Answer deferred requests as far as possible now, and name those that stay deferred."""
    while draft.nothing_in_progress and not (draft.ends_session or draft.forced_rule):
        deferred = find_next_request(draft.context.pack, draft.state)
        if deferred is None:
            break
        _answer_request(draft, deferred)
    if not (draft.ends_session or draft.forced_rule or draft.state.waiting_for_person):
        _announce_deferred(draft)


def _answer_request(draft: TurnDraft, deferred: DeferredRequest) -> None:
    draft.nothing_in_progress = False
    draft.state = without_request(draft.state, deferred)
    draft.resumed_request = deferred
    act = interpret(draft.context.pack, draft.state, deferred.understanding)
    _announce_request(draft, deferred, act.kind)
    respond(draft, act, deferred.understanding)
    draft.resumed_request = None


def _announce_request(draft: TurnDraft, deferred: DeferredRequest, act_kind: str) -> None:
    pack, intent = draft.context.pack, deferred.understanding.intent
    if intent in ENDING_INTENTS or intent == PERSON_INTENT:
        return
    if act_kind == "question":
        draft.say("next_question")
    elif act_kind == "maybe":
        draft.say("next_maybe")
    else:
        draft.say("next_task", {"rest": describe_requests(pack, [deferred])})


def _announce_deferred(draft: TurnDraft) -> None:
    """Promise the requests of this turn that are still deferred, before all other replies."""
    still_deferred = [
        waited
        for waited in draft.deferred_now
        if any(w is waited for w in draft.state.further_requests)
    ]
    names = describe_requests(draft.context.pack, still_deferred)
    draft.deferred_now = ()
    if names:
        draft.say("noted", {"rest": names})
        draft.replies.insert(0, draft.replies.pop())
