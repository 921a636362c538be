"""Conversation tests as frozen values: cases, their steps and what is expected after each.

None in an expectation means that nothing is expected there; an empty tuple means that nothing may
have happened. `agent.conversation_tests.loader` makes these values from YAML.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from re import Pattern
from typing import Literal

from agent.core.effects import Owner
from dialogs.values import Channel, Urgency

NONE = "none"  # in a file: nothing may be there
StepKind = Literal[
    "customer", "while_working", "heard", "sound", "keys", "wait", "models_fail", "nobody_comes",
    "person_joins", "supervisor_joins", "person_says", "person_hands_back", "person_lost",
    "person_ends",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeclaredAnswer:
    """An answer of the back end that a file declares: `values`, or refused for this `reason`."""

    reason: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


DeclaredAnswers = Mapping[str, tuple[DeclaredAnswer, ...]]  # by action; the last one repeats


@dataclass(frozen=True, slots=True)
class ExpectedAction:
    """An action that has to reach the back end; arguments that are not named may be anything."""

    name: str
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExpectedEscalation:
    """An escalation by this rule; an empty urgency may be any. Without a rule: none at all."""

    rule: str = ""
    urgency: Urgency | Literal[""] = ""


@dataclass(frozen=True, slots=True)
class StepExpectation:
    """What has to be true after a step, or, at the end, of the whole conversation."""

    flow: str | None = None  # empty: no task is in progress
    step: str | None = None
    slots: Mapping[str, str] = field(default_factory=dict)  # an empty value: not filled
    replies: tuple[str, ...] | None = None  # each was said
    forbidden_replies: tuple[str, ...] = ()
    patterns: tuple[Pattern[str], ...] = ()  # each is found in what was said
    forbidden_patterns: tuple[Pattern[str], ...] = ()
    actions: tuple[ExpectedAction, ...] | None = None  # exactly these, in this order
    forbidden_actions: tuple[str, ...] = ()
    escalation: ExpectedEscalation | None = None
    owner: Owner | None = None
    person: str | None = None
    has_ended: bool | None = None
    has_callback: bool | None = None  # a call back was noted
    is_verified: bool | None = None
    intent: str | None = None
    act: str | None = None


@dataclass(frozen=True, slots=True)
class CaseStep:
    """One thing that happens. `text` is what stands in the file: what is said or typed, a name, a
    time; `seconds` is how long a wait takes; `confidence` is that of heard words."""

    line: int
    kind: StepKind
    text: str = ""
    seconds: float = 0.0
    confidence: float = 1.0
    sound: Path | None = None
    back_end: DeclaredAnswers = field(default_factory=dict)
    expected: StepExpectation = field(default_factory=StepExpectation)

    @property
    def title(self) -> str:
        """The step as a person would name it."""
        return f"{self.kind}: {self.text}".removesuffix(": ")


@dataclass(frozen=True, slots=True)
class ConversationCase:
    """One conversation to play. `identity` are the arguments of the pack's identity check, empty
    when the customer is unknown; `offer_draw` as in `Dialogue`: None for no offers."""

    file: Path
    line: int
    name: str
    tags: tuple[str, ...]
    started_at: datetime
    channel: Channel
    customer_name: str
    identity: Mapping[str, str]
    people_online: bool
    offer_draw: float | None
    back_end: DeclaredAnswers
    steps: tuple[CaseStep, ...]
    expected: StepExpectation  # of the whole conversation
    expected_line: int
