"""Everything that can happen to a session, and everything a session can ask for.

A recording is a list of `Input`s: there is no other way in, and `Effect`s are the only way out.
`at` is seconds since the session began, stamped once by whoever owns the socket. Positions are
sample indices at 16 kHz since the leg began. Asks, streams and turns are counters, so that a
session fed with the same inputs asks for the same things under the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent.core.turn_notes import Note
from audio.types import Expectation, Leg, Prosody, Samples, Transcript
from dialogs.values import ActionCall, ActionResult, Channel, Escalation, Reply, Understanding


@dataclass(frozen=True, slots=True)
class Customer:
    """Who the channel says is calling. A claim, not a verified identity."""

    id: str = ""
    name: str = ""


# -- Inputs ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """The first input. `legs` has one name for each audio channel, none for a chat."""

    at: float
    channel: Channel
    legs: tuple[Leg, ...] = ()
    speak: bool = False
    customer: Customer = Customer()


@dataclass(frozen=True, slots=True, eq=False)
class AudioReceived:
    """Whole voice hops of one leg: 512 samples for each probability in `speech`."""

    at: float
    leg: Leg
    samples: Samples
    speech_probabilities: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class TextReceived:
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class DigitsReceived:
    """Keys pressed on a telephone."""

    at: float
    digits: str


@dataclass(frozen=True, slots=True)
class PartialTextReceived:
    """The words so far of the turn on `stream`; later ones replace earlier ones."""

    at: float
    stream: int
    text: str


@dataclass(frozen=True, slots=True)
class TurnUnderstood:
    """A model's answer to an earlier `Understand`. Late answers are normal."""

    at: float
    request_id: int
    understanding: Understanding
    transcript: Transcript | None = None


@dataclass(frozen=True, slots=True)
class UnderstandingFailed:
    """A model did not answer: `why` is "late", "overloaded" or "failed"."""

    at: float
    request_id: int
    reason: Literal["late", "overloaded", "failed"]


@dataclass(frozen=True, slots=True)
class ActionCompleted:
    """How an `Act` ended."""

    at: float
    outcome: ActionResult


@dataclass(frozen=True, slots=True)
class SpeechSent:
    """The spoken form of a turn's replies is on its way and lasts `ms` milliseconds."""

    at: float
    turn: int
    sent_ms: int


@dataclass(frozen=True, slots=True)
class SpeechPlayed:
    """How much of a spoken reply the customer really heard, in milliseconds."""

    at: float
    turn: int
    played_ms: int


@dataclass(frozen=True, slots=True)
class ConsentChanged:
    at: float
    recording: bool
    emotion: bool


@dataclass(frozen=True, slots=True)
class PersonTookOver:
    """A person now owns the conversation; the session says nothing until `HandedBack`.

    A person takes over what is the bot's or waits in the queue; a supervisor also from a person.
    """

    at: float
    name: str
    role: Literal["person", "supervisor"] = "person"


@dataclass(frozen=True, slots=True)
class PersonTextReceived:
    """Words of the person who took over; of anybody else they are not passed on."""

    at: float
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class PersonHandedBack:
    """Who owned the conversation has given it back to us. Empty `name`: whoever it was."""

    at: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class PersonLost:
    """Who owned the conversation is gone without a word: somebody else is asked for."""

    at: float
    name: str


@dataclass(frozen=True, slots=True)
class PersonEndedSession:
    """Who owned the conversation has closed it. `outcome` is a word of theirs ("resolved")."""

    at: float
    name: str
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class HandoffQueued:
    """Where a hand-over stands: its place among those waiting, and the wait to expect."""

    at: float
    id: int
    position: int
    wait_s: int


@dataclass(frozen=True, slots=True)
class HandoffUnanswered:
    """Nobody comes for this hand-over. `ticket` is what a call back was noted under, `when` says
    in words when somebody is there again; both may be empty."""

    at: float
    id: int
    reason: Literal["closed", "nobody", "too_long"]
    ticket: str = ""
    next_opening: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The customer's connection is gone without a goodbye; it may come back."""

    at: float


@dataclass(frozen=True, slots=True)
class ConnectionResumed:
    """The customer's connection is back. `missed` is the sound that was lost meanwhile, in samples
    at 16 kHz, whole voice hops: positions of every leg go on after it."""

    at: float
    missed_samples: int = 0


@dataclass(frozen=True, slots=True)
class DeadlineReached:
    """`Session.deadline` has passed."""

    at: float


@dataclass(frozen=True, slots=True)
class CustomerLeft:
    """The customer's side is gone: "end" was said, or the socket closed."""

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
    """Audio of a turn in progress, for the encoder. The first one of a stream opens it."""

    stream: int
    leg: Leg
    start: int
    samples: Samples
    infer_emotion: bool  # may emotion be inferred here


@dataclass(frozen=True, slots=True)
class DiscardTurn:
    """What began on this stream was no speech."""

    stream: int


@dataclass(frozen=True, slots=True)
class UnderstandTurn:
    """Say what this turn means: of the audio on `stream`, or of `text`. Closes the stream."""

    request_id: int
    turn: int
    leg: Leg
    stream: int | None
    text: str
    expectation: Expectation
    context: str = ""  # what was asked of the customer: flow and step of the pack
    usual_prosody: Prosody | None = None  # how this customer sounded before
    spoke_until: int | None = None  # position where the voice of a spoken turn stopped
    previous_turns: tuple[str, ...] = ()  # the customer's turns before this one,
    previous_replies: tuple[str, ...] = (
        "",
    )  # what was answered before each of them, and before this one


@dataclass(frozen=True, slots=True)
class ShowPartialText:
    """Live words of a turn that is still going on."""

    turn: int
    leg: Leg
    text: str


@dataclass(frozen=True, slots=True)
class ShowTurn:
    """A turn has been understood. `understanding` is None on an employee's leg.

    `end` is the position up to which its leg had been heard when the turn was judged over; None
    when it was typed.
    """

    turn: int
    leg: Leg
    transcript: Transcript | None
    understanding: Understanding | None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class SayReplies:
    """Replies of one turn, to be shown, and spoken one after the other when `aloud`.

    `again`: they were shown before, and a noise interrupted their speech.
    """

    turn: int
    replies: tuple[Reply, ...]
    speak: bool
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class StopSpeech:
    """Stop speaking: the customer has begun to."""

    turn: int


@dataclass(frozen=True, slots=True)
class PerformAction:
    """Carry out an action at the bank and answer with `Acted`."""

    call: ActionCall


@dataclass(frozen=True, slots=True)
class UpdateHandoff:
    """Ask for a person, or tell how that stands."""

    id: int
    state: Literal["requested", "queued", "accepted", "ended", "callback"]
    escalation: Escalation
    position: int | None = None
    wait_s: int | None = None
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class AnnounceOwner:
    """Whom the customer talks to from now on. `name` is a person's, empty for us."""

    owner: Literal["bot", "queued", "person", "supervisor"]
    name: str = ""


@dataclass(frozen=True, slots=True)
class NotifyClient:
    """Something the client's developer or user should know; the session goes on."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ForwardPersonText:
    """Words of a person, for the customer."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class StoreNote:
    """Keep this beyond the conversation. It holds no more than the customer has agreed to."""

    note: Note


@dataclass(frozen=True, slots=True)
class CloseSession:
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
