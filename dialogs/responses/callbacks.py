"""Call backs that were accepted, or are offered once a task is completed.

Who accepts is asked where to reach them, by the flow that people.yaml names; who declines
(dialogs/responses/fallback.py) is promised nothing. Held by
tests/dialogs/responses/test_callbacks.py.
"""

from __future__ import annotations

from dialogs.escalation.callback import can_person_come, may_offer_callback
from dialogs.interpretation.contact_answers import contact_assignment
from dialogs.responses.fallback import offer_callback
from dialogs.responses.flow_steps import advance, begin_task, fill_slot
from dialogs.turn_draft import TurnDraft
from dialogs.values import Understanding


def accept_callback(draft: TurnDraft, understanding: Understanding) -> None:
    """Ask where to reach the customer, unless that was said, too."""
    pack = draft.context.pack
    begin_task(draft, pack.opening_hours.callback_flow, understanding.slots, understanding.text)
    if assignment := contact_assignment(pack, draft.state, understanding):
        fill_slot(draft, assignment)
    advance(draft)


def offer_due_callback(draft: TurnDraft) -> bool:
    """Offer the call back that had to wait for a task; whether the customer was asked."""
    if not draft.state.is_callback_due or can_person_come(draft) or not may_offer_callback(draft):
        return False
    offer_callback(draft)
    return True
