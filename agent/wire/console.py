"""Codec of the console protocol, by which people take over conversations.

Consoles send JSON text messages and, on voice sessions, binary frames of PCM16 at 16 kHz. `decode`
raises nothing but `WireError`, whatever the bytes (tests/agent/wire/test_console.py); a mistake
that cannot be mended carries a close code.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from agent.wire.messages import MAX_TEXT, WITHOUT_CONTROLS, Count, ProtocolVersion, WireMessage
from agent.wire.parsing import (
    CLOSE_NOT_ALLOWED,
    AudioFrames,
    WireError,
    explain_errors,
    parse_hello,
    parse_object,
)

SAMPLE_BYTES = 2  # bytes of a sample

ClosingOutcome = Literal["resolved", "follow_up", "passed_on", "not_reached", "other"]
CLOSING_OUTCOMES: tuple[ClosingOutcome, ...] = get_args(ClosingOutcome)

CallBackOutcome = Literal["reached", "not_reached"]
PersonName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60), WITHOUT_CONTROLS
]
SessionId = Annotated[str, StringConstraints(min_length=1, max_length=64), WITHOUT_CONTROLS]
ConsoleText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT),
    WITHOUT_CONTROLS,
]


class ConsoleHello(WireMessage):
    """The first message. A person's role follows from the token."""

    type: Literal["hello"]
    protocol: ProtocolVersion
    name: PersonName
    token: Annotated[str, Field(max_length=400)]


class WatchMessage(WireMessage):
    """Follow a conversation without taking it over, instead of the one followed before."""

    type: Literal["watch"]
    session: SessionId


class UnwatchMessage(WireMessage):
    """Stop following a conversation."""

    type: Literal["unwatch"]


class AcceptMessage(WireMessage):
    """Accept a handoff from the queue; of several people who try, one gets it."""

    type: Literal["accept"]
    session: SessionId
    id: Annotated[Count, Field(ge=1)]


class SayMessage(WireMessage):
    """Text for the customer, from the person who owns the conversation."""

    type: Literal["say"]
    session: SessionId
    text: ConsoleText


class HandBackMessage(WireMessage):
    """Give the conversation back to the bot."""

    type: Literal["hand_back"]
    session: SessionId


class CloseMessage(WireMessage):
    """End the conversation, with its outcome."""

    type: Literal["close"]
    session: SessionId
    outcome: ClosingOutcome


class TakeOverMessage(WireMessage):
    """A supervisor takes over a conversation from the bot, the queue or a person."""

    type: Literal["take_over"]
    session: SessionId


class WhisperMessage(WireMessage):
    """Text from a supervisor to the person who owns the conversation; never to the customer."""

    type: Literal["whisper"]
    session: SessionId
    text: ConsoleText


class VoiceMessage(WireMessage):
    """Start or stop speaking with the customer; later binary frames belong to this session."""

    type: Literal["voice"]
    session: SessionId
    on: bool


class CallBackDoneMessage(WireMessage):
    """The customer of this ticket was called back, or tried in vain: nothing is left to do."""

    type: Literal["call_back_done"]
    ticket: Annotated[str, StringConstraints(min_length=1, max_length=20), WITHOUT_CONTROLS]
    outcome: CallBackOutcome = "reached"


ConsoleMessage = (
    WatchMessage
    | UnwatchMessage
    | AcceptMessage
    | SayMessage
    | HandBackMessage
    | CloseMessage
    | TakeOverMessage
    | WhisperMessage
    | VoiceMessage
    | CallBackDoneMessage
)
_CONSOLE_MESSAGE_JSON = TypeAdapter[ConsoleMessage](
    Annotated[ConsoleMessage, Field(discriminator="type")],
)


class ConsoleWire:
    """One console's side of the protocol. Before `hello` is accepted, nothing else is."""

    def __init__(self) -> None:
        self.hello: ConsoleHello | None = None
        self._rest = b""

    def decode(self, message: str | bytes) -> ConsoleHello | ConsoleMessage | AudioFrames:
        """One decoded websocket message; WireError when it cannot be accepted."""
        if isinstance(message, bytes):
            return self._take_audio(message)
        fields = parse_object(message)
        if self.hello is None:
            self.hello = parse_hello(fields, ConsoleHello)
            return self.hello
        if fields.get("type") == "hello":
            raise WireError("hello_twice", "hello was sent already; open a new connection instead.")
        try:
            return _CONSOLE_MESSAGE_JSON.validate_json(json.dumps(fields))
        except ValidationError as wrong:
            raise WireError("bad_message", explain_errors(wrong)) from None

    def _take_audio(self, data: bytes) -> AudioFrames:
        """Binary frames are one byte stream: half a sample is joined with the next frame."""
        if self.hello is None:
            raise WireError(
                "hello_first", "Audio came before hello. Send hello.", CLOSE_NOT_ALLOWED
            )
        data = self._rest + data
        whole = len(data) // SAMPLE_BYTES * SAMPLE_BYTES
        self._rest = data[whole:]
        return AudioFrames(data[:whole])


def console_message(type: str, /, **fields: object) -> str:
    """A message for a console; fields that are None are left out."""
    values = {name: value for name, value in fields.items() if value is not None}
    return json.dumps({"type": type} | values, ensure_ascii=False)


def error_message(mistake: WireError) -> str:
    """The message that reports a console's mistake."""
    return console_message("error", code=mistake.code, message=mistake.message)
