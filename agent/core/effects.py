"""The effects of the sans-I/O session: all that a conversation can ask for.

There is no other way out. An effect says what is to be done, never how; a result comes back as an
input (agent/core/inputs.py). Positions are sample indices at 16 kHz since the leg began
(tests/agent/core/test_session.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent.core.turn_notes import Note
from audio.types import Expectation, Leg, Prosody, Samples, Transcript
from dialogs.values import ActionCall, Escalation, Reply, Understanding

Owner = Literal["bot", "queued", "person", "supervisor"]  # of a conversation


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
class ChangeConsent:
    """The customer has said what they consent to from now on, as `ConsentChanged` says it for a
    client."""

    recording: bool
    emotion: bool


@dataclass(frozen=True, slots=True)
class CloseSession:
    """Say goodbye to the client and close its connection; `code` is the websocket's close code.

    Whether the session is over is `Session.closed`, also when no connection is left to close.
    """

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
    | ChangeConsent
    | CloseSession
)
