"""Which values flow between hearing a customer and deciding what to do?

All of them are frozen. Times are seconds since the session began; probabilities are 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from audio.types import AcousticCues, Expectation, Leg, Prosody

if TYPE_CHECKING:
    from dialogs.state import DialogueState

OUT_OF_SCOPE = "out_of_scope"
NOTHING_HEARD = "nothing_heard"

Tone = Literal["neutral", "apologetic", "brief"]
Channel = Literal["chat", "voice", "call"]
OfferOutcome = Literal["accepted", "declined", "ignored", "completed", "abandoned"]
RuleOutcome = Literal["nothing", "too_few_turns", "entered", "active", "left", "handed_over"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason for a judgement: the term, what it weighed, and where it was seen or heard.

    Weights are contributions to a log-odds score, so those of one judgement add up to it.
    """

    term: str
    weight: float
    turn: int
    at: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """A normalised value a customer gave: amounts "250.00", dates ISO 8601, digits only digits."""

    name: str
    value: str
    said: str
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class FurtherRequest:
    """Something wanted in the same breath as something else: "..., and tell me my balance"."""

    text: str
    intent: str
    confidence: float
    slots: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True)
class Understanding:
    """What one turn meant, and how it was meant.

    `sentiment` runs from -1 to 1, None when there was too little to judge. `upset` is the
    calibrated probability that the customer is upset now; `upset_spread` is the half-width
    within which it is known: a missing or unreliable modality widens it and never
    becomes a silent "neutral". `heard` is the confidence of the transcript, 1.0 when typed.
    `also` are further requests of the turn, in the order they were said; `slots` then belong to
    the first. `possible` are the intents that cannot be ruled out at the stated coverage (a
    conformal set), likeliest first; empty when the model says nothing about that. `trouble` says
    how much likelier than usual it is that this conversation is going wrong, judged by its last
    turns together: in log-odds, to which its evidence adds up; 0.0 and none when nothing judges it.
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


@dataclass(frozen=True, slots=True)
class DocumentSource:
    """The document an answer was taken from, named to the customer."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One thing to say. `flow` and `step` say which line of the pack it came from."""

    text: str
    tone: Tone = "neutral"
    flow: str = ""
    step: str = ""
    suggestions: tuple[str, ...] = ()
    source: DocumentSource | None = None
    reason: str = ""  # why something is offered


@dataclass(frozen=True, slots=True)
class ActionCall:
    """Something to be done in the bank. The same `key` never takes effect twice."""

    key: str
    name: str
    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ActionResult:
    """How an action ended. `reason` is a word of the action's own ("no_funds") when not ok."""

    key: str
    ok: bool
    values: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Escalation:
    """Why a person should take over. The weights of `evidence` add up to `score`."""

    rule: str
    probability: float
    score: float
    evidence: tuple[Evidence, ...]
    urgency: Literal["low", "normal", "high"]
    summary: str


@dataclass(frozen=True, slots=True)
class RuleScore:
    """What one rule of escalation came to in one turn. The weights of `terms` add up to `score`.

    `led_to`: "entered" rose above its threshold while somebody was asked for already; "active" had
    risen before; "left" fell below and may rise again; "too_few_turns" was high on too little.
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
    """One occasion to offer something. `number` counts those of a session from 1.

    `scores` are of all that could be offered, `chosen` is one of them or empty for nothing, and
    `propensity` the probability with which it was chosen then.
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
    """What became of an offer: "accepted", "declined" or "ignored"; after a yes perhaps later
    "completed" or "abandoned"."""

    number: int
    turn: int
    at: float
    outcome: OfferOutcome


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of either side of a conversation, in the order it was decided."""

    number: int
    leg: Leg
    at: float
    understanding: Understanding
    flow: str = ""
    step: str = ""
    replies: tuple[Reply, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """All that was heard and answered so far, and the escalations already made."""

    channel: Channel = "chat"
    turns: tuple[Turn, ...] = ()
    escalations: tuple[Escalation, ...] = ()

    def recent_texts(self, max_turns: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The customer's last `most` turns, and what they were told before each and since the last:
        the second is one longer."""
        turns = [turn for turn in self.turns if turn.leg == "customer"][-max_turns - 1 :]
        agent_texts = [" ".join(reply.text for reply in turn.replies) for turn in turns]
        if len(turns) <= max_turns:
            agent_texts = ["", *agent_texts]  # the greeting is no turn of the customer's
        else:
            turns = turns[1:]
        return tuple(turn.understanding.text for turn in turns), tuple(agent_texts)

    @property
    def usual_prosody(self) -> Prosody | None:
        """How this customer sounded so far, on average; None before anything was heard."""
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


@dataclass(frozen=True, slots=True)
class Decision:
    """What the dialogue wants done now. Effects happen only if the session carries them out."""

    state: DialogueState
    replies: tuple[Reply, ...] = ()
    expectation: Expectation = field(default_factory=Expectation)
    action_call: ActionCall | None = None
    escalation: Escalation | None = None
    evidence: tuple[Evidence, ...] = ()
    rule_scores: tuple[RuleScore, ...] = ()
    offers: tuple[OfferMade | OfferAnswered, ...] = ()
    ends_session: bool = False
