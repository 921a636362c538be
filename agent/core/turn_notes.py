"""The audit note of one turn, with and without the customer's consent to recording.

Without consent a note holds which escalation rules weighed what and when, the intent and the mood,
but not one of the customer's words. With consent it also holds the words, without what proves an
identity (tests/agent/cli/test_explain.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter

from dialogs.escalation.scoring import is_worth_noting, without_customer_words
from dialogs.escalation.summary import mask_secrets
from dialogs.pack.model import Pack
from dialogs.state import Decision
from dialogs.values import Consent, OfferAnswered, OfferMade, RuleScore, Understanding

NOTED_TRANSITIONS = frozenset({"entered", "left", "handed_over"})


@dataclass(frozen=True, slots=True)
class TurnNote:
    """One turn as the escalation rules saw it. `words` is empty without consent to recording; a
    turn that no words of the customer led to has no intent and no mood. `consent` is that to the
    action that began in this turn, without its words where `words` are not kept."""

    turn: int
    at: float
    channel: str
    judged: tuple[RuleScore, ...]
    words: str = ""
    intent: str = ""
    confidence: float = 0.0
    upset: float | None = None
    upset_spread: float | None = None
    action: str = field(default="", compare=False)
    consent: Consent | None = field(default=None, compare=False)

    @property
    def handoff_rules(self) -> tuple[str, ...]:
        """The names of the rules that led to a handoff in this turn."""
        return tuple(one.rule for one in self.judged if one.led_to == "handed_over")


TURN_NOTE_JSON = TypeAdapter(TurnNote)


@dataclass(frozen=True, slots=True)
class LoggedOffer:
    """A stored occasion to offer something. It holds no words of the customer.

    `outcome` is "accepted", "declined" or "ignored", empty when nothing was offered; `changes` are
    all its outcomes, in order.
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
class NotePolicy:
    """What may be noted of a session's turns. `recording`: the customer consents to recording."""

    pack: Pack
    channel: str
    recording: bool = False

    def turn_note(
        self, turn: int, at: float, decision: Decision, understanding: Understanding | None
    ) -> TurnNote | None:
        """The note of a turn: of every turn of the customer, and of another turn only when a rule
        changed its state in it; else None."""
        judged = tuple(one for one in decision.rule_scores if is_worth_noting(one))
        if not self.recording:
            judged = tuple(without_customer_words(one) for one in judged)
        if understanding is None:
            changed = any(one.led_to in NOTED_TRANSITIONS for one in judged)
            return TurnNote(turn, at, self.channel, judged) if changed else None
        call = decision.action_call
        consent = call.consent if call else None
        if consent is not None:
            words = mask_secrets(consent.words, self.pack, understanding) if self.recording else ""
            consent = replace(consent, words=words)
        return TurnNote(
            turn,
            at,
            self.channel,
            judged,
            mask_secrets(understanding.text, self.pack, understanding) if self.recording else "",
            understanding.intent,
            understanding.confidence,
            understanding.upset,
            understanding.upset_spread,
            call.name if call else "",
            consent,
        )
