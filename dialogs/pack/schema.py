"""What may be written in the YAML files of a pack?

These models are met only while a pack is loaded; `dialogs.pack.model` turns them into frozen
values. An unknown key is refused everywhere (tests/dialogs/test_pack.py).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from dialogs.pack.privacy_rules import DAYS, KINDS, Consent, Kind

SlotType = Literal["amount", "digits", "date", "time", "name", "choice", "yes_no", "text"]
IntentKind = Literal["task", "question", "talk", "control"]
Probability = Annotated[float, Field(ge=0, le=1)]
Lines = Annotated[
    list[str], BeforeValidator(lambda given: [given] if isinstance(given, str) else given)
]
Word = Annotated[str, BeforeValidator(lambda given: str(given))]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IntentText(Strict):
    kind: IntentKind
    flow: str = ""
    phrase: str = ""
    short: str = ""
    about: str = ""
    risk: Literal["normal", "high"] = "normal"
    examples: list[Word] = Field(min_length=1)


class IntentsText(Strict):
    intents: dict[str, IntentText]


class SlotText(Strict):
    type: SlotType | None = None
    like: str = ""
    label: str = ""
    ask: str
    again: str = ""
    cues: list[str] = []
    length: int = Field(default=0, ge=0)
    values: dict[str, list[Word]] = {}
    secret: bool = False
    past: bool = False
    max: float = 0.0


class SlotsText(Strict):
    slots: dict[str, SlotText]


class FailureText(Strict):
    say: str
    again: list[str] = []
    offer_person: bool = False


class StepText(Strict):
    ask: str = ""
    say: str = ""
    confirm: str = ""
    do: str = ""
    hand_over: str = ""
    when: dict[str, Word] = {}
    default: Word = ""
    arguments: dict[str, str] = Field(default={}, alias="with")
    gives: dict[str, Literal["amount", "date", "time", "digits", "text"]] = {}
    verifies: bool = False
    failed: dict[str, FailureText] = {}


class FlowText(Strict):
    title: str
    verify: bool = False
    money: bool = False
    different: list[str] = []
    steps: list[StepText] = Field(min_length=1)


class FlowsText(Strict):
    verify_with: str
    flows: dict[str, FlowText]


class ReplyText(Strict):
    neutral: Lines = Field(min_length=1)
    apologetic: Lines = []
    brief: Lines = []
    voice: Lines = []
    promise: bool = False


class RepliesText(Strict):
    apologies: Lines
    replies: dict[str, Lines | ReplyText]


class CostsText(Strict):
    missed: float = Field(gt=0)
    needless: float = Field(gt=0)


class RuleText(Strict):
    urgency: Literal["low", "normal", "high"]
    baseline: float
    costs: CostsText | None = None
    enter: Probability | None = None
    leave: Probability | None = None
    least_turns: int = Field(default=1, ge=1)
    say: str
    terms: dict[str, float]
    intents: dict[str, float] = {}


class EscalationText(Strict):
    costs: CostsText
    rearm: float = Field(default=0.5, gt=0, lt=1)
    remember: Probability = 0.7
    rules: dict[str, RuleText]


class ConditionText(Strict):
    done: list[str] = []
    before: list[str] = []
    slots: dict[str, list[Word]] = {}
    at_least: dict[str, float] = {}
    below: dict[str, float] = {}
    tier: list[str] = []
    channel: list[Literal["chat", "voice", "call"]] = []


class ReasonText(Strict):
    when: ConditionText = ConditionText()
    weight: float
    because: str = Field(min_length=1)


class LeadsToText(Strict):
    flow: str = ""
    document: str = ""
    part: int = Field(default=1, ge=1)
    slots: dict[str, Word] = {}


class OfferText(Strict):
    title: str
    say: str
    baseline: float = 0.0
    personal: bool = False
    when: ConditionText
    not_when: ConditionText = ConditionText()
    reasons: list[ReasonText] = Field(min_length=1)
    yes: LeadsToText


class OffersText(Strict):
    silence_share: float = Field(default=0.0, ge=0, lt=1)
    explore: float = Field(default=0.1, gt=0, le=1)
    least_score: float = 0.0
    max_upset: Probability
    known_within: Probability
    most: int = Field(default=1, ge=1)
    apart_turns: int = Field(default=1, ge=1)
    rest_turns: int = Field(default=1, ge=1)
    never_with: list[str] = []
    offers: dict[str, OfferText]


Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class PeopleText(Strict):
    zone: str
    hours: dict[Weekday, str]
    exceptions: dict[str, str] = {}
    urgent_any_time: bool = False
    longest_wait_s: float = Field(default=300.0, gt=0)
    tickets: bool = True
    again_after_s: float = Field(default=600.0, ge=0)


class KeepDaysText(Strict):
    recordings: int = Field(default=DAYS["recordings"], ge=1)
    judgements: int = Field(default=DAYS["judgements"], ge=1)
    offers: int = Field(default=DAYS["offers"], ge=1)
    handovers: int = Field(default=DAYS["handovers"], ge=1)
    tickets: int = Field(default=DAYS["tickets"], ge=1)


class PrivacyText(Strict):
    redact: list[Kind] = list(KINDS)
    recording: Consent = "ask"
    emotion: Consent = "ask"
    keep_days: KeepDaysText = KeepDaysText()


class HearingText(Strict):
    ask_again_below: Probability
    confirm_below: Probability


class DecidingText(Strict):
    act_from: Probability
    confirm_from: Probability
    switch_from: Probability


class PatienceText(Strict):
    verifications: int = Field(ge=1)
    misses_before_menu: int = Field(ge=1)
    misses_before_person: int = Field(ge=1)
    silences_before_offer: int = Field(ge=1)
    silences_before_end: int = Field(ge=1)


class MoodText(Strict):
    apologise_from: Probability
    calm_below: Probability


class KnowledgeText(Strict):
    documents: str = ""
    says_bank: str = ""
    least_score: float = 0.0
    least_share: Probability = 0.0


class PackText(Strict):
    bank: str
    agent: str
    menu: list[str]
    phrases: dict[str, list[str]] = {}
    hearing: HearingText
    deciding: DecidingText
    patience: PatienceText
    mood: MoodText
    knowledge: KnowledgeText = KnowledgeText()
