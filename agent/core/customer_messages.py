"""Messages to the customer's client, as values that belong to no protocol.

Effects that concern the customer become these messages, numbered in the order of journal rows.
Rows keep them, a console reads them, the vault reveals private values in them, and each connection
encodes them for its own protocol (agent/wire). Held by tests/agent/core/test_customer_messages.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agent.core.effects import (
    AnnounceOwner,
    ChangeConsent,
    CloseSession,
    DiscardTurn,
    Effect,
    FeedEncoder,
    ForwardPersonText,
    NotifyClient,
    Owner,
    PerformAction,
    SayReplies,
    ShowPartialText,
    ShowTurn,
    StopSpeech,
    StoreNote,
    UnderstandTurn,
    UpdateHandoff,
)
from audio.types import AcousticCues, Leg, Transcript
from dialogs.values import Escalation, Reply, Understanding


@dataclass(frozen=True, slots=True)
class InterimTranscript:
    """Words so far of a turn that still goes on; a later one replaces it."""

    turn: int
    leg: Leg
    text: str


@dataclass(frozen=True, slots=True)
class FinalTranscript:
    """The words of a spoken turn. `turn_end` is the position at which turn-taking ended the turn,
    silence included, in samples at 16 kHz."""

    turn: int
    leg: Leg
    transcript: Transcript
    turn_end: int | None


@dataclass(frozen=True, slots=True)
class TurnCues:
    """How a spoken turn sounded."""

    turn: int
    cues: AcousticCues
    upset: float


@dataclass(frozen=True, slots=True)
class TurnMeaning:
    """What a turn was understood to mean: probabilities from 0 to 1, `sentiment` from -1 to 1."""

    turn: int
    intent: str
    confidence: float
    alternatives: tuple[tuple[str, float], ...]
    also: tuple[tuple[str, float], ...]  # further intents of the same turn
    possible: tuple[str, ...]
    sentiment: float | None
    upset: float
    upset_spread: float
    slots: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class BotReply:
    """One reply of ours."""

    turn: int
    reply: Reply


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """Speech of this turn's replies ends here: the customer has begun to speak."""

    turn: int


@dataclass(frozen=True, slots=True)
class HandoffStatus:
    """How a handoff stands. `wait_s` is the wait to expect, `ticket` that of a call back."""

    id: int
    state: Literal["requested", "queued", "accepted", "ended", "callback"]
    escalation: Escalation
    position: int | None = None
    wait_s: int | None = None
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class OwnerNotice:
    """Who talks with the customer from now on. `name` is a person's, empty for the bot."""

    owner: Owner
    name: str = ""


@dataclass(frozen=True, slots=True)
class ClientNotice:
    """Something the client's developer or user should know; the conversation goes on."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class PersonText:
    """Words of a person who took over."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The conversation is over."""

    reason: str


CustomerMessage = (
    InterimTranscript
    | FinalTranscript
    | TurnCues
    | TurnMeaning
    | BotReply
    | SpeechStopped
    | HandoffStatus
    | OwnerNotice
    | ClientNotice
    | PersonText
    | Goodbye
)


@dataclass(frozen=True, slots=True)
class SequencedMessage:
    """A message with its number in the conversation, from 1, and its session second."""

    seq: int
    at: float
    message: CustomerMessage


def messages_of(effects: Sequence[Effect]) -> list[list[CustomerMessage]]:
    """The messages of each effect, in order; none for effects that do not concern the customer."""
    return [_messages_of_effect(effect) for effect in effects]


def _messages_of_effect(effect: Effect) -> list[CustomerMessage]:
    match effect:
        case ShowPartialText(turn, leg, text):
            return [InterimTranscript(turn, leg, text)]
        case ShowTurn():
            return _turn_messages(effect)
        case SayReplies(is_repeat=True):
            return []
        case SayReplies(turn, replies):
            return [BotReply(turn, reply) for reply in replies]
        case StopSpeech(turn):
            return [SpeechStopped(turn)]
        case UpdateHandoff(id, state, escalation, position, wait_s, ticket):
            return [HandoffStatus(id, state, escalation, position, wait_s, ticket)]
        case AnnounceOwner(owner, name):
            return [OwnerNotice(owner, name)]
        case NotifyClient(code, text):
            return [ClientNotice(code, text)]
        case ForwardPersonText(name, text):
            return [PersonText(name, text)]
        case CloseSession(_, reason):
            return [Goodbye(reason)]
        case ChangeConsent(recording, emotion):
            recorded, felt = ("on" if one else "off" for one in (recording, emotion))
            return [ClientNotice("consent", f"Recording is {recorded}, emotion is {felt}.")]
        case FeedEncoder() | DiscardTurn() | UnderstandTurn() | PerformAction() | StoreNote():
            return []


def _turn_messages(effect: ShowTurn) -> list[CustomerMessage]:
    messages: list[CustomerMessage] = []
    if effect.transcript is not None:
        messages.append(FinalTranscript(effect.turn, effect.leg, effect.transcript, effect.end))
    if (understanding := effect.understanding) is not None:
        if understanding.cues is not None:
            messages.append(TurnCues(effect.turn, understanding.cues, understanding.upset))
        messages.append(_turn_meaning(effect.turn, understanding))
    return messages


def _turn_meaning(turn: int, understanding: Understanding) -> TurnMeaning:
    return TurnMeaning(
        turn,
        understanding.intent,
        understanding.confidence,
        understanding.alternatives,
        tuple((one.intent, one.confidence) for one in understanding.also),
        understanding.possible,
        understanding.sentiment,
        understanding.upset,
        understanding.upset_spread,
        tuple((slot.name, slot.value) for slot in understanding.slots if not slot.problem),
    )
