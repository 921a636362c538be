"""Nobody came: what is the customer told, and is it of use to ask for a person again?

For a while it is not, unless something more urgent happens: whoever asks is told the number under
which the call back is noted. Held by tests/dialogs/test_unreached.py.
"""

from __future__ import annotations

from dataclasses import replace

from dialogs.escalation.scoring import URGENCY_RANK, standing_urgency
from dialogs.state import UnmetHandoff
from dialogs.turn_draft import TurnDraft


def is_person_unavailable(draft: TurnDraft, rule: str = "explicit_request") -> bool:
    """Nobody came just now for something as urgent as `rule`."""
    standing = standing_urgency(draft.context.pack, draft.state, draft.at)
    return (
        not draft.state.waiting_for_person
        and URGENCY_RANK[draft.context.pack.rules[rule].urgency] <= URGENCY_RANK[standing]
    )


def explain_unavailable(draft: TurnDraft) -> None:
    """Why nobody comes, when somebody is there again, and the number of the call back."""
    unmet = draft.state.unmet_handoff
    assert unmet is not None
    if unmet.reason == "closed":
        draft.say(
            "unreached.closed" if unmet.next_opening else "unreached.closed_now",
            _ticket_values(draft, unmet),
        )
    else:
        draft.say(f"unreached.{unmet.reason}")
    if unmet.ticket:
        draft.say("unreached.ticket", _ticket_values(draft, unmet))


def remind_of_ticket(draft: TurnDraft) -> None:
    """Asked for a person again: what was told then, in short, before all else of this turn."""
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
    """Nobody is waited for any more."""
    draft.state = replace(
        draft.state,
        unmet_handoff=unmet,
        waiting_for_person=False,
        handoff_urgency="",
        misses=0,
        silences=0,
    )


def _ticket_values(draft: TurnDraft, unmet: UnmetHandoff) -> dict[str, str]:
    """A ticket is read out sign by sign."""
    spelt = " ".join(c for c in unmet.ticket if c.isalnum())
    return {
        "ticket": spelt if draft.context.is_spoken else unmet.ticket,
        "when": unmet.next_opening,
    }
