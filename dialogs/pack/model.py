"""What does this business want said and done?

`Pack.load` reads the YAML files of a folder, refuses anything that does not hold together and
names file and line (`PackError`). A loaded pack is frozen: the same pack and the same inputs
always give the same dialogue (tests/dialogs/test_pack.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dialogs.knowledge.retrieval import Knowledge
from dialogs.pack.opening_hours import OpeningHours
from dialogs.pack.privacy_rules import PrivacyRules
from dialogs.pack.schema import IntentKind, SlotType
from dialogs.pack.yaml_source import PackError

__all__ = ["Flow", "Intent", "Pack", "PackError", "Rule", "SlotSpec", "Step", "Wording"]

BANK_PACK = Path(__file__).parents[1] / "bank"


@dataclass(frozen=True, slots=True)
class Intent:
    name: str
    kind: IntentKind
    examples: tuple[str, ...]
    flow: str = ""
    phrase: str = ""
    short: str = ""
    about: str = ""
    risk: Literal["normal", "high"] = "normal"


@dataclass(frozen=True, slots=True)
class SlotSpec:
    """Something to be known. Slots of one `family` are roles of the same kind of thing."""

    name: str
    type: SlotType
    family: str
    label: str
    ask_reply: str
    reask_reply: str
    cues: tuple[str, ...] = ()
    length: int = 0
    choices: Mapping[str, tuple[str, ...]] | None = None
    is_secret: bool = False
    must_be_past: bool = False
    limit: float = 0.0


@dataclass(frozen=True, slots=True)
class FailureResponse:
    """What follows when an action fails: `again` names the slots to ask for anew."""

    reply: str
    slots_to_reask: tuple[str, ...] = ()
    offers_person: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a flow. `name` is a slot, a reply, an action or a rule, according to `kind`."""

    kind: Literal["ask", "say", "confirm", "do", "hand_over"]
    name: str
    conditions: tuple[tuple[str, str], ...] = ()
    default: str = ""
    arguments: tuple[tuple[str, str], ...] = ()
    result_types: tuple[tuple[str, str], ...] = ()
    reply: str = ""
    verifies_identity: bool = False
    failures: tuple[tuple[str, FailureResponse], ...] = ()

    def failure_response(self, reason: str) -> FailureResponse | None:
        known = dict(self.failures)
        return known.get(reason) or known.get("*")


@dataclass(frozen=True, slots=True)
class Flow:
    name: str
    title: str
    steps: tuple[Step, ...]
    needs_identity: bool = False
    moves_money: bool = False
    distinct_slots: tuple[str, ...] = ()

    @property
    def slots(self) -> tuple[str, ...]:
        return tuple(step.name for step in self.steps if step.kind == "ask")


@dataclass(frozen=True, slots=True)
class Wording:
    """One reply in its moods; `promise` when it commits the business to something."""

    neutral: tuple[str, ...]
    apologetic: tuple[str, ...] = ()
    brief: tuple[str, ...] = ()
    voice: tuple[str, ...] = ()
    is_promise: bool = False

    @property
    def lines(self) -> tuple[str, ...]:
        return self.neutral + self.apologetic + self.brief + self.voice


@dataclass(frozen=True, slots=True)
class ErrorCosts:
    """What mistakes cost, in any unit: only their proportion counts."""

    missed: float  # a customer who needed a person and did not get one
    needless: float  # a person called for nothing

    @property
    def threshold(self) -> float:
        """The probability from which handing over costs less than not doing so: where
        p * missed = (1 - p) * needless."""
        return self.needless / (self.needless + self.missed)


@dataclass(frozen=True, slots=True)
class Rule:
    """When a person takes over, and how much each piece of evidence weighs.

    It fires from `enter` on and is armed again below `leave`.
    """

    name: str
    urgency: Literal["low", "normal", "high"]
    baseline: float
    enter: float
    leave: float
    min_turns: int
    reply: str
    term_weights: Mapping[str, float]
    intent_weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Condition:
    """What has to be so; a part that says nothing is always so."""

    finished_flows: tuple[str, ...] = ()
    earlier_actions: tuple[str, ...] = ()
    slots: tuple[tuple[str, tuple[str, ...]], ...] = ()
    at_least: tuple[tuple[str, float], ...] = ()
    below: tuple[tuple[str, float], ...] = ()
    tiers: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()

    @property
    def has_requirements(self) -> bool:
        return self != Condition()


@dataclass(frozen=True, slots=True)
class OfferReason:
    """Why something is offered: how much it weighs, and how it is said to the customer."""

    when: Condition
    weight: float
    text: str


@dataclass(frozen=True, slots=True)
class OfferTarget:
    """What a yes begins: a flow with some slots known, or a part of a document, from 1."""

    flow: str = ""
    document_id: str = ""
    part_number: int = 1
    slot_values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """Something to suggest; `personal` when it shows what only the customer may know."""

    name: str
    title: str
    reply: str
    baseline: float
    is_personal: bool
    when: Condition
    not_when: Condition
    reasons: tuple[OfferReason, ...]
    target: OfferTarget


@dataclass(frozen=True, slots=True)
class OfferRules:
    """What may be offered, how often, and how it is chosen."""

    offers: Mapping[str, Offer]
    no_offer_share: float
    exploration_share: float
    min_score: float
    max_upset: float
    max_upset_spread: float
    max_per_session: int
    min_turns_between_offers: int
    min_turns_after_decline: int
    excluded_intents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TranscriptThresholds:
    """How sure the ears must be of the words."""

    ask_again_below: float
    confirm_below: float


@dataclass(frozen=True, slots=True)
class IntentThresholds:
    """How sure we must be of the intent."""

    act_from: float
    confirm_from: float
    switch_from: float


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """How often before something else is tried."""

    verifications: int
    misses_before_menu: int
    misses_before_person: int
    silences_before_offer: int
    silences_before_end: int


@dataclass(frozen=True, slots=True)
class Pack:
    directory: Path
    bank_name: str
    agent_name: str
    menu_intents: tuple[str, ...]
    go_back_phrases: tuple[str, ...]
    intents: Mapping[str, Intent]
    slots: Mapping[str, SlotSpec]
    flows: Mapping[str, Flow]
    verification_flow: str
    replies: Mapping[str, Wording]
    apologies: tuple[str, ...]
    rules: Mapping[str, Rule]
    error_costs: ErrorCosts
    evidence_decay: float
    transcript_thresholds: TranscriptThresholds
    intent_thresholds: IntentThresholds
    retry_limits: RetryLimits
    apologise_from: float
    calm_below: float
    knowledge: Knowledge
    intent_by_example: Mapping[str, str]  # an example in plain words -> its intent
    offer_rules: OfferRules | None = None  # a pack need not offer anything
    opening_hours: OpeningHours = field(
        default_factory=OpeningHours
    )  # always there, unless people.yaml says hours
    privacy: PrivacyRules = field(default_factory=PrivacyRules)

    @staticmethod
    def load(directory: Path | str = BANK_PACK) -> Pack:
        from dialogs.pack.loader import load_pack  # it makes the values defined here

        return load_pack(Path(directory))

    def menu_phrase(self, intent: str) -> str:
        """A short way to say `intent` in a menu."""
        spec = self.intents[intent]
        return spec.short or spec.phrase or intent.replace("_", " ")


def normalise_text(text: str) -> str:
    """Lower case words, without punctuation: how sentences are compared."""
    characters = (
        c if c.isalnum() or c in "'$." else " " for c in text.lower().replace("\u2019", "'")
    )
    return " ".join(word.strip(".") for word in "".join(characters).split() if word.strip("."))
