"""Value types between language understanding and dialogue: understanding, reply, escalation.

All are frozen. Times are seconds since the session started; probabilities are 0 to 1. Values in
events, effects and notes are recorded by field name (agent/core/event_json.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from audio.types import AcousticCues, Leg, Prosody

OUT_OF_SCOPE = "out_of_scope"
NOTHING_HEARD = "nothing_heard"

# Of a field that was added later: rows and digests are as before while it is empty.
OMITTED_WHEN_EMPTY = {"omitted_when_empty": True}

Tone = Literal["neutral", "apologetic", "brief"]
Channel = Literal["chat", "voice", "call"]
OfferOutcome = Literal["accepted", "declined", "ignored", "completed", "abandoned"]
Urgency = Literal["low", "normal", "high"]  # of an escalation
UnavailableReason = Literal["closed", "nobody", "too_long"]  # why no person takes over
ConsoleRole = Literal["person", "supervisor"]  # of a person at a console
RuleOutcome = Literal["nothing", "too_few_turns", "entered", "active", "left", "handed_over"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason for a judgement: the term, its weight, and the turn and time of its source.

    Weights are contributions to a log-odds score, so those of one judgement add up to it.
    """

    term: str
    weight: float
    turn: int
    at: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """A normalised value from a turn: amounts "250.00", dates ISO 8601, digits only digits.

    `said` is the customer's wording in lower case or as typed. `problem` says why words of this
    kind gave no value ("range", "no_such_day"); `value` is then empty, and must not be guessed.
    """

    name: str
    value: str
    said: str
    confidence: float = 1.0
    problem: str = field(default="", metadata=OMITTED_WHEN_EMPTY)


@dataclass(frozen=True, slots=True)
class FurtherRequest:
    """A request beside the first one of a turn: "..., and tell me my balance"."""

    text: str
    intent: str
    confidence: float
    slots: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True)
class Understanding:
    """Result of the models for one turn: intent, slots, mood and their evidence.

    `sentiment` runs from -1 to 1, None when there was too little to judge. `upset` is the
    calibrated probability that the customer is upset now; `upset_spread` is the half-width
    within which it is known: a missing or unreliable modality widens it and never
    becomes a silent "neutral". `transcript_confidence` is 1.0 for typed text.
    `also` are further requests of the turn, in the order they were said; `slots` then belong to
    the first. `possible` are the intents that cannot be ruled out at the stated coverage (a
    conformal set), likeliest first; empty when the model gives none. `trouble` is the log-odds,
    relative to the usual rate, that a dialogue breakdown is under way, estimated from the last
    turns together; `trouble_evidence` adds up to it; 0.0 and empty without an estimate. `language`
    is that of a typed turn (ISO 639-1) where it is not the agent's own.
    """

    text: str
    intent: str
    confidence: float
    alternatives: tuple[tuple[str, float], ...] = ()
    sentiment: float | None = None
    upset: float = 0.0
    upset_spread: float = 1.0
    slots: tuple[Slot, ...] = ()
    heard: float = 1.0
    cues: AcousticCues | None = None
    evidence: tuple[Evidence, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    also: tuple[FurtherRequest, ...] = ()
    possible: tuple[str, ...] = ()
    trouble: float = 0.0
    trouble_evidence: tuple[Evidence, ...] = ()
    language: str = field(default="", metadata=OMITTED_WHEN_EMPTY)


@dataclass(frozen=True, slots=True)
class DocumentSource:
    """The document that an answer quotes, named to the customer."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply to say. `flow` is the flow of its task, `step` names the reply in the pack."""

    text: str
    tone: Tone = "neutral"
    flow: str = ""
    step: str = ""
    suggestions: tuple[str, ...] = ()
    source: DocumentSource | None = None
    reason: str = ""  # of an offer, in words


@dataclass(frozen=True, slots=True)
class Consent:
    """A yes of the customer that an action rests on: its turn, its words, and the reply of the
    pack that read the action back."""

    turn: int
    words: str
    read_back: str


@dataclass(frozen=True, slots=True)
class ActionCall:
    """An action for the back end. The idempotency `key` never takes effect twice.

    `consent` is why it may be done, None for an action that changes nothing; it is no part of what
    is done, so calls are compared without it.
    """

    key: str
    name: str
    arguments: Mapping[str, str]
    consent: Consent | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ActionResult:
    """Result of an action. `reason` is the action's own code ("no_funds") when not ok."""

    key: str
    ok: bool
    values: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PrivacyConsent:
    """What the customer has agreed to: that words and sound are recorded, and that how a voice
    sounds is used."""

    recording: bool = False
    emotion: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """One line of a handoff summary, and the turns it was taken from."""

    label: str
    text: str
    turns: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Escalation:
    """A decision to call a person. The weights of `evidence` add up to `score`, a log-odds."""

    rule: str
    probability: float
    score: float
    evidence: tuple[Evidence, ...]
    urgency: Urgency
    claims: tuple[Claim, ...]

    @property
    def summary(self) -> str:
        """The claims as text, one a line."""
        return "\n".join(f"{claim.label}: {claim.text}" for claim in self.claims)


@dataclass(frozen=True, slots=True)
class RuleScore:
    """Score of one escalation rule in one turn. The weights of `terms` add up to `score`.

    `led_to`: "entered" rose above `enter` while a handoff as urgent was requested already;
    "active" had risen before; "left" fell below `leave` and is armed again; "too_few_turns" was
    above `enter` on too few turns; "handed_over" made the escalation.
    """

    rule: str
    score: float
    probability: float
    enter: float
    leave: float
    terms: tuple[Evidence, ...]
    led_to: RuleOutcome = "nothing"


@dataclass(frozen=True, slots=True)
class OfferMade:
    """The choice at one occasion for an offer. `number` counts them in a session from 1.

    `scores` has all eligible offers, `chosen` is one of them or empty for no offer, and
    `propensity` is the probability with which it was chosen.
    """

    number: int
    turn: int
    at: float
    context: Mapping[str, str]
    scores: Mapping[str, float]
    chosen: str
    propensity: float


@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """The outcome of an offer: "accepted", "declined" or "ignored"; an accepted one may later be
    "completed" or "abandoned"."""

    number: int
    turn: int
    at: float
    outcome: OfferOutcome


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a leg of the conversation, with the dialogue's replies to it."""

    number: int
    leg: Leg
    at: float
    understanding: Understanding
    flow: str = ""
    step: str = ""
    replies: tuple[Reply, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """The turns so far, in the order they were decided, and the escalations already made."""

    channel: Channel = "chat"
    turns: tuple[Turn, ...] = ()
    escalations: tuple[Escalation, ...] = ()

    def recent_texts(self, max_turns: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Texts of the customer's last `max_turns` turns, and the agent's texts before each and
        after the last: the second is one longer."""
        turns = [turn for turn in self.turns if turn.leg == "customer"][-max_turns - 1 :]
        agent_texts = [" ".join(reply.text for reply in turn.replies) for turn in turns]
        if len(turns) <= max_turns:
            agent_texts = ["", *agent_texts]  # the greeting belongs to no customer turn
        else:
            turns = turns[1:]
        return tuple(turn.understanding.text for turn in turns), tuple(agent_texts)

    @property
    def usual_prosody(self) -> Prosody | None:
        """Mean prosody of this customer so far; None before the first spoken turn."""
        cues = [
            turn.understanding.cues for turn in self.turns if turn.understanding.cues is not None
        ]
        if not cues:
            return None
        prosodies = [one.prosody for one in cues]
        return Prosody(
            pitch_hz=_mean(one.pitch_hz for one in prosodies),
            pitch_range_semitones=_mean(one.pitch_range_semitones for one in prosodies),
            loudness_db=_mean(one.loudness_db for one in prosodies),
            syllables_per_s=_mean(one.syllables_per_s for one in prosodies),
            pause_ratio=_mean(one.pause_ratio for one in prosodies) or 0.0,
            voiced_s=_mean(one.voiced_s for one in prosodies) or 0.0,
        )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
