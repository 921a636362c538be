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
from dialogs.pack.opening_hours import People
from dialogs.pack.privacy_rules import PrivacyRules
from dialogs.pack.schema import IntentKind, SlotType
from dialogs.pack.yaml_source import PackError

__all__ = ["Flow", "Intent", "Pack", "PackError", "Rule", "SlotSpec", "Step", "Wording"]

BANK = Path(__file__).parents[1] / "bank"


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
    ask: str
    again: str
    cues: tuple[str, ...] = ()
    length: int = 0
    values: Mapping[str, tuple[str, ...]] | None = None
    secret: bool = False
    past: bool = False
    limit: float = 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """What follows when an action fails: `again` names the slots to ask for anew."""

    say: str
    again: tuple[str, ...] = ()
    offer_person: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a flow. `name` is a slot, a reply, an action or a rule, according to `kind`."""

    kind: Literal["ask", "say", "confirm", "do", "hand_over"]
    name: str
    when: tuple[tuple[str, str], ...] = ()
    default: str = ""
    arguments: tuple[tuple[str, str], ...] = ()
    gives: tuple[tuple[str, str], ...] = ()
    say: str = ""
    verifies: bool = False
    failed: tuple[tuple[str, Failure], ...] = ()

    def failure(self, reason: str) -> Failure | None:
        known = dict(self.failed)
        return known.get(reason) or known.get("*")


@dataclass(frozen=True, slots=True)
class Flow:
    name: str
    title: str
    steps: tuple[Step, ...]
    verify: bool = False
    money: bool = False
    different: tuple[str, ...] = ()

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
    promise: bool = False

    @property
    def lines(self) -> tuple[str, ...]:
        return self.neutral + self.apologetic + self.brief + self.voice


@dataclass(frozen=True, slots=True)
class Costs:
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
    least_turns: int
    say: str
    terms: Mapping[str, float]
    intents: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Condition:
    """What has to be so; a part that says nothing is always so."""

    done: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    slots: tuple[tuple[str, tuple[str, ...]], ...] = ()
    at_least: tuple[tuple[str, float], ...] = ()
    below: tuple[tuple[str, float], ...] = ()
    tier: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()

    @property
    def says_something(self) -> bool:
        return self != Condition()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is offered: how much it weighs, and how it is said to the customer."""

    when: Condition
    weight: float
    because: str


@dataclass(frozen=True, slots=True)
class LeadsTo:
    """What a yes begins: a flow with some slots known, or a part of a document, from 1."""

    flow: str = ""
    document: str = ""
    part: int = 1
    slots: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """Something to suggest; `personal` when it shows what only the customer may know."""

    name: str
    title: str
    say: str
    baseline: float
    personal: bool
    when: Condition
    not_when: Condition
    reasons: tuple[Reason, ...]
    yes: LeadsTo


@dataclass(frozen=True, slots=True)
class OfferRules:
    """What may be offered, how often, and how it is chosen."""

    offers: Mapping[str, Offer]
    silence_share: float
    explore: float
    least_score: float
    max_upset: float
    known_within: float
    most: int
    apart_turns: int
    rest_turns: int
    never_with: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hearing:
    """How sure the ears must be of the words."""

    ask_again_below: float
    confirm_below: float


@dataclass(frozen=True, slots=True)
class Deciding:
    """How sure we must be of the intent."""

    act_from: float
    confirm_from: float
    switch_from: float


@dataclass(frozen=True, slots=True)
class Patience:
    """How often before something else is tried."""

    verifications: int
    misses_before_menu: int
    misses_before_person: int
    silences_before_offer: int
    silences_before_end: int


@dataclass(frozen=True, slots=True)
class Pack:
    directory: Path
    bank: str
    agent: str
    menu: tuple[str, ...]
    go_back: tuple[str, ...]
    intents: Mapping[str, Intent]
    slots: Mapping[str, SlotSpec]
    flows: Mapping[str, Flow]
    verify_with: str
    replies: Mapping[str, Wording]
    apologies: tuple[str, ...]
    rules: Mapping[str, Rule]
    costs: Costs
    remember: float
    hearing: Hearing
    deciding: Deciding
    patience: Patience
    apologise_from: float
    calm_below: float
    knowledge: Knowledge
    exact: Mapping[str, str]  # an example in plain words -> its intent
    offers: OfferRules | None = None  # a pack need not offer anything
    people: People = field(default_factory=People)  # always there, unless people.yaml says hours
    privacy: PrivacyRules = field(default_factory=PrivacyRules)

    @staticmethod
    def load(directory: Path | str = BANK) -> Pack:
        from dialogs.pack.loader import build  # it makes the values defined here

        return build(Path(directory))

    def says(self, intent: str) -> str:
        """A short way to say `intent` in a menu."""
        found = self.intents[intent]
        return found.short or found.phrase or intent.replace("_", " ")


def plain(text: str) -> str:
    """Lower case words, without punctuation: how sentences are compared."""
    kept = (c if c.isalnum() or c in "'$." else " " for c in text.lower().replace("\u2019", "'"))
    return " ".join(word.strip(".") for word in "".join(kept).split() if word.strip("."))
