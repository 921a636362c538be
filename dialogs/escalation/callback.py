"""Replies when no person is available, and the call back that is promised instead.

A call back is promised only to a customer who has said where to reach them: the flow that
people.yaml names asks for it, reads it back and gets a ticket. After a handoff that nobody took,
further requests for a person are not handed off for a while, unless a more urgent rule fires. Held
by tests/dialogs/escalation/test_callback.py.
"""

from __future__ import annotations

from dataclasses import replace

from dialogs.escalation.scoring import URGENCY_RANK, standing_urgency
from dialogs.pack.model import Pack
from dialogs.pack.reserved_names import EXPLICIT_REQUEST_RULE
from dialogs.state import DialogueState, UnmetHandoff, with_fresh_patience
from dialogs.turn_draft import TurnDraft


def is_person_unavailable(draft: TurnDraft, rule: str = EXPLICIT_REQUEST_RULE) -> bool:
    """Whether a handoff at least as urgent as `rule` was not taken a short while ago."""
    standing = standing_urgency(draft.context.pack, draft.state, draft.at)
    return (
        not draft.state.waiting_for_person
        and URGENCY_RANK[draft.context.pack.rules[rule].urgency] <= URGENCY_RANK[standing]
    )


def can_person_come(draft: TurnDraft) -> bool:
    """Whether a person could take over now, as far as is known: only then may one be offered."""
    return draft.state.people.is_available and not is_person_unavailable(draft)


def may_offer_callback(draft: TurnDraft) -> bool:
    """Whether a call back can be promised, and the customer has neither one nor declined it."""
    state = draft.state
    unmet = state.unmet_handoff
    return bool(
        draft.context.pack.opening_hours.callback_flow
        and not (state.callback_ticket or (unmet and unmet.ticket))
        and not state.has_declined_callback
        and not is_arranging_callback(state, draft.context.pack)
    )


def is_arranging_callback(state: DialogueState, pack: Pack) -> bool:
    """Whether the customer is being asked where to reach them."""
    return any(task.flow == pack.opening_hours.callback_flow for task in state.tasks)


def record_callback(draft: TurnDraft, ticket: str) -> None:
    """Store that a call back was promised under this ticket."""
    state = draft.state
    unmet = state.unmet_handoff or UnmetHandoff("nobody", "", "", "normal", draft.at)
    draft.state = replace(
        state,
        unmet_handoff=replace(unmet, ticket=ticket, at=draft.at),
        callback_ticket=ticket,
        is_callback_due=False,
    )


def explain_unavailable(draft: TurnDraft) -> None:
    """Say why no person comes, when one is available again, and the call-back ticket number."""
    unmet = draft.state.unmet_handoff
    assert unmet is not None
    if unmet.reason == "closed":
        draft.say(
            "unreached.closed" if unmet.next_opening else "unreached.closed_now",
            _ticket_values(draft, unmet),
        )
    else:
        draft.say(f"unreached.{unmet.reason}")
    if draft.state.callback_ticket:
        draft.say("unreached.noted", _ticket_values(draft, unmet))
    elif unmet.ticket:
        draft.say("unreached.ticket", _ticket_values(draft, unmet))


def remind_of_ticket(draft: TurnDraft) -> None:
    """Answer a repeated request for a person: the ticket or the opening hours in short.

    The reply comes before all other replies of this turn.
    """
    unmet = draft.state.unmet_handoff
    assert unmet is not None
    if unmet.ticket:
        draft.say("unreached.noted", _ticket_values(draft, unmet))
    elif unmet.next_opening:
        draft.say("unreached.closed", _ticket_values(draft, unmet))
    else:
        draft.say("unreached.still")
    draft.replies.insert(0, draft.replies.pop())


def record_unmet_handoff(draft: TurnDraft, unmet: UnmetHandoff) -> None:
    """Store the unmet handoff and stop waiting for a person; miss and silence counts restart."""
    if not unmet.ticket:
        unmet = replace(unmet, ticket=draft.state.callback_ticket)
    draft.state = replace(
        with_fresh_patience(draft.state),
        unmet_handoff=unmet,
        waiting_for_person=False,
        handoff_urgency="",
        silences=0,
    )


def _ticket_values(draft: TurnDraft, unmet: UnmetHandoff) -> dict[str, str]:
    """Template values; on voice channels a ticket is read out character by character."""
    spelt = " ".join(c for c in unmet.ticket if c.isalnum())
    return {
        "ticket": spelt if draft.context.is_spoken else unmet.ticket,
        "when": unmet.next_opening,
    }
