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
UnavailableReason = Literal["closed", "nobody", "too_long"]  # why nobody comes
QuestionKind = Literal[
    "open", "more", "slot", "confirm", "change", "intent", "which", "menu", "person", "resume",
    "waiting", "offer",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """What the customer has been asked last. `name` is a slot, an intent or an offer;
    `options` are the intents of a "which"."""

    kind: QuestionKind = "open"
    name: str = ""
    reply: str = "open"
    expectation: Expectation = field(default_factory=Expectation)
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SlotValue:
    """A slot's value and the turn and words it came from; turn 0 for a silent default."""

    value: str
    text: str = ""
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """One flow in progress. `order` is the slots in the order they were filled."""

    flow: str
    slots: Mapping[str, SlotValue] = field(default_factory=dict)
    fill_order: tuple[str, ...] = ()
    finished_steps: frozenset[int] = (
        frozenset()
    )  # indexes of say, do and confirm steps that are over
    result_values: Mapping[str, tuple[str, str]] = field(
        default_factory=dict
    )  # name -> value, type
    misfit_answers: int = 0  # answers in a row that did not fit the question
    refusals: int = 0  # times the bank said no
    start_turn: int = 0  # the turn it was asked for
    request_text: str = ""  # in the customer's words
    offer_number: int = 0  # the number of the offer whose acceptance began it

    def with_slot(self, name: str, slot_value: SlotValue) -> Task:
        order = (*(n for n in self.fill_order if n != name), name)
        return replace(
            self, slots={**self.slots, name: slot_value}, fill_order=order, misfit_answers=0
        )

    def without_slots(self, *names: str) -> Task:
        return replace(
            self,
            slots={n: v for n, v in self.slots.items() if n not in names},
            fill_order=tuple(n for n in self.fill_order if n not in names),
        )


@dataclass(frozen=True, slots=True)
class PendingAction:
    """An action under way. `step` is its place in the flow of the task on top."""

    call: ActionCall
    step_index: int
    start_turn: int  # the turn it was started in


@dataclass(frozen=True, slots=True)
class DeferredRequest:
    """Something the customer said that has to wait, and the turn it was said in."""

    understanding: Understanding
    at: float
    turn: int


@dataclass(frozen=True, slots=True)
class ActionRecord:
    """What the bank did or refused, for the summary."""

    turn: int
    action: str
    ok: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OfferOccasion:
    """An occasion to offer something; `offer` is empty when nothing was offered."""

    number: int
    offer_name: str
    turn: int
    outcome: OfferOutcome | Literal[""] = ""


@dataclass(frozen=True, slots=True)
class TurnQuote:
    """A line worth telling the person who takes over, and the turn it was said in."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class UnmetHandoff:
    """Nobody came for a hand-over of this urgency. `ticket` is what the call back is noted under,
    `when` says when somebody is there again; either may be empty. `at` is session seconds."""

    reason: UnavailableReason
    ticket: str
    next_opening: str
    urgency: Urgency
    at: float


@dataclass(frozen=True, slots=True)
class DialogueState:
    """Where the conversation stands. `tasks` is a stack: the last one is being done now."""

    question: Question = field(default_factory=Question)
    tasks: tuple[Task, ...] = ()
    pending_action: PendingAction | None = None
    queued_requests: tuple[
        DeferredRequest, ...
    ] = ()  # said while the bank was at work: met when it has answered
    further_requests: tuple[
        DeferredRequest, ...
    ] = ()  # asked for beside something else: met when nothing is begun
    keys_used: int = 0  # action keys given out so far
    uncertain_keys: Mapping[str, str] = field(
        default_factory=dict
    )  # what was tried -> key to try again
    identity_verified: bool = False
    identity_locked: bool = False  # identity could not be confirmed
    failed_verifications: int = 0
    customer_facts: Mapping[str, str] = field(
        default_factory=dict
    )  # customer, customer_name, tier, name
    request_in_question: DeferredRequest | None = (
        None  # what led to the question whether an intent is meant
    )
    misses: int = 0  # turns in a row that were not understood
    silences: int = 0
    person_requests: int = 0
    accepted_person_offer: bool = False
    waiting_for_person: bool = False  # a person has been asked for
    handoff_urgency: Urgency = ""
    unmet_handoff: UnmetHandoff | None = None  # when nobody came, until a person has been here
    active_causes: frozenset[str] = frozenset()  # escalation rules that are above their threshold
    last_apology_turn: int = 0  # the turn of the last apology
    apology_count: int = 0
    tone: Tone = "neutral"
    last_replies: tuple[Reply, ...] = ()
    customer_requests: tuple[TurnQuote, ...] = ()  # what the customer asked for, in their words
    action_records: tuple[ActionRecord, ...] = ()
    promises: tuple[TurnQuote, ...] = ()
    reply_count: int = 0  # replies so far: rotates the wordings
    last_task: Task | None = None  # what was finished last: "and in checking?" means it again
    offer_occasions: tuple[OfferOccasion, ...] = ()
    is_over: bool = False

    @property
    def task(self) -> Task | None:
        return self.tasks[-1] if self.tasks else None

    @property
    def flow_and_step(self) -> tuple[str, str]:
        """The flow and the step the customer is asked about now."""
        task = self.task
        is_named = self.question.kind in {"slot", "intent", "offer"}
        return (task.flow if task else "", self.question.name if is_named else self.question.kind)

    def with_task(self, task: Task) -> DialogueState:
        return replace(self, tasks=(*self.tasks[:-1], task))
