"""What must be remembered of a conversation to decide the next step?

Everything is frozen; a turn makes a new state. A task holds its slots until it is done, so that
an interruption, a correction or a person taking over loses nothing. Held by
tests/dialogs/test_dialogue_laws.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from audio.types import Expectation
from dialogs.values import ActionCall, OfferOutcome, Reply, Tone, Understanding

Urgency = Literal["", "low", "normal", "high"]  # empty: nobody is asked for
Unreachable = Literal["closed", "nobody", "too_long"]  # why nobody comes
Asked = Literal[
    "open", "more", "slot", "confirm", "change", "intent", "which", "menu", "person", "resume",
    "waiting", "offer",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """What the customer has been asked last. `name` is a slot, an intent or an offer;
    `options` are the intents of a "which"."""

    kind: Asked = "open"
    name: str = ""
    reply: str = "open"
    expect: Expectation = field(default_factory=Expectation)
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filled:
    """A slot's value and the turn and words it came from; turn 0 for a silent default."""

    value: str
    said: str = ""
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """One flow in progress. `order` is the slots in the order they were filled."""

    flow: str
    slots: Mapping[str, Filled] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    past: frozenset[int] = frozenset()  # indexes of say, do and confirm steps that are over
    values: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # name -> value, type
    tries: int = 0  # answers in a row that did not fit the question
    failures: int = 0  # times the bank said no
    begun: int = 0  # the turn it was asked for
    wanted: str = ""  # in the customer's words
    offer: int = 0  # the number of the offer whose acceptance began it

    def with_slot(self, name: str, filled: Filled) -> Task:
        order = (*(n for n in self.order if n != name), name)
        return replace(self, slots={**self.slots, name: filled}, order=order, tries=0)

    def without(self, *names: str) -> Task:
        return replace(
            self,
            slots={n: v for n, v in self.slots.items() if n not in names},
            order=tuple(n for n in self.order if n not in names),
        )


@dataclass(frozen=True, slots=True)
class Pending:
    """An action under way. `step` is its place in the flow of the task on top."""

    call: ActionCall
    step: int
    since: int  # the turn it was started in


@dataclass(frozen=True, slots=True)
class Waited:
    """Something the customer said that has to wait, and the turn it was said in."""

    what: Understanding
    at: float
    turn: int


@dataclass(frozen=True, slots=True)
class Done:
    """What the bank did or refused, for the summary."""

    turn: int
    action: str
    ok: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Suggested:
    """An occasion to offer something; `offer` is empty when nothing was offered."""

    number: int
    offer: str
    turn: int
    outcome: OfferOutcome | Literal[""] = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A line worth telling the person who takes over, and the turn it was said in."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class CallBack:
    """Nobody came for a hand-over of this urgency. `ticket` is what the call back is noted under,
    `when` says when somebody is there again; either may be empty. `at` is session seconds."""

    why: Unreachable
    ticket: str
    when: str
    urgency: Urgency
    at: float


@dataclass(frozen=True, slots=True)
class DialogueState:
    """Where the conversation stands. `tasks` is a stack: the last one is being done now."""

    question: Question = field(default_factory=Question)
    tasks: tuple[Task, ...] = ()
    pending: Pending | None = None
    queue: tuple[Waited, ...] = ()  # said while the bank was at work: met when it has answered
    further: tuple[Waited, ...] = ()  # asked for beside something else: met when nothing is begun
    keys: int = 0  # action keys given out so far
    unsure: Mapping[str, str] = field(default_factory=dict)  # what was tried -> key to try again
    verified: bool = False
    locked: bool = False  # identity could not be confirmed
    failed_verifications: int = 0
    known: Mapping[str, str] = field(default_factory=dict)  # customer, customer_name, tier, name
    offered: Waited | None = None  # what led to the question whether an intent is meant
    misses: int = 0  # turns in a row that were not understood
    silences: int = 0
    asked_for_person: int = 0
    accepted_person: bool = False
    waiting: bool = False  # a person has been asked for
    urgency: Urgency = ""
    call_back: CallBack | None = None  # when nobody came, until a person has been here
    active: frozenset[str] = frozenset()  # escalation rules that are above their threshold
    apologised: int = 0  # the turn of the last apology
    apologies: int = 0
    tone: Tone = "neutral"
    last: tuple[Reply, ...] = ()
    wants: tuple[Said, ...] = ()  # what the customer asked for, in their words
    done: tuple[Done, ...] = ()
    promises: tuple[Said, ...] = ()
    counter: int = 0  # replies so far: rotates the wordings
    recent: Task | None = None  # what was finished last: "and in checking?" means it again
    suggested: tuple[Suggested, ...] = ()
    ended: bool = False

    @property
    def task(self) -> Task | None:
        return self.tasks[-1] if self.tasks else None

    @property
    def where(self) -> tuple[str, str]:
        """The flow and the step the customer is asked about now."""
        task = self.task
        named = self.question.kind in {"slot", "intent", "offer"}
        return (task.flow if task else "", self.question.name if named else self.question.kind)

    def with_task(self, task: Task) -> DialogueState:
        return replace(self, tasks=(*self.tasks[:-1], task))
