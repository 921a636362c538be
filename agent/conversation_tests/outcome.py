"""What followed from one step of a conversation, and why: everything an expectation can ask about.

All values are the original ones, not their surrogates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.core.effects import Owner
from dialogs.interpretation.dialogue_act import DialogueAct
from dialogs.values import ActionCall, Escalation, Reply, Understanding

MAX_ALTERNATIVES = 3


@dataclass(frozen=True, slots=True)
class TurnReading:
    """How one turn of the customer was read. `question` is what they had been asked: flow and
    step, or `open` for anything. `act` is None where the dialogue read nothing: with a person, or
    while an action was running."""

    understanding: Understanding
    question: str
    act: DialogueAct | None

    def __str__(self) -> str:
        said = self.understanding
        likely = [(said.intent, said.confidence), *said.alternatives]
        unique = dict(reversed([(name, value) for name, value in likely if name]))
        ranked = sorted(unique.items(), key=lambda one: -one[1])[:MAX_ALTERNATIVES]
        parts = [f"asked {self.question}", f"act {self._act_text()}"]
        parts.append("intent " + ", ".join(f"{name} {value:.2f}" for name, value in ranked))
        parts += [f"and also {one.intent} {one.confidence:.2f}" for one in said.also]
        slots = " ".join(f"{one.name}={one.value}" for one in said.slots)
        parts.append(f"slots {slots or 'none'}")
        if said.heard < 1:
            parts.append(f"heard {said.heard:.2f} “{said.text}”")
        if said.upset - said.upset_spread > 0:
            parts.append(f"upset {said.upset:.2f} ± {said.upset_spread:.2f}")
        return "; ".join(parts)

    def _act_text(self) -> str:
        if self.act is None:
            return "none"
        about = ", ".join(self.act.options) or self.act.intent
        return f"{self.act.kind} {about}".strip()


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What a step led to, and how things stand after it. `problems` are reasons why the step could
    not be played."""

    flow: str
    question: str  # the step of the flow, as in a record
    slots: Mapping[str, str]  # of the task in progress, or of the last one
    owner: Owner
    person: str
    has_ended: bool
    is_verified: bool
    replies: Sequence[Reply] = ()
    calls: Sequence[ActionCall] = ()
    escalations: Sequence[Escalation] = ()
    callbacks: int = 0
    readings: Sequence[TurnReading] = ()
    problems: Sequence[str] = ()

    @property
    def reply_text(self) -> str:
        """All replies as one text."""
        return " ".join(reply.text for reply in self.replies)

    @property
    def reply_lines(self) -> list[str]:
        """The replies, each with its name in the pack."""
        return [f"[{reply.step}] {reply.text}" for reply in self.replies]


@dataclass(slots=True)
class OutcomeLog:
    """What has happened since the last outcome was taken."""

    replies: list[Reply] = field(default_factory=list)
    calls: list[ActionCall] = field(default_factory=list)
    escalations: list[Escalation] = field(default_factory=list)
    callbacks: int = 0
    readings: list[TurnReading] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, other: OutcomeLog) -> None:
        """Add what another log holds."""
        self.replies += other.replies
        self.calls += other.calls
        self.escalations += other.escalations
        self.callbacks += other.callbacks
        self.readings += other.readings
        self.problems += other.problems
