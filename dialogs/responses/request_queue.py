"""Queue of the further requests of a turn with several intents.

"Block my card and tell me my balance" is two requests: the first is answered at once, the others
are deferred until no task is in progress. A request is never dropped without telling the
customer, each starts once, and at most `MAX_DEFERRED_REQUESTS` are deferred
(tests/dialogs/responses/test_request_queue.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from dialogs.interpretation.dialogue_acts import is_free_text_asked
from dialogs.interpretation.polarity import request_scope
from dialogs.interpretation.repeated_requests import split_repeated_requests
from dialogs.pack.model import Pack, normalise_text
from dialogs.pack.reserved_names import COMPLAINT_INTENT, ENDING_INTENTS, PERSON_INTENT, YES_NO_SLOT
from dialogs.state import DeferredRequest, DialogueState
from dialogs.turn_draft import TurnDraft, format_list
from dialogs.values import FurtherRequest, Slot, Understanding

MAX_DEFERRED_REQUESTS = 4


def filter_requests(
    pack: Pack, state: DialogueState, understanding: Understanding
) -> Understanding:
    """The understanding with only the further requests that count.

    "... no, forget it" takes back the requests before it; values for a task in progress are added
    to its slots; a sentence that is an example of one intent in the pack is one request.
    """
    if is_free_text_asked(pack, state):
        return replace(understanding, also=())
    understanding = split_repeated_requests(pack, state, understanding)
    if not understanding.also:
        return understanding
    if normalise_text(understanding.text) in pack.intent_by_example:
        return replace(understanding, also=())
    understanding = replace(
        understanding,
        also=tuple(
            request
            for request in understanding.also
            if _is_request(pack, request)
            and not (
                request.intent == PERSON_INTENT
                and _is_turned_away(pack, understanding.text, request)
            )
        ),
    )
    for index in range(len(understanding.also) - 1, -1, -1):
        if understanding.also[index].intent == "cancel":
            understanding = as_single_request(
                understanding, understanding.also[index], understanding.also[index + 1 :]
            )
            break
    return _merge_same_task(pack, state, understanding)


def _is_request(pack: Pack, request: FurtherRequest) -> bool:
    spec = pack.intents.get(request.intent)
    if spec is None:
        return False
    if request.intent in ENDING_INTENTS:  # a guess must not end a task or the conversation
        return request.confidence >= pack.intent_thresholds.switch_from
    if spec.kind in {"task", "question"} or request.intent == COMPLAINT_INTENT:
        return request.confidence >= pack.intent_thresholds.confirm_from
    return False


def _merge_same_task(
    pack: Pack, state: DialogueState, understanding: Understanding
) -> Understanding:
    """Move the slots of further requests for a task in progress to the turn itself."""
    under_way = {task.flow for task in state.tasks}
    separate: list[FurtherRequest] = []
    slots = understanding.slots
    for request in understanding.also:
        slot_names = {slot.name for slot in slots}
        is_same_task = pack.intents[request.intent].flow in under_way
        if is_same_task and not any(slot.name in slot_names for slot in request.slots):
            slots = (*slots, *request.slots)
        else:
            separate.append(request)
    return replace(understanding, slots=slots, also=tuple(separate))


def as_single_request(
    understanding: Understanding, request: FurtherRequest, also: tuple[FurtherRequest, ...] = ()
) -> Understanding:
    """One request of a turn as an understanding of its own; the mood is that of the turn."""
    return replace(
        understanding,
        text=request.text,
        intent=request.intent,
        confidence=request.confidence,
        slots=tuple(slot for slot in request.slots if slot.name != YES_NO_SLOT),
        alternatives=(),
        possible=(),
        also=also,
    )


def split_requests(understanding: Understanding) -> Iterator[Understanding]:
    """The turn as it is, then each further request as if the turn had started with it."""
    yield understanding
    for index, request in enumerate(understanding.also):
        yield as_single_request(understanding, request, understanding.also[index + 1 :])


def find_person_request(pack: Pack, understanding: Understanding) -> FurtherRequest | None:
    """The confident request for a person among the further requests, which is never deferred;
    none where its words turn a person away, as "no more agents" do."""
    min_confidence = pack.intent_thresholds.act_from
    return next(
        (
            r
            for r in understanding.also
            if r.intent == PERSON_INTENT
            and r.confidence >= min_confidence
            and not _is_turned_away(pack, understanding.text, r)
        ),
        None,
    )


def _is_turned_away(pack: Pack, text: str, request: FurtherRequest) -> bool:
    """Whether the words of a request refuse what they name, alone or within their turn."""
    return any(
        request_scope(pack, words, request.intent) == "negated" for words in (request.text, text)
    )


def defer_requests(draft: TurnDraft, understanding: Understanding) -> None:
    """Defer the further requests of this turn; tell the customer which ones are too many."""
    pack, state = draft.context.pack, draft.state
    person_request = find_person_request(pack, understanding)
    deferred_texts = {
        normalise_text(waited.understanding.text) for waited in state.further_requests
    }
    deferred = [
        DeferredRequest(as_single_request(understanding, request), draft.at, draft.turn)
        for request in understanding.also
        if request is not person_request
        and not _is_turned_away(pack, understanding.text, request)
        and (pack.intents[request.intent].kind != "talk" or request.intent in ENDING_INTENTS)
        and normalise_text(request.text) not in deferred_texts
    ]
    # a goodbye is answered last
    deferred.sort(key=lambda waited: waited.understanding.intent in ENDING_INTENTS)
    free_places = MAX_DEFERRED_REQUESTS - len(state.further_requests)
    draft.state = replace(
        state, further_requests=(*state.further_requests, *deferred[:free_places])
    )
    draft.deferred_now = tuple(deferred[:free_places])
    if len(deferred) > free_places:
        draft.say("too_many", {"rest": describe_requests(pack, deferred[free_places:])})


def find_next_request(pack: Pack, state: DialogueState) -> DeferredRequest | None:
    """The deferred request to start now that no task is in progress; None for none.

    While a customer waits for a person, only high-risk requests, which secure an account, start.
    """
    for waited in state.further_requests:
        if not state.waiting_for_person or pack.intents[waited.understanding.intent].risk == "high":
            return waited
    return None


def without_request(state: DialogueState, deferred: DeferredRequest) -> DialogueState:
    """The state without this deferred request."""
    return replace(
        state, further_requests=tuple(w for w in state.further_requests if w is not deferred)
    )


def merge_deferred_slots(draft: TurnDraft, flow: str, slots: Iterable[Slot]) -> tuple[Slot, ...]:
    """`slots` and those of deferred requests for the same flow, which leave the queue.

    A request with another value for one of them ("and in savings?") stays deferred.
    """
    said, added = tuple(slots), list[Slot]()
    merged = {slot.name: slot for slot in said}
    for waited in draft.state.further_requests:
        deferred_slots = {slot.name: slot for slot in waited.understanding.slots}
        is_same_flow = draft.context.pack.intents[waited.understanding.intent].flow == flow
        if is_same_flow and all(
            merged[n].value == s.value for n, s in deferred_slots.items() if n in merged
        ):
            added += [slot for name, slot in deferred_slots.items() if name not in merged]
            merged = {**deferred_slots, **merged}
            draft.state = without_request(draft.state, waited)
    return (*added, *said)


def lower_confidence(pack: Pack, state: DialogueState) -> DialogueState:
    """The state with every deferred task at a confidence that must be confirmed first.

    A person has talked to the customer and may have settled it.
    """
    max_confidence = pack.intent_thresholds.confirm_from
    further = tuple(
        replace(
            w,
            understanding=replace(
                w.understanding, confidence=min(w.understanding.confidence, max_confidence)
            ),
        )
        if pack.intents[w.understanding.intent].kind == "task"
        else w
        for w in state.further_requests
    )
    return replace(state, further_requests=further)


def describe_requests(pack: Pack, deferred: Iterable[DeferredRequest]) -> str:
    """Deferred requests in words for the customer: "your balance and your question"."""
    names = [_request_name(pack, waited.understanding.intent) for waited in deferred]
    return format_list(list(dict.fromkeys(filter(None, names))), "and")


def _request_name(pack: Pack, intent: str) -> str:
    known = pack.intents[intent]
    if known.kind == "question":
        return "your question"
    return f"your {pack.flows[known.flow].title}" if known.flow else ""
