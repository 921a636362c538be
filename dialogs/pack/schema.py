"""Pydantic schema of the YAML files of a pack; field names are the YAML keys.

The models exist only while a pack loads; `dialogs.pack.loader` converts them to frozen values.
Unknown keys are errors everywhere (tests/dialogs/pack/test_loader.py).
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from dialogs.pack.privacy_rules import DEFAULT_KEEP_DAYS, PII_KINDS, ConsentRule, PiiKind
from dialogs.values import Channel, Urgency

SlotType = Literal[
    "amount", "digits", "date", "time", "name", "choice", "yes_no", "text", "contact"
]
StepEffect = Literal["change", "report", "none"]
IntentKind = Literal["task", "question", "talk", "control"]
RightsRequest = Literal[
    "erasure", "copy", "objection", "recording_question", "recording_off", "recording_on",
    "emotion_question", "emotion_off", "emotion_on",
]  # fmt: skip
CareHandoff = Literal["now", "offer", "none"]
TakenBackOutcome = Literal["nothing", "person_still_comes", "no_person"]
Probability = Annotated[float, Field(ge=0, le=1)]
TextOrLines = Annotated[
    list[str], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)
]
YamlScalar = Annotated[str, BeforeValidator(lambda value: str(value))]


# Evidence that an escalation rule can weigh; dialogs/escalation/scoring.py measures each.
EVIDENCE_TERMS = (
    "asked_for_person", "accepted_offer", "asked_before", "upset", "calm", "complaint",
    "not_understood", "no_progress", "valued_customer", "failed_verification", "going_wrong",
)  # fmt: skip
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")  # a value's place in a reply


class StrictYaml(BaseModel):
    """Base of all schema models: immutable, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class IntentYaml(StrictYaml):
    """One intent of intents.yaml, with example sentences."""

    kind: IntentKind
    flow: str = ""
    phrase: str = ""
    short: str = ""
    about: str = ""
    risk: Literal["normal", "high"] = "normal"
    examples: list[YamlScalar] = Field(min_length=1)


class IntentsYaml(StrictYaml):
    """The file intents.yaml."""

    intents: dict[str, IntentYaml]


class SlotYaml(StrictYaml):
    """One slot of slots.yaml; `like` names the slot whose type and values it shares."""

    type: SlotType | None = None
    like: str = ""
    label: str = ""
    ask: str
    again: str = ""
    help: str = ""
    unknown: YamlScalar = ""
    cues: list[str] = []
    length: int = Field(default=0, ge=0)
    values: dict[str, list[YamlScalar]] = {}
    secret: bool = False
    past: bool = False
    max: float = 0.0


class SlotsYaml(StrictYaml):
    """The file slots.yaml."""

    slots: dict[str, SlotYaml]


class FailureYaml(StrictYaml):
    """The response to a failed action; `again` lists the slots to ask for again."""

    say: str
    again: list[str] = []
    offer_person: bool = False


class UndoYaml(StrictYaml):
    """The inverse of an action: what is done, with which slots and results of the action, what
    reads it back and says it is done. `before` names a date slot: from that day on it is too late.
    """

    do: str
    arguments: dict[str, str] = Field(default={}, alias="with")
    title: str
    confirm: str
    say: str
    before: str = ""
    failed: dict[str, FailureYaml] = {}


class StepYaml(StrictYaml):
    """One step of a flow: exactly one of ask, say, confirm, do and hand_over, with its options."""

    ask: str = ""
    say: str = ""
    confirm: str = ""
    do: str = ""
    hand_over: str = ""
    when: dict[str, YamlScalar] = {}
    default: YamlScalar = ""
    arguments: dict[str, str] = Field(default={}, alias="with")
    gives: dict[str, Literal["amount", "date", "time", "digits", "text"]] = {}
    verifies: bool = False
    effect: StepEffect = "change"
    undo: UndoYaml | Literal["none"] | None = None
    final: str = ""
    failed: dict[str, FailureYaml] = {}


class FlowYaml(StrictYaml):
    """One flow of flows.yaml."""

    title: str
    verify: bool = False
    money: bool = False
    cancel_with: str = ""
    different: list[str] = []
    steps: list[StepYaml] = Field(min_length=1)


class FlowsYaml(StrictYaml):
    """The file flows.yaml; `verify_with` names the flow that confirms an identity."""

    verify_with: str
    flows: dict[str, FlowYaml]


class ReplyYaml(StrictYaml):
    """One reply of replies.yaml, with its wordings by tone and channel."""

    neutral: TextOrLines = Field(min_length=1)
    apologetic: TextOrLines = []
    brief: TextOrLines = []
    voice: TextOrLines = []
    promise: bool = False


class RepliesYaml(StrictYaml):
    """The file replies.yaml."""

    apologies: TextOrLines
    lead_ins: TextOrLines = ["Once more:", "Again:"]
    replies: dict[str, TextOrLines | ReplyYaml]


class CareKindYaml(StrictYaml):
    """One kind of danger or distress of care.yaml."""

    label: str = Field(min_length=1)
    urgency: Urgency
    hand_over: CareHandoff
    say: str
    again: list[str] = Field(min_length=2)  # two, so that none is said twice in a row
    offering: str = ""
    handing_over: str = ""
    alone: str
    pauses_tasks: bool = False
    locks_money: bool = False
    if_taken_back: TakenBackOutcome = "nothing"
    says: list[YamlScalar] = Field(min_length=1)
    cues: dict[str, list[YamlScalar]] = {}
    but_not: list[YamlScalar] = []
    examples: list[YamlScalar] = Field(min_length=1)


class CareFrameYaml(StrictYaml):
    """A way of speaking in which the words of some kinds mean no distress."""

    kinds: list[str] = Field(min_length=1)
    weakens: bool = False  # takes one cue from the kinds; otherwise what it covers does not count
    says: list[YamlScalar] = Field(min_length=1)


class TakenBackYaml(StrictYaml):
    """How customers say that a turn was meant otherwise, and the reply."""

    say: str
    says: list[YamlScalar] = Field(min_length=1)


class CareYaml(StrictYaml):
    """The file care.yaml."""

    numbers: dict[str, YamlScalar] = {}
    money_locked: str
    taken_back: TakenBackYaml
    words: dict[str, list[YamlScalar]] = {}
    misspelt: TextOrLines = []
    other_words: TextOrLines = []
    enough_cues: int = Field(default=2, ge=1)
    frames: dict[str, CareFrameYaml] = {}
    kinds: dict[str, CareKindYaml] = Field(min_length=1)
    harmless: list[YamlScalar] = []
    replies: dict[str, TextOrLines | ReplyYaml]


class RightYaml(StrictYaml):
    """One request of rights.yaml; `flow` names the task that carries it out."""

    flow: str = ""
    says: list[YamlScalar] = Field(min_length=1)
    but_not: list[YamlScalar] = []
    examples: list[YamlScalar] = Field(min_length=1)


class RightsYaml(StrictYaml):
    """The file rights.yaml."""

    words: dict[str, list[YamlScalar]] = {}
    requests: dict[RightsRequest, RightYaml] = Field(min_length=1)
    harmless: list[YamlScalar] = []
    replies: dict[str, TextOrLines | ReplyYaml]


class OtherLanguageYaml(StrictYaml):
    """One language of languages.yaml; all but the name is in that language."""

    name: str = Field(min_length=1)
    offer: str
    called: str
    alone: str
    yes: list[YamlScalar] = Field(min_length=1)
    no: list[YamlScalar] = Field(min_length=1)


class UnlistedLanguageYaml(StrictYaml):
    """What is said to who writes in a language that languages.yaml lacks."""

    offer: str
    alone: str


class LanguagesYaml(StrictYaml):
    """The file languages.yaml."""

    own: str = Field(pattern="^[a-z]{2}$")
    other: UnlistedLanguageYaml
    languages: dict[str, OtherLanguageYaml]


class CostsYaml(StrictYaml):
    """Costs of a missed and of a needless escalation; only their ratio counts."""

    missed: float = Field(gt=0)
    needless: float = Field(gt=0)


class RuleYaml(StrictYaml):
    """One escalation rule; its threshold is `enter` or follows from the costs."""

    urgency: Urgency
    baseline: float
    costs: CostsYaml | None = None
    enter: Probability | None = None
    leave: Probability | None = None
    least_turns: int = Field(default=1, ge=1)
    say: str
    terms: dict[str, float]
    intents: dict[str, float] = {}


class EscalationYaml(StrictYaml):
    """The file escalation.yaml."""

    costs: CostsYaml
    rearm: float = Field(default=0.5, gt=0, lt=1)
    remember: Probability = 0.7
    rules: dict[str, RuleYaml]


class ConditionYaml(StrictYaml):
    """Requirements on the context of an offer; empty parts require nothing."""

    done: list[str] = []
    before: list[str] = []
    slots: dict[str, list[YamlScalar]] = {}
    at_least: dict[str, float] = {}
    below: dict[str, float] = {}
    tier: list[str] = []
    channel: list[Channel] = []


class ReasonYaml(StrictYaml):
    """A reason for an offer: condition, weight and text for the customer."""

    when: ConditionYaml = ConditionYaml()
    weight: float
    because: str = Field(min_length=1)


class OfferTargetYaml(StrictYaml):
    """What an accepted offer starts: a flow, or a part of a document."""

    flow: str = ""
    document: str = ""
    part: int = Field(default=1, ge=1)
    slots: dict[str, YamlScalar] = {}


class OfferYaml(StrictYaml):
    """One offer of offers.yaml."""

    title: str
    say: str
    baseline: float = 0.0
    personal: bool = False
    when: ConditionYaml
    not_when: ConditionYaml = ConditionYaml()
    reasons: list[ReasonYaml] = Field(min_length=1)
    yes: OfferTargetYaml


class OffersYaml(StrictYaml):
    """The file offers.yaml."""

    silence_share: float = Field(default=0.0, ge=0, lt=1)
    explore: float = Field(default=0.1, gt=0, le=1)
    least_score: float = 0.0
    max_upset: Probability
    known_within: Probability
    most: int = Field(default=1, ge=1)
    apart_turns: int = Field(default=1, ge=1)
    rest_turns: int = Field(default=1, ge=1)
    never_with: list[str] = []
    offers: dict[str, OfferYaml]


Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)


class PeopleYaml(StrictYaml):
    """The file people.yaml."""

    zone: str
    hours: dict[Weekday, str]
    exceptions: dict[str, str] = {}
    urgent_any_time: bool = False
    longest_wait_s: float = Field(default=300.0, gt=0)
    tickets: bool = True
    call_back_with: str = ""
    phone_region: str = Field(default="US", pattern="^[A-Z]{2}$")
    again_after_s: float = Field(default=600.0, ge=0)


class KeepDaysYaml(StrictYaml):
    """Retention in days by kind of record."""

    recordings: int = Field(default=DEFAULT_KEEP_DAYS["recordings"], ge=1)
    judgements: int = Field(default=DEFAULT_KEEP_DAYS["judgements"], ge=1)
    offers: int = Field(default=DEFAULT_KEEP_DAYS["offers"], ge=1)
    handovers: int = Field(default=DEFAULT_KEEP_DAYS["handovers"], ge=1)
    tickets: int = Field(default=DEFAULT_KEEP_DAYS["tickets"], ge=1)


class PrivacyYaml(StrictYaml):
    """The file privacy.yaml."""

    redact: list[PiiKind] = list(PII_KINDS)
    recording: ConsentRule = "ask"
    emotion: ConsentRule = "ask"
    keep_days: KeepDaysYaml = KeepDaysYaml()


class HearingYaml(StrictYaml):
    """Thresholds of the transcript confidence."""

    ask_again_below: Probability
    confirm_below: Probability


class DecidingYaml(StrictYaml):
    """Thresholds of the intent confidence."""

    act_from: Probability
    confirm_from: Probability
    switch_from: Probability


class PatienceYaml(StrictYaml):
    """Numbers of failures in a row before the strategy changes."""

    verifications: int = Field(ge=1)
    misses_before_menu: int = Field(ge=1)
    misses_before_person: int = Field(ge=1)
    stalled_before_change: int = Field(default=3, ge=1)
    stalled_before_person: int = Field(default=5, ge=2)
    silences_before_offer: int = Field(ge=1)
    silences_before_end: int = Field(ge=1)


class MoodYaml(StrictYaml):
    """Thresholds of the upset probability for the tone of replies."""

    apologise_from: Probability
    calm_below: Probability


class KnowledgeYaml(StrictYaml):
    """The documents of a pack, and the least scores of an answer."""

    documents: str = ""
    says_bank: str = ""
    least_score: float = 0.0
    least_share: Probability = 0.0


class PackYaml(StrictYaml):
    """The file pack.yaml."""

    bank: str
    agent: str
    menu: list[str]
    phrases: dict[str, list[str]] = {}
    hearing: HearingYaml
    deciding: DecidingYaml
    patience: PatienceYaml
    mood: MoodYaml
    knowledge: KnowledgeYaml = KnowledgeYaml()
