"""Frozen values of a pack: the intents, slots, flows, replies and rules of one business.

`dialogs.pack.loader.load_pack` reads them from the YAML files of a folder. A loaded pack is frozen:
the same pack and the same inputs always give the same dialogue (tests/dialogs/pack/test_loader.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dialogs.knowledge.retrieval import Knowledge
from dialogs.pack.care_rules import CareRules
from dialogs.pack.language_rules import LanguageRules
from dialogs.pack.opening_hours import OpeningHours
from dialogs.pack.privacy_rules import PrivacyRules
from dialogs.pack.rights_rules import RightsRules
from dialogs.pack.schema import IntentKind, SlotType, StepEffect
from dialogs.values import Urgency


@dataclass(frozen=True, slots=True)
class Intent:
    """One intent. `phrase`, `short` and `about` are its wordings in questions and menus."""

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
    """One slot. `ask_reply` and `reask_reply` name the replies that ask for it.

    Slots of one `family` are roles of the same kind of value, such as the account a transfer goes
    from and the one it goes to. `limit` is the highest amount, 0 for none. `help_reply` answers a
    customer who asks why or cannot say; `value_if_unknown` lets the flow go on without a value.
    """

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
    help_reply: str = ""
    value_if_unknown: str = ""


@dataclass(frozen=True, slots=True)
class FailureResponse:
    """Response to a failed action: the reply, and the slots to ask for again."""

    reply: str
    slots_to_reask: tuple[str, ...] = ()
    offers_person: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a flow. `name` is a slot, a reply, an action or a rule, according to `kind`.

    `conditions` are slot values that the step requires; `arguments` map an action's arguments to
    slots, `result_types` its result values to their types, `failures` its reasons to responses.
    `effect` is what an action does: "change" needs a yes to its read-back, "report" only passes on
    what the customer has said, "none" reads or checks. `undo_flow` names the flow that undoes it,
    until the day in the slot `undo_before`; `final_reply` says before that it cannot be undone.
    """

    kind: Literal["ask", "say", "confirm", "do", "hand_over"]
    name: str
    conditions: tuple[tuple[str, str], ...] = ()
    default: str = ""
    arguments: tuple[tuple[str, str], ...] = ()
    result_types: tuple[tuple[str, str], ...] = ()
    reply: str = ""
    verifies_identity: bool = False
    failures: tuple[tuple[str, FailureResponse], ...] = ()
    effect: StepEffect = "change"
    undo_flow: str = ""
    undo_before: str = ""
    final_reply: str = ""

    @property
    def needs_consent(self) -> bool:
        """Whether it may run only after a yes to its read-back."""
        return self.kind == "do" and self.effect == "change" and not self.verifies_identity

    def failure_response(self, reason: str) -> FailureResponse | None:
        """The response to `reason`, else that to "*"; None without either."""
        by_reason = dict(self.failures)
        return by_reason.get(reason) or by_reason.get("*")


@dataclass(frozen=True, slots=True)
class Flow:
    """A task as a sequence of steps. The values of `distinct_slots` must differ. `cancel_flow`
    cancels what this flow has made before; `undoes` is the flow whose action this one undoes."""

    name: str
    title: str
    steps: tuple[Step, ...]
    needs_identity: bool = False
    moves_money: bool = False
    distinct_slots: tuple[str, ...] = ()
    cancel_flow: str = ""
    undoes: str = ""

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the slots that the flow asks for, in order."""
        return tuple(step.name for step in self.steps if step.kind == "ask")


@dataclass(frozen=True, slots=True)
class Wording:
    """Wordings of one reply by tone and channel; `is_promise` when it commits the business."""

    neutral: tuple[str, ...]
    apologetic: tuple[str, ...] = ()
    brief: tuple[str, ...] = ()
    voice: tuple[str, ...] = ()
    is_promise: bool = False

    @property
    def lines(self) -> tuple[str, ...]:
        """All wordings."""
        return self.neutral + self.apologetic + self.brief + self.voice


@dataclass(frozen=True, slots=True)
class ErrorCosts:
    """Costs of wrong escalation decisions, in any unit: only their ratio counts."""

    missed: float  # a missed escalation: the customer needed a person and got none
    needless: float  # a needless escalation

    @property
    def threshold(self) -> float:
        """The probability p from which escalating costs less than not escalating: where
        p * missed = (1 - p) * needless."""
        return self.needless / (self.needless + self.missed)


@dataclass(frozen=True, slots=True)
class Rule:
    """An escalation rule: when a person takes over, and the weight of each piece of evidence.

    It fires from `enter` on and is armed again below `leave`.
    """

    name: str
    urgency: Urgency
    baseline: float
    enter: float
    leave: float
    min_turns: int
    reply: str
    term_weights: Mapping[str, float]
    intent_weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Condition:
    """Requirements on an offer context; an empty part requires nothing."""

    finished_flows: tuple[str, ...] = ()
    earlier_actions: tuple[str, ...] = ()
    slots: tuple[tuple[str, tuple[str, ...]], ...] = ()
    at_least: tuple[tuple[str, float], ...] = ()
    below: tuple[tuple[str, float], ...] = ()
    tiers: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()

    @property
    def has_requirements(self) -> bool:
        """Whether any part requires something."""
        return self != Condition()


@dataclass(frozen=True, slots=True)
class OfferReason:
    """A reason for an offer: its condition, its weight, and its text for the customer."""

    when: Condition
    weight: float
    text: str


@dataclass(frozen=True, slots=True)
class OfferTarget:
    """What an accepted offer starts: a flow with some slots filled, or a document part, from 1."""

    flow: str = ""
    document_id: str = ""
    part_number: int = 1
    slot_values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer; `is_personal` when it reveals what only the identified customer may know."""

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
    """Which offers exist, how often one is made, and how it is chosen.

    `no_offer_share` is the probability of no offer, `exploration_share` the part of the choice
    that is uniform; `max_upset` and `max_upset_spread` bound the customer's mood.
    """

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
    """Transcript confidences below which the customer is asked to repeat or to confirm."""

    ask_again_below: float
    confirm_below: float


@dataclass(frozen=True, slots=True)
class IntentThresholds:
    """Intent confidences from which to act, to ask for confirmation, or to leave the question."""

    act_from: float
    confirm_from: float
    switch_from: float


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """Numbers of failures in a row before the dialogue changes its strategy."""

    verifications: int
    misses_before_menu: int
    misses_before_person: int
    # turns without progress, before the dialogue asks in another way, and before it offers a person
    stalled_before_change: int
    stalled_before_person: int
    silences_before_offer: int
    silences_before_end: int


@dataclass(frozen=True, slots=True)
class Pack:
    """One business: all that its YAML files define, checked and frozen."""

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
    lead_ins: tuple[str, ...]  # put before a text that would be said twice in a row
    rules: Mapping[str, Rule]
    error_costs: ErrorCosts
    evidence_decay: float
    transcript_thresholds: TranscriptThresholds
    intent_thresholds: IntentThresholds
    retry_limits: RetryLimits
    apologise_from: float
    calm_below: float
    knowledge: Knowledge
    intent_by_example: Mapping[str, str]  # example in normalised text -> its intent
    # intent -> stems of the words that name it (dialogs/pack/trigger_words.py)
    triggers: Mapping[str, frozenset[str]]
    offer_rules: OfferRules | None = None  # None: the pack makes no offers
    # always open without people.yaml
    opening_hours: OpeningHours = field(default_factory=OpeningHours)
    privacy: PrivacyRules = field(default_factory=PrivacyRules)
    care: CareRules | None = None  # None: nobody in danger is recognised
    rights: RightsRules | None = None  # None: nobody's rights are asked for in words
    languages: LanguageRules | None = None  # None: every turn counts as the pack's own language

    @property
    def verifying_actions(self) -> frozenset[str]:
        """Names of the actions that confirm the customer's identity."""
        steps = (step for flow in self.flows.values() for step in flow.steps)
        return frozenset(step.name for step in steps if step.verifies_identity)

    def menu_phrase(self, intent: str) -> str:
        """A short phrase for `intent` in a menu."""
        spec = self.intents[intent]
        return spec.short or spec.phrase or intent.replace("_", " ")


def normalise_text(text: str) -> str:
    """Lower-case words without punctuation, the form in which sentences are compared."""
    characters = (
        c if c.isalnum() or c in "'$." else " " for c in text.lower().replace("\u2019", "'")
    )
    return " ".join(word.strip(".") for word in "".join(characters).split() if word.strip("."))
