"""The inputs and effects of the sans-I/O session: all that can happen, all it can ask for.

A recording is a list of `Input`s: there is no other way in, and `Effect`s are the only way out.
`at` is seconds since the session began, stamped once by the owner of the socket. Positions are
sample indices at 16 kHz since the leg began. Request ids, streams and turns are counters, so that
the same inputs lead to the same effects under the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent.core.turn_notes import Note
from audio.types import Expectation, Leg, Prosody, Samples, Transcript
from dialogs.values import (
    ActionCall,
    ActionResult,
    Channel,
    ConsoleRole,
    Escalation,
    Reply,
    UnavailableReason,
    Understanding,
)

FailureReason = Literal["late", "overloaded", "failed"]  # why the models did not answer
Owner = Literal["bot", "queued", "person", "supervisor"]  # of a conversation


@dataclass(frozen=True, slots=True)
class Customer:
    """The customer as the channel names them. A claim, not a verified identity."""

    id: str = ""
    name: str = ""


# -- Inputs ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """The session begins: always the first input.

    `legs` has one name for each audio channel, none for a chat; `speak`: replies are spoken.
    """

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
    """The models' answer to an earlier `UnderstandTurn`. Late answers are normal.

    `transcript` is None for a typed turn.
    """

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
    """A person now owns the conversation; the bot says nothing until `PersonHandedBack`.

    A person takes over from the bot or from the queue; a supervisor also from a person.
    """

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
    """No person takes this handoff. `ticket` is the id of the call-back ticket, `next_opening` says
    in words when a person is available again; both may be empty."""

    at: float
    id: int
    reason: UnavailableReason
    ticket: str = ""
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
    | ConnectionLost
    | ConnectionResumed
    | DeadlineReached
    | CustomerLeft
)

# -- Effects -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class FeedEncoder:
    """Audio of a turn in progress, for the encoder. The first one of a stream opens it.

    `start` is the position of its first sample.
    """

    stream: int
    leg: Leg
    start: int
    samples: Samples
    infer_emotion: bool  # whether emotion may be inferred from it


@dataclass(frozen=True, slots=True)
class DiscardTurn:
    """Close this stream unanswered: what began there was no speech, or the session is over."""

    stream: int


@dataclass(frozen=True, slots=True)
class UnderstandTurn:
    """Ask the models what this turn means: the audio on `stream`, or `text` when that is None.
    Closes the stream."""

    request_id: int
    turn: int
    leg: Leg
    stream: int | None
    text: str
    expectation: Expectation
    context: str = ""  # what the customer was asked: flow and step of the pack, "flow/step"
    usual_prosody: Prosody | None = None  # mean prosody of this customer's turns so far
    spoke_until: int | None = None  # position where the voice of a spoken turn stopped
    previous_turns: tuple[str, ...] = ()  # the customer's turns before this one, oldest first
    # replies before each of those and before this one: one longer
    previous_replies: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True)
class ShowPartialText:
    """Show the words so far of a turn that is still going on."""

    turn: int
    leg: Leg
    text: str


@dataclass(frozen=True, slots=True)
class ShowTurn:
    """Show a turn that has been understood. `understanding` is None on an employee's leg.

    `end` is the position at which turn-taking ended the turn, trailing silence included; None for a
    typed turn.
    """

    turn: int
    leg: Leg
    transcript: Transcript | None
    understanding: Understanding | None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class SayReplies:
    """Show the replies of one turn, and when `speak` also speak them one after the other.

    `is_repeat`: they were shown before and are only spoken again, after a noise or a lost
    connection interrupted their speech.
    """

    turn: int
    replies: tuple[Reply, ...]
    speak: bool
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class StopSpeech:
    """Stop speaking the replies of this turn and earlier ones: the customer barged in."""

    turn: int


@dataclass(frozen=True, slots=True)
class PerformAction:
    """Carry out an action in the back end; its result comes back as `ActionCompleted`."""

    call: ActionCall


@dataclass(frozen=True, slots=True)
class UpdateHandoff:
    """Request a handoff to a person ("requested"), or report its new state.

    `position` and `wait_s` are set for "queued", `ticket` for "callback".
    """

    id: int
    state: Literal["requested", "queued", "accepted", "ended", "callback"]
    escalation: Escalation
    position: int | None = None
    wait_s: int | None = None
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class AnnounceOwner:
    """Announce the new owner of the conversation. `name` is the person's, empty for the bot."""

    owner: Owner
    name: str = ""


@dataclass(frozen=True, slots=True)
class NotifyClient:
    """Notify the client's developer or user of a problem; the session goes on."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ForwardPersonText:
    """Forward a person's text to the customer."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class StoreNote:
    """Store a note beyond the conversation. It holds no more than the customer consented to."""

    note: Note


@dataclass(frozen=True, slots=True)
class CloseSession:
    """End the session and close the connection. `code` is the websocket's close code."""

    code: int
    reason: str


Effect = (
    FeedEncoder
    | DiscardTurn
    | UnderstandTurn
    | ShowPartialText
    | ShowTurn
    | SayReplies
    | StopSpeech
    | PerformAction
    | UpdateHandoff
    | AnnounceOwner
    | NotifyClient
    | ForwardPersonText
    | StoreNote
    | CloseSession
)
