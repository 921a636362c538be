"""The inputs of the sans-I/O session: all that can happen to a conversation.

There is no other way in: a recording is a list of `Input`s. `at` is seconds since the session
began, stamped once by the owner of the socket. Request ids, streams and turns are counters, so that
the same inputs lead to the same effects under the same numbers (tests/agent/core/test_session.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from audio.types import Leg, Samples, Transcript
from dialogs.values import ActionResult, Channel, ConsoleRole, UnavailableReason, Understanding

FailureReason = Literal["late", "overloaded", "failed"]  # why the models did not answer


@dataclass(frozen=True, slots=True)
class Customer:
    """The customer as the channel names them. A claim, not a verified identity."""

    id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """The session begins: always the first input. `legs` has one name for each audio channel, none
    for a chat; `speak`: replies are spoken."""

    at: float
    channel: Channel
    legs: tuple[Leg, ...] = ()
    speak: bool = False
    customer: Customer = Customer()


@dataclass(frozen=True, slots=True, eq=False)
class AudioReceived:
    """Whole voice hops of one leg: 512 samples for each of `speech_probabilities`."""

    at: float
    leg: Leg
    samples: Samples
    speech_probabilities: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class TextReceived:
    """Text the customer typed."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class DigitsReceived:
    """Keys pressed on a telephone."""

    at: float
    digits: str


@dataclass(frozen=True, slots=True)
class PartialTextReceived:
    """The words so far of the turn on `stream`; a later text replaces an earlier one."""

    at: float
    stream: int
    text: str


@dataclass(frozen=True, slots=True)
class TurnUnderstood:
    """The models' answer to an earlier `UnderstandTurn`. Late answers are normal. `transcript` is
    None for a typed turn."""

    at: float
    request_id: int
    understanding: Understanding
    transcript: Transcript | None = None


@dataclass(frozen=True, slots=True)
class UnderstandingFailed:
    """The models did not answer an `UnderstandTurn`, for this `reason`."""

    at: float
    request_id: int
    reason: FailureReason


@dataclass(frozen=True, slots=True)
class ActionCompleted:
    """The result of a `PerformAction`."""

    at: float
    outcome: ActionResult


@dataclass(frozen=True, slots=True)
class SpeechSent:
    """`sent_ms` milliseconds of a turn's spoken replies have been sent to the client so far."""

    at: float
    turn: int
    sent_ms: int


@dataclass(frozen=True, slots=True)
class SpeechPlayed:
    """The client has played a spoken reply, `played_ms` milliseconds of it."""

    at: float
    turn: int
    played_ms: int


@dataclass(frozen=True, slots=True)
class ConsentChanged:
    """What the customer consents to from now on."""

    at: float
    recording: bool
    emotion: bool


@dataclass(frozen=True, slots=True)
class PersonTookOver:
    """A person now owns the conversation; the bot says nothing until `PersonHandedBack`. A person
    takes over from the bot or from the queue; a supervisor also from a person."""

    at: float
    name: str
    role: ConsoleRole = "person"


@dataclass(frozen=True, slots=True)
class PersonTextReceived:
    """Text from a person at a console; ignored unless this person owns the conversation."""

    at: float
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class PersonHandedBack:
    """The owner has given the conversation back to the bot. Empty `name`: whoever owns it."""

    at: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class PersonLost:
    """The owner's console is gone and did not return: the open handoffs are requested again."""

    at: float
    name: str


@dataclass(frozen=True, slots=True)
class PersonEndedSession:
    """The owner has ended the conversation. `outcome` is the person's word ("resolved")."""

    at: float
    name: str
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class HandoffQueued:
    """A handoff's position in the queue, and the expected wait in seconds."""

    at: float
    id: int
    position: int
    wait_s: int


@dataclass(frozen=True, slots=True)
class HandoffUnanswered:
    """No person takes this handoff. `ticket` is that of a promised call back, `next_opening` says
    in words when a person is available again; both may be empty."""

    at: float
    id: int
    reason: UnavailableReason
    ticket: str = ""
    next_opening: str = ""


@dataclass(frozen=True, slots=True)
class AvailabilityChanged:
    """Whether a person could take over from now on; `next_opening` says in words when one can, if
    known. Nothing is said; it decides what the bot may offer."""

    at: float
    available: bool
    next_opening: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The customer's connection broke off without an end message; it may be resumed."""

    at: float


@dataclass(frozen=True, slots=True)
class ConnectionResumed:
    """The customer's connection is back. `missed_samples` is the audio lost meanwhile, in samples
    at 16 kHz, whole voice hops: positions of every leg go on after it."""

    at: float
    missed_samples: int = 0


@dataclass(frozen=True, slots=True)
class DeadlineReached:
    """`Session.deadline` has passed."""

    at: float


@dataclass(frozen=True, slots=True)
class CustomerLeft:
    """The customer has left: the client sent an end message (`sent_end`), or the resume window
    passed without a new connection."""

    at: float
    sent_end: bool = False


Input = (
    SessionOpened
    | AudioReceived
    | TextReceived
    | DigitsReceived
    | PartialTextReceived
    | TurnUnderstood
    | UnderstandingFailed
    | ActionCompleted
    | SpeechSent
    | SpeechPlayed
    | ConsentChanged
    | PersonTookOver
    | PersonTextReceived
    | PersonHandedBack
    | PersonLost
    | PersonEndedSession
    | HandoffQueued
    | HandoffUnanswered
    | AvailabilityChanged
    | ConnectionLost
    | ConnectionResumed
    | DeadlineReached
    | CustomerLeft
)
