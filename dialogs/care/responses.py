"""Responses to people in danger or distress: what is said, what stops, and who is called.

They come before any intent, in every state of a conversation. While money is locked nothing moves
it, whatever the customer says, until a person hands the conversation back
(tests/dialogs/care/test_responses.py, tests/dialogs/test_dialogue_laws.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dialogs.escalation.callback import (
    can_person_come,
    explain_unavailable,
    is_person_unavailable,
    may_offer_callback,
    record_unmet_handoff,
)
from dialogs.escalation.summary import mask_secrets
from dialogs.interpretation.dialogue_acts import is_free_text_asked
from dialogs.pack.care_rules import CareFinding, CareKind, CareRules
from dialogs.pack.reserved_names import CARE_PREFIX
from dialogs.rendering import format_telephone_number
from dialogs.responses.fallback import YES_NO_EXPECTATION, offer_callback
from dialogs.state import (
    CareSignal,
    DialogueState,
    Question,
    UnmetHandoff,
    with_fresh_patience,
)
from dialogs.turn_draft import TurnDraft
from dialogs.values import Understanding

TAKEN_BACK_WITHIN_TURNS = 2  # turns of the customer in which "I meant my phone" can refer to it


def respond_with_care(draft: TurnDraft, understanding: Understanding) -> bool:
    """Answer the turn if it tells of danger or distress, or takes that back; whether it is done.

    The account of a fraud in a report of it is answered, and is the answer to its question too.
    """
    care = draft.context.pack.care
    if care is None:
        return False
    findings, takes_back = care.find(understanding.text)
    if not findings:
        draft.state = replace(draft.state, is_paused=False)
        return takes_back and _accept_taken_back(draft, care)
    draft.has_cared = True
    draft.update_tone(understanding)
    kind = care.kinds[findings[0].kind]
    earlier_count = sum(one.kind == kind.name for one in draft.state.care_signals)
    goes_on = kind.locks_money and _is_told_what_happened(draft)
    _record_signals(draft, care, findings, understanding, may_pause=not goes_on)
    replies = (kind.reply, *kind.again_replies)
    place = (
        earlier_count
        if earlier_count < len(replies)
        else 1 + (earlier_count - 1) % (len(kind.again_replies))
    )
    say(draft, care, replies[place])
    _call_person(draft, care, kind, is_first=not earlier_count)
    return not goes_on


def _is_told_what_happened(draft: TurnDraft) -> bool:
    """Whether a task that secures an account asks for an account in the customer's words."""
    pack, task = draft.context.pack, draft.state.task
    return (
        task is not None
        and is_free_text_asked(pack, draft.state)
        and any(one.flow == task.flow and one.risk == "high" for one in pack.intents.values())
    )


def say(draft: TurnDraft, care: CareRules, reply: str) -> None:
    """Say a reply of care.yaml, with the telephone numbers that it names."""
    numbers = {
        name: format_telephone_number(number, draft.context.channel)
        for name, number in care.numbers.items()
    }
    draft.say(reply, numbers)


def care_unanswered(draft: TurnDraft, unmet: UnmetHandoff) -> bool:
    """Tell somebody in danger that no person comes, and who is always there; whether there is
    such a customer. Nothing else is asked of them."""
    care = draft.context.pack.care
    kind = _open_kind(care, draft.state)
    if care is None or kind is None or kind.handoff != "now":
        return False
    record_unmet_handoff(draft, unmet)
    explain_unavailable(draft)
    say(draft, care, kind.alone_reply)
    if draft.state.pending_action is not None:
        draft.state = replace(draft.state, is_callback_due=may_offer_callback(draft))
    elif may_offer_callback(draft):
        offer_callback(draft)
    else:
        draft.state = replace(draft.state, question=draft.open_question())
    return True


def without_care(state: DialogueState) -> DialogueState:
    """The state after a person has dealt with it: all signals are settled, money moves again."""
    return replace(
        state,
        care_signals=tuple(replace(one, is_open=False) for one in state.care_signals),
        is_paused=False,
        is_money_locked=False,
        active_causes=frozenset(
            cause for cause in state.active_causes if not cause.startswith(CARE_PREFIX)
        ),
    )


def _record_signals(
    draft: TurnDraft,
    care: CareRules,
    findings: Sequence[CareFinding],
    understanding: Understanding,
    may_pause: bool,
) -> None:
    """Store what was recognised, and stop what has to stop."""
    pack, state = draft.context.pack, draft.state
    signals = tuple(
        CareSignal(one.kind, draft.turn, draft.at, mask_secrets(one.words, pack, understanding))
        for one in findings
    )
    kinds = [care.kinds[one.kind] for one in findings]
    is_paused = may_pause and any(kind.pauses_tasks for kind in kinds)
    draft.state = replace(
        with_fresh_patience(state),
        care_signals=(*state.care_signals, *signals),
        is_money_locked=state.is_money_locked or any(kind.locks_money for kind in kinds),
        is_paused=is_paused,
        silences=0,
        request_in_question=None,
    )
    if is_paused:  # what was asked is not asked any more: no yes can belong to it
        draft.state = replace(
            draft.state,
            question=draft.open_question(),
            queued_requests=(),
            further_requests=(*state.further_requests, *state.queued_requests),
        )


def _call_person(draft: TurnDraft, care: CareRules, kind: CareKind, is_first: bool) -> None:
    """Call a person, offer one, or say who is there when none can come."""
    if kind.handoff == "none":
        return
    if is_person_unavailable(draft, kind.rule):
        say(draft, care, kind.alone_reply)
    elif kind.handoff == "now":
        draft.forced_rule = kind.rule
    elif is_first and not draft.state.waiting_for_person:
        _offer_person(draft, care, kind)
    if draft.state.waiting_for_person and draft.state.is_paused:
        draft.state = replace(draft.state, question=Question("waiting", reply="waiting"))


def _offer_person(draft: TurnDraft, care: CareRules, kind: CareKind) -> None:
    """Offer a person, or a call back where none can come."""
    if can_person_come(draft):
        draft.ask(Question("person", kind.rule, kind.offer_reply, YES_NO_EXPECTATION))
        return
    say(draft, care, kind.alone_reply)
    if may_offer_callback(draft) and draft.state.pending_action is None:
        offer_callback(draft)


def _open_kind(care: CareRules | None, state: DialogueState) -> CareKind | None:
    """The kind of the latest signal that still counts."""
    names = [one.kind for one in state.care_signals if one.is_open]
    return care.kinds[names[-1]] if care and names else None


def _accept_taken_back(draft: TurnDraft, care: CareRules) -> bool:
    """Go on after "I meant my phone", if that may be said of every kind that is open."""
    open_signals = [one for one in draft.state.care_signals if one.is_open]
    recent = [one for one in open_signals if draft.turn - one.turn <= TAKEN_BACK_WITHIN_TURNS]
    outcomes = {care.kinds[one.kind].if_taken_back for one in open_signals}
    if not recent or "nothing" in outcomes:
        return False
    draft.has_cared = True
    causes = draft.state.active_causes
    draft.state = without_care(draft.state)
    if outcomes == {"no_person"} and causes and not draft.state.active_causes:
        draft.withdraws_handoff = draft.state.waiting_for_person
        draft.state = replace(draft.state, waiting_for_person=False, handoff_urgency="")
    say(draft, care, care.taken_back_reply)
    tasks = tuple(
        task for task in draft.state.tasks if task.flow != draft.context.pack.verification_flow
    )
    draft.state = replace(draft.state, tasks=tasks)
    if tasks and draft.state.pending_action is None:
        draft.ask(Question("resume", "", "go_on", YES_NO_EXPECTATION))
    elif draft.state.pending_action is None:
        draft.state = replace(draft.state, question=draft.open_question())
    return True
