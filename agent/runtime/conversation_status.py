"""Status of a running conversation: a value that others may read without reaching into it."""

from __future__ import annotations

from dataclasses import dataclass

from agent.core.effects import Owner
from agent.core.records import SessionRecord
from agent.core.session import Session
from dialogs.values import Understanding


@dataclass(frozen=True, slots=True)
class ConversationStatus:
    """A conversation as it stands now.

    `began_at` is ISO 8601, `lasts_s` the seconds since. `customer_turns` holds the session second
    and the understanding of each turn of the customer, `misses` how often in a row the customer was
    not understood. `has_voice`: the customer speaks and hears. `is_customer_away`: the session
    knows that their connection is lost. `is_in_danger`: danger or distress was recognised, and
    nobody has dealt with it yet.
    """

    id: str
    channel: str
    customer: str
    began_at: str
    lasts_s: float
    is_over: bool
    customer_connected: bool
    is_customer_away: bool
    has_voice: bool
    owner: Owner
    person_name: str
    open_handoffs: tuple[int, ...]
    customer_turns: tuple[tuple[float, Understanding], ...]
    misses: int
    is_in_danger: bool = False

    @property
    def is_with_person(self) -> bool:
        """Whether a person or a supervisor owns it."""
        return self.owner in ("person", "supervisor")

    def is_owned_by(self, name: str) -> bool:
        """Whether the person or supervisor of this name owns it."""
        return self.is_with_person and self.person_name == name


def conversation_status(
    record: SessionRecord, session: Session, lasts_s: float, customer_connected: bool
) -> ConversationStatus:
    """The status of this session."""
    ownership = session.ownership
    return ConversationStatus(
        id=record.id,
        channel=record.channel,
        customer=record.customer,
        began_at=record.began_at,
        lasts_s=lasts_s,
        is_over=session.closed,
        customer_connected=customer_connected,
        is_customer_away=session.is_customer_away,
        has_voice=record.speak and "customer" in record.legs,
        owner=ownership.owner,
        person_name=ownership.person_name,
        open_handoffs=ownership.open_handoffs,
        customer_turns=tuple(
            (turn.at, turn.understanding)
            for turn in session.history.turns
            if turn.leg == "customer"
        ),
        misses=session.state.misses,
        is_in_danger=any(one.is_open for one in session.state.care_signals),
    )
