"""Nobody came: what is the customer told, and is it of use to ask for a person again?

For a while it is not, unless something more urgent happens: whoever asks is told the number under
which the call back is noted. Held by tests/dialogs/test_unreached.py.
"""

from __future__ import annotations

from dataclasses import replace

from dialogs.escalation.scoring import RANK, still_asked
from dialogs.state import CallBack
from dialogs.turn_draft import Draft


def pointless(draft: Draft, rule: str = "explicit_request") -> bool:
    """Nobody came just now for something as urgent as `rule`."""
    asked = still_asked(draft.house.pack, draft.state, draft.at)
    return not draft.state.waiting and RANK[draft.house.pack.rules[rule].urgency] <= RANK[asked]


def tell(draft: Draft) -> None:
    """Why nobody comes, when somebody is there again, and the number of the call back."""
    back = draft.state.call_back
    assert back is not None
    if back.why == "closed":
        draft.say("unreached.closed" if back.when else "unreached.closed_now", _values(draft, back))
    else:
        draft.say(f"unreached.{back.why}")
    if back.ticket:
        draft.say("unreached.ticket", _values(draft, back))


def remind(draft: Draft) -> None:
    """Asked for a person again: what was told then, in short, before all else of this turn."""
    back = draft.state.call_back
    assert back is not None
    if back.ticket:
        draft.say("unreached.noted", _values(draft, back))
    elif back.when:
        draft.say("unreached.closed", _values(draft, back))
    else:
        draft.say("unreached.still")
    draft.replies.insert(0, draft.replies.pop())


def note(draft: Draft, back: CallBack) -> None:
    """Nobody is waited for any more."""
    draft.state = replace(
        draft.state, call_back=back, waiting=False, urgency="", misses=0, silences=0
    )


def _values(draft: Draft, back: CallBack) -> dict[str, str]:
    """A ticket is read out sign by sign."""
    spelt = " ".join(c for c in back.ticket if c.isalnum())
    return {"ticket": spelt if draft.house.spoken else back.ticket, "when": back.when}
