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
from dialogs.values import ActionCall, Channel, Escalation, Outcome, Reply, Understanding


@dataclass(frozen=True, slots=True)
class Customer:
    """Who the channel says is calling. A claim, not a verified identity."""

    id: str = ""
    name: str = ""


# -- Inputs ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """The first input. `legs` has one name for each audio channel, none for a chat."""

    at: float
    channel: Channel
    legs: tuple[Leg, ...] = ()
    speak: bool = False
    customer: Customer = Customer()


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Whole voice hops of one leg: 512 samples for each probability in `speech`."""

    at: float
    leg: Leg
    samples: Samples
    speech: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Typed:
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Digits:
    """Keys pressed on a telephone."""

    at: float
    digits: str


@dataclass(frozen=True, slots=True)
class Partial:
    """The words so far of the turn on `stream`; later ones replace earlier ones."""

    at: float
    stream: int
    text: str


@dataclass(frozen=True, slots=True)
class Understood:
    """A model's answer to an earlier `Understand`. Late answers are normal."""

    at: float
    ask: int
    result: Understanding
    transcript: Transcript | None = None


@dataclass(frozen=True, slots=True)
class Missed:
    """A model did not answer: `why` is "late", "overloaded" or "failed"."""

    at: float
    ask: int
    why: Literal["late", "overloaded", "failed"]


@dataclass(frozen=True, slots=True)
class Acted:
    """How an `Act` ended."""

    at: float
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Speaking:
    """The spoken form of a turn's replies is on its way and lasts `ms` milliseconds."""

    at: float
    turn: int
    ms: int


@dataclass(frozen=True, slots=True)
class Played:
    """How much of a spoken reply the customer really heard, in milliseconds."""

    at: float
    turn: int
    ms: int


@dataclass(frozen=True, slots=True)
class Consented:
    at: float
    recording: bool
    emotion: bool


@dataclass(frozen=True, slots=True)
class TookOver:
    """A person now owns the conversation; the session says nothing until `HandedBack`.

    A person takes over what is the bot's or waits in the queue; a supervisor also from a person.
    """

    at: float
    name: str
    role: Literal["person", "supervisor"] = "person"


@dataclass(frozen=True, slots=True)
class Said:
    """Words of the person who took over; of anybody else they are not passed on."""

    at: float
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class HandedBack:
    """Who owned the conversation has given it back to us. Empty `name`: whoever it was."""

    at: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class Abandoned:
    """Who owned the conversation is gone without a word: somebody else is asked for."""

    at: float
    name: str


@dataclass(frozen=True, slots=True)
class Finished:
    """Who owned the conversation has closed it. `outcome` is a word of theirs ("resolved")."""

    at: float
    name: str
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Queued:
    """Where a hand-over stands: its place among those waiting, and the wait to expect."""

    at: float
    id: int
    position: int
    wait_s: int


@dataclass(frozen=True, slots=True)
class Unreached:
    """Nobody comes for this hand-over. `ticket` is what a call back was noted under, `when` says
    in words when somebody is there again; both may be empty."""

    at: float
    id: int
    why: Literal["closed", "nobody", "too_long"]
    ticket: str = ""
    when: str = ""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The customer's connection is gone without a goodbye; it may come back."""

    at: float


@dataclass(frozen=True, slots=True)
class Resumed:
    """The customer's connection is back. `missed` is the sound that was lost meanwhile, in samples
    at 16 kHz, whole voice hops: positions of every leg go on after it."""

    at: float
    missed: int = 0


@dataclass(frozen=True, slots=True)
class Tick:
    """`Session.deadline` has passed."""

    at: float


@dataclass(frozen=True, slots=True)
class Left:
    """The customer's side is gone: "end" was said, or the socket closed."""

    at: float
    said_end: bool = False


Input = (
    Opened
    | Heard
    | Typed
    | Digits
    | Partial
    | Understood
    | Missed
    | Acted
    | Speaking
    | Played
    | Consented
    | TookOver
    | Said
    | HandedBack
    | Abandoned
    | Finished
    | Queued
    | Unreached
    | Dropped
    | Resumed
    | Tick
    | Left
)

# -- Effects -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Listen:
    """Audio of a turn in progress, for the encoder. The first one of a stream opens it."""

    stream: int
    leg: Leg
    start: int
    samples: Samples
    feel: bool  # may emotion be inferred here


@dataclass(frozen=True, slots=True)
class Forget:
    """What began on this stream was no speech."""

    stream: int


@dataclass(frozen=True, slots=True)
class Understand:
    """Say what this turn means: of the audio on `stream`, or of `text`. Closes the stream."""

    ask: int
    turn: int
    leg: Leg
    stream: int | None
    text: str
    expect: Expectation
    context: str = ""  # what was asked of the customer: flow and step of the pack
    usual: Prosody | None = None  # how this customer sounded before
    spoke_until: int | None = None  # position where the voice of a spoken turn stopped
    said: tuple[str, ...] = ()  # the customer's turns before this one,
    told: tuple[str, ...] = ("",)  # what was answered before each of them, and before this one


@dataclass(frozen=True, slots=True)
class Caption:
    """Live words of a turn that is still going on."""

    turn: int
    leg: Leg
    text: str


@dataclass(frozen=True, slots=True)
class Show:
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
class Say:
    """Replies of one turn, to be shown, and spoken one after the other when `aloud`.

    `again`: they were shown before, and a noise interrupted their speech.
    """

    turn: int
    replies: tuple[Reply, ...]
    aloud: bool
    again: bool = False


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop speaking: the customer has begun to."""

    turn: int


@dataclass(frozen=True, slots=True)
class Act:
    """Carry out an action at the bank and answer with `Acted`."""

    call: ActionCall


@dataclass(frozen=True, slots=True)
class HandOver:
    """Ask for a person, or tell how that stands."""

    id: int
    state: Literal["requested", "queued", "accepted", "ended", "callback"]
    escalation: Escalation
    position: int | None = None
    wait_s: int | None = None
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Owned:
    """Whom the customer talks to from now on. `name` is a person's, empty for us."""

    owner: Literal["bot", "queued", "person", "supervisor"]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Notify:
    """Something the client's developer or user should know; the session goes on."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Relay:
    """Words of a person, for the customer."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Remember:
    """Keep this beyond the conversation. It holds no more than the customer has agreed to."""

    note: Note


@dataclass(frozen=True, slots=True)
class Close:
    code: int
    reason: str


Effect = (
    Listen
    | Forget
    | Understand
    | Caption
    | Show
    | Say
    | Hush
    | Act
    | HandOver
    | Owned
    | Notify
    | Relay
    | Remember
    | Close
)
