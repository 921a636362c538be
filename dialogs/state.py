"""Frozen dialogue state, all that a conversation needs to decide its next step; and the decision.

Each turn makes a new state. A task keeps its slots until it is completed, so that an
interruption, a correction or a handoff loses nothing. Held by
tests/dialogs/test_dialogue_laws.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from audio.types import Expectation
from dialogs.values import (
    ActionCall,
    Consent,
    Escalation,
    Evidence,
    OfferAnswered,
    OfferMade,
    OfferOutcome,
    PrivacyConsent,
    Reply,
    RuleScore,
    Tone,
    UnavailableReason,
    Understanding,
    Urgency,
)

StandingUrgency = Urgency | Literal[""]  # of the handoff that is requested; empty: none
QuestionKind = Literal[
    "open", "more", "slot", "confirm", "change", "intent", "which", "menu", "person", "resume",
    "waiting", "offer", "callback",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """The open question to the customer. `name` is a slot, an intent or an offer; `reply`
    names the pack's reply that asks it; `options` are the intents of a "which"; `values` are those
    that a read-back of `flow` named, by slot or result."""

    kind: QuestionKind = "open"
    name: str = ""
    reply: str = "open"
    expectation: Expectation = field(default_factory=Expectation)
    options: tuple[str, ...] = ()
    flow: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SlotValue:
    """A slot's value with the words and the turn it came from; turn 0 for a default."""

    value: str
    text: str = ""
    turn: int = 0


@dataclass(frozen=True, slots=True)
class GivenConsent:
    """A consent to a task's next effects, for the values that were read back and no others."""

    consent: Consent
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Task:
    """One flow in progress. `fill_order` is the slots in the order they were filled."""

    flow: str
    slots: Mapping[str, SlotValue] = field(default_factory=dict)
    fill_order: tuple[str, ...] = ()
    finished_steps: frozenset[int] = frozenset()  # indexes of finished say, do and confirm steps
    # name -> value, type
    result_values: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    misfit_answers: int = 0  # answers in a row that did not fit the question
    refusals: int = 0  # refusals by the back end
    start_turn: int = 0  # turn of the request
    request_text: str = ""  # the customer's words
    offer_number: int = 0  # number of the accepted offer that started it, 0 for none
    # slots that the customer spoke of without a value that can be used: never filled by a default
    open_slots: frozenset[str] = frozenset()
    undo_of: str = ""  # key of the action that it undoes, empty for none
    # index of the step that asked for it -> consent
    consents: Mapping[int, GivenConsent] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, str]:
        """The values of its slots and of the results of its actions, by name."""
        results = {name: value for name, (value, _) in self.result_values.items()}
        return results | {name: filled.value for name, filled in self.slots.items()}

    def with_slot(self, name: str, slot_value: SlotValue) -> Task:
        """The task with this slot filled; the count of misfit answers restarts."""
        order = (*(n for n in self.fill_order if n != name), name)
        return replace(
            self,
            slots={**self.slots, name: slot_value},
            fill_order=order,
            misfit_answers=0,
            open_slots=self.open_slots - {name},
        )

    def with_open_slots(self, *names: str) -> Task:
        """The task with these slots empty, to be asked for and never filled by a default."""
        return replace(self.without_slots(*names), open_slots=self.open_slots | set(names))

    def without_slots(self, *names: str) -> Task:
        """The task with these slots empty."""
        return replace(
            self,
            slots={n: v for n, v in self.slots.items() if n not in names},
            fill_order=tuple(n for n in self.fill_order if n not in names),
        )


@dataclass(frozen=True, slots=True)
class PendingAction:
    """A running action. `step_index` is its step in the flow of the task on top."""

    call: ActionCall
    step_index: int
    start_turn: int  # turn in which the action started


@dataclass(frozen=True, slots=True)
class DeferredRequest:
    """A request that is answered later, with the time and number of its turn."""

    understanding: Understanding
    at: float
    turn: int


@dataclass(frozen=True, slots=True)
class ActionRecord:
    """An action that the back end did or refused, for the summary."""

    turn: int
    action: str
    ok: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DoneAction:
    """An action that changed something, with what it was done with: its task as it was then."""

    key: str
    step_index: int
    task: Task
    turn: int
    is_undone: bool = False


@dataclass(frozen=True, slots=True)
class OfferOccasion:
    """An occasion for an offer; `offer_name` is empty when none was made."""

    number: int
    offer_name: str
    turn: int
    outcome: OfferOutcome | Literal[""] = ""


@dataclass(frozen=True, slots=True)
class TurnQuote:
    """A quoted line for the handoff summary, and its turn."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class UnmetHandoff:
    """A handoff of this urgency that no person took. `ticket` is the number of the call-back,
    `next_opening` says in words when a person is available; either may be empty. `at` is in
    seconds of the session."""

    reason: UnavailableReason
    ticket: str
    next_opening: str
    urgency: StandingUrgency
    at: float


@dataclass(frozen=True, slots=True)
class PeopleAvailability:
    """Whether a person could take over now; `next_opening` says in words when one can, if known."""

    is_available: bool = True
    next_opening: str = ""


@dataclass(frozen=True, slots=True)
class CareSignal:
    """Danger or distress recognised in a turn: the kind of care.yaml, the words, the time in
    seconds of the session. It is open until the customer takes it back or a person has handed
    the conversation back."""

    kind: str
    turn: int
    at: float
    words: str
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class DialogueState:
    """State of one conversation. `tasks` is a stack: the last one is active."""

    question: Question = field(default_factory=Question)
    tasks: tuple[Task, ...] = ()
    pending_action: PendingAction | None = None
    # made while an action ran: answered after its result
    queued_requests: tuple[DeferredRequest, ...] = ()
    # of turns with several: answered when no task is left
    further_requests: tuple[DeferredRequest, ...] = ()
    keys_used: int = 0  # number of action keys issued
    # attempted action -> key for a retry
    uncertain_keys: Mapping[str, str] = field(default_factory=dict)
    identity_verified: bool = False
    identity_locked: bool = False  # identity could not be confirmed
    failed_verifications: int = 0
    # customer, customer_name, tier, name
    customer_facts: Mapping[str, str] = field(default_factory=dict)
    # parts of an identity that were given and not yet checked, by slot: kept through any digression
    identity_claims: Mapping[str, SlotValue] = field(default_factory=dict)
    request_in_question: DeferredRequest | None = None  # request that the open question is about
    misses: int = 0  # turns that were not understood since the last progress
    stalled_turns: int = 0  # turns of the customer in a row that led nowhere
    # flows begun since the last progress in one: begun again, they lead nowhere
    flows_begun: frozenset[str] = frozenset()
    has_declined_person: bool = False
    people: PeopleAvailability = PeopleAvailability()
    is_callback_due: bool = False  # to be offered when no task is in progress
    has_declined_callback: bool = False
    callback_ticket: str = ""  # of the call back that was promised
    silences: int = 0
    is_on_hold: bool = False  # the customer asked for a moment; the open question waits
    person_requests: int = 0
    accepted_person_offer: bool = False
    waiting_for_person: bool = False  # a handoff has been requested
    handoff_urgency: StandingUrgency = ""
    unmet_handoff: UnmetHandoff | None = None  # until a person has joined
    # causes above the threshold of their escalation rule
    active_causes: frozenset[str] = frozenset()
    last_apology_turn: int = 0  # 0 for none
    apology_count: int = 0
    tone: Tone = "neutral"
    last_replies: tuple[Reply, ...] = ()
    recent_texts: tuple[
        str, ...
    ] = ()  # of the replies before this turn: not said again as they are
    customer_requests: tuple[TurnQuote, ...] = ()  # quoted
    action_records: tuple[ActionRecord, ...] = ()
    done_actions: tuple[DoneAction, ...] = ()  # oldest first
    # made while an action ran: to stop or correct it
    stop_request: DeferredRequest | None = None
    promises: tuple[TurnQuote, ...] = ()
    reply_count: int = 0  # rotates the wordings
    last_task: Task | None = None  # last completed: "and in checking?" repeats it
    offer_occasions: tuple[OfferOccasion, ...] = ()
    privacy_consent: PrivacyConsent = PrivacyConsent()  # what the customer agrees to
    other_language: str = ""  # ISO 639-1, of the customer's turns that were not in the pack's own
    care_signals: tuple[CareSignal, ...] = ()  # in the order they were recognised
    is_paused: bool = False  # by care, until the customer says something else
    is_money_locked: bool = False  # by care, until a person hands the conversation back
    is_over: bool = False

    @property
    def task(self) -> Task | None:
        """The active task; None when there is none."""
        return self.tasks[-1] if self.tasks else None

    @property
    def flow_and_step(self) -> tuple[str, str]:
        """The flow and the step of the open question, for the record of the turn."""
        task = self.task
        is_named = self.question.kind in {"slot", "intent", "offer"}
        return (task.flow if task else "", self.question.name if is_named else self.question.kind)

    def with_task(self, task: Task) -> DialogueState:
        """The state with the active task replaced by `task`."""
        return replace(self, tasks=(*self.tasks[:-1], task))


def with_fresh_patience(state: DialogueState) -> DialogueState:
    """The state with no turn counted that was not understood or led nowhere."""
    return replace(state, misses=0, stalled_turns=0, flows_begun=frozenset())


@dataclass(frozen=True, slots=True)
class Decision:
    """Result of one dialogue event. It has no effects until the session carries them out."""

    state: DialogueState
    replies: tuple[Reply, ...] = ()
    expectation: Expectation = field(default_factory=Expectation)
    action_call: ActionCall | None = None
    escalation: Escalation | None = None
    evidence: tuple[Evidence, ...] = ()
    rule_scores: tuple[RuleScore, ...] = ()
    offers: tuple[OfferMade | OfferAnswered, ...] = ()
    # what the customer agrees to from now on, if they have changed it
    privacy_consent: PrivacyConsent | None = None
    withdraws_handoff: bool = False  # the person who was called is not needed any more
    ends_session: bool = False
