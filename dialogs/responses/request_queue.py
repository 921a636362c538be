"""What else was wanted in the same breath, and when is its turn?

"Block my card and tell me my balance" is two requests: the first is met at once, the others wait
until nothing is in progress. Nothing wanted is lost without the customer being told, each is
begun once, and no more than `KEPT` wait (tests/dialogs/test_further.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from dialogs.extraction.slots import YES_NO
from dialogs.interpretation.dialogue_acts import free_text_asked
from dialogs.pack.model import Pack, plain
from dialogs.state import DialogueState, Waited
from dialogs.turn_draft import Draft, listed
from dialogs.values import Request, Slot, Understanding

KEPT = 4
PERSON = "talk_to_person"
ENDS = frozenset({"cancel", "goodbye"})


def sorted_out(pack: Pack, state: DialogueState, what: Understanding) -> Understanding:
    """`what` with only those further requests that count.

    "... no, forget it" takes back what was said before it; more about what is in progress
    belongs to it; a sentence the pack knows as one request is one.
    """
    if not what.also:
        return what
    if plain(what.text) in pack.exact or free_text_asked(pack, state):
        return replace(what, also=())
    what = replace(what, also=tuple(r for r in what.also if _counts(pack, r)))
    for place in range(len(what.also) - 1, -1, -1):
        if what.also[place].intent == "cancel":
            what = alone(what, what.also[place], what.also[place + 1 :])
            break
    return _joined(pack, state, what)


def _counts(pack: Pack, request: Request) -> bool:
    known = pack.intents.get(request.intent)
    if known is None:
        return False
    if request.intent in ENDS:  # it would end things on a guess
        return request.confidence >= pack.deciding.switch_from
    if known.kind in {"task", "question"} or request.intent == "complaint":
        return request.confidence >= pack.deciding.confirm_from
    return False


def _joined(pack: Pack, state: DialogueState, what: Understanding) -> Understanding:
    """Values said beside a request for the very task in progress belong to that task."""
    under_way = {task.flow for task in state.tasks}
    kept: list[Request] = []
    slots = what.slots
    for request in what.also:
        named = {slot.name for slot in slots}
        same = pack.intents[request.intent].flow in under_way
        if same and not any(slot.name in named for slot in request.slots):
            slots = (*slots, *request.slots)
        else:
            kept.append(request)
    return replace(what, slots=slots, also=tuple(kept))


def alone(what: Understanding, request: Request, also: tuple[Request, ...] = ()) -> Understanding:
    """One request of a turn as if nothing else had been said; the mood is the turn's."""
    return replace(
        what,
        text=request.text,
        intent=request.intent,
        confidence=request.confidence,
        slots=tuple(slot for slot in request.slots if slot.name != YES_NO),
        alternatives=(),
        possible=(),
        also=also,
    )


def each(what: Understanding) -> Iterator[Understanding]:
    """The turn as it is, then each further request as if the turn had begun with it."""
    yield what
    for place, request in enumerate(what.also):
        yield alone(what, request, what.also[place + 1 :])


def person_asked(pack: Pack, what: Understanding) -> Request | None:
    """The request for a person among the others: that one never waits."""
    sure = pack.deciding.act_from
    return next((r for r in what.also if r.intent == PERSON and r.confidence >= sure), None)


def remember(draft: Draft, what: Understanding) -> None:
    """Keep the further requests of this turn for later; say so when they are too many."""
    pack, state = draft.house.pack, draft.state
    now = person_asked(pack, what)
    known = {plain(waited.what.text) for waited in state.further}
    new = [
        Waited(alone(what, request), draft.at, draft.turn)
        for request in what.also
        if request is not now
        and (pack.intents[request.intent].kind != "talk" or request.intent in ENDS)
        and plain(request.text) not in known
    ]
    new.sort(key=lambda waited: waited.what.intent in ENDS)  # goodbye comes last
    room = KEPT - len(state.further)
    draft.state = replace(state, further=(*state.further, *new[:room]))
    draft.noted = tuple(new[:room])
    if len(new) > room:
        draft.say("too_many", {"rest": named(pack, new[room:])})


def next_up(pack: Pack, state: DialogueState) -> Waited | None:
    """What is taken up now that nothing is in progress.

    Who waits for a person is not kept busy meanwhile: only what makes an account safe goes on.
    """
    for waited in state.further:
        if not state.waiting or pack.intents[waited.what.intent].risk == "high":
            return waited
    return None


def without(state: DialogueState, waited: Waited) -> DialogueState:
    return replace(state, further=tuple(w for w in state.further if w is not waited))


def absorbed(draft: Draft, flow: str, slots: Iterable[Slot]) -> tuple[Slot, ...]:
    """`slots` and those of waiting requests for the same flow, which then wait no longer.

    A request with another value for one of them ("and in savings?") is one of its own and waits.
    """
    given = {slot.name: slot for slot in slots}
    for waited in draft.state.further:
        own = {slot.name: slot for slot in waited.what.slots}
        same = draft.house.pack.intents[waited.what.intent].flow == flow
        if same and all(given[n].value == s.value for n, s in own.items() if n in given):
            given = {**own, **given}
            draft.state = without(draft.state, waited)
    return tuple(given.values())


def doubted(pack: Pack, state: DialogueState) -> DialogueState:
    """A person has been here meanwhile: what waits may be settled, so it is asked about first."""
    least = pack.deciding.confirm_from
    further = tuple(
        replace(w, what=replace(w.what, confidence=min(w.what.confidence, least)))
        if pack.intents[w.what.intent].kind == "task"
        else w
        for w in state.further
    )
    return replace(state, further=further)


def named(pack: Pack, waiting: Iterable[Waited]) -> str:
    """ "your balance and your question": what waits, as it is said to the customer."""
    names = [_name(pack, waited.what.intent) for waited in waiting]
    return listed(list(dict.fromkeys(filter(None, names))), "and")


def _name(pack: Pack, intent: str) -> str:
    known = pack.intents[intent]
    if known.kind == "question":
        return "your question"
    return f"your {pack.flows[known.flow].title}" if known.flow else ""
