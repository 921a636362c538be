"""What of a turn may be kept, with and without the customer's consent to recording?

Without it: which rules weighed what, when, and how the turn was taken; not one of the customer's
words. With it: also the words, without what proves an identity (tests/agent/test_explain.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter

from dialogs.escalation.scoring import without_words, worth_noting
from dialogs.escalation.summary import masked
from dialogs.pack.model import Pack
from dialogs.values import Decision, Judged, OfferAnswered, OfferMade, Understanding

CHANGES = frozenset({"entered", "left", "handed_over"})


@dataclass(frozen=True, slots=True)
class TurnNote:
    """One turn as escalation saw it. Empty `words` were not kept; a turn of the bank's answer has
    no intent and no mood."""

    turn: int
    at: float
    channel: str
    judged: tuple[Judged, ...]
    words: str = ""
    intent: str = ""
    confidence: float = 0.0
    upset: float | None = None
    upset_spread: float | None = None

    @property
    def handed_over(self) -> tuple[str, ...]:
        return tuple(one.rule for one in self.judged if one.led_to == "handed_over")


NOTES = TypeAdapter(TurnNote)


@dataclass(frozen=True, slots=True)
class LoggedOffer:
    """An occasion to offer something, as it is kept: no words of the customer are in it.

    `outcome` is "accepted", "declined" or "ignored", empty when nothing was offered; `changes`
    are all that became of it, in order.
    """

    session: str
    chosen: str
    propensity: float
    scores: Mapping[str, float]
    context: Mapping[str, str]
    outcome: str
    changes: tuple[str, ...]


Note = TurnNote | OfferMade | OfferAnswered


@dataclass(frozen=True, slots=True)
class Privacy:
    """What the customer of this session has agreed to."""

    pack: Pack
    channel: str
    recording: bool = False

    def note(
        self, turn: int, at: float, decision: Decision, heard: Understanding | None
    ) -> TurnNote | None:
        """A note of every turn of the customer, and of others in which something changed."""
        judged = tuple(one for one in decision.judged if worth_noting(one))
        if not self.recording:
            judged = tuple(without_words(one) for one in judged)
        if heard is None:
            changed = any(one.led_to in CHANGES for one in judged)
            return TurnNote(turn, at, self.channel, judged) if changed else None
        return TurnNote(
            turn,
            at,
            self.channel,
            judged,
            masked(heard.text, self.pack, heard) if self.recording else "",
            heard.intent,
            heard.confidence,
            heard.upset,
            heard.upset_spread,
        )
