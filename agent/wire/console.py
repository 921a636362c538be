"""What may a console say, and what is it told?

The people who take over speak to us by JSON text messages and, on voice sessions, binary frames
of PCM16 at 16 kHz. `decode` never raises anything but `WireError`, whatever the bytes
(tests/agent/wire/test_console.py); what cannot be mended carries a close code.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from agent.wire.messages import Message
from agent.wire.native import NOT_ALLOWED, Sound, WireError, explain, first, parse

WIDTH = 2  # bytes of a sample

Role = Literal["person", "supervisor"]
Outcome = Literal["resolved", "follow_up", "passed_on", "not_reached", "other"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
SessionId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]


class ConsoleHello(Message):
    """The first message. Which role somebody has follows from their token."""

    type: Literal["hello"]
    protocol: Literal[1]
    name: Name
    token: Annotated[str, Field(max_length=400)]


class Watch(Message):
    """Follow a conversation without taking it, instead of the one followed before."""

    type: Literal["watch"]
    session: SessionId


class Unwatch(Message):
    type: Literal["unwatch"]


class Accept(Message):
    """Take a hand-over from the queue; of several who try, one gets it."""

    type: Literal["accept"]
    session: SessionId
    id: int = Field(ge=1)


class SayMessage(Message):
    type: Literal["say"]
    session: SessionId
    text: Text


class HandBack(Message):
    type: Literal["hand_back"]
    session: SessionId


class CloseMessage(Message):
    """End the conversation."""

    type: Literal["close"]
    session: SessionId
    outcome: Outcome


class TakeOver(Message):
    """A supervisor takes what is the bot's, waits, or is a person's."""

    type: Literal["take_over"]
    session: SessionId


class Whisper(Message):
    """From a supervisor to the person who has the conversation; never to the customer."""

    type: Literal["whisper"]
    session: SessionId
    text: Text


class Voice(Message):
    """Speak with the customer, or stop; binary frames after it are of this session."""

    type: Literal["voice"]
    session: SessionId
    on: bool


ConsoleMessage = (
    Watch | Unwatch | Accept | SayMessage | HandBack | CloseMessage | TakeOver | Whisper | Voice
)
_AfterHello = TypeAdapter[ConsoleMessage](
    Annotated[ConsoleMessage, Field(discriminator="type")],
)


class ConsoleWire:
    """One console's side of the protocol. Before `hello` is accepted, nothing else is."""

    def __init__(self) -> None:
        self.hello: ConsoleHello | None = None
        self._rest = b""

    def decode(self, message: str | bytes) -> ConsoleHello | ConsoleMessage | Sound:
        """One websocket message in; WireError when it cannot be accepted."""
        if isinstance(message, bytes):
            return self._sound(message)
        fields = parse(message)
        if self.hello is None:
            self.hello = first(fields, ConsoleHello)
            return self.hello
        if fields.get("type") == "hello":
            raise WireError("hello_twice", "hello was said already; open a new connection instead.")
        try:
            return _AfterHello.validate_json(json.dumps(fields))
        except ValidationError as wrong:
            raise WireError("bad_message", explain(wrong)) from None

    def _sound(self, data: bytes) -> Sound:
        """Binary frames are one byte stream: half a sample is joined with the next frame."""
        if self.hello is None:
            raise WireError("hello_first", "Audio came before hello. Send hello.", NOT_ALLOWED)
        data = self._rest + data
        whole = len(data) // WIDTH * WIDTH
        self._rest = data[whole:]
        return Sound(data[:whole])


def encode(type: str, /, **fields: object) -> str:
    """A message for a console; fields that are None are left out."""
    told = {name: value for name, value in fields.items() if value is not None}
    return json.dumps({"type": type} | told, ensure_ascii=False)


def error(wrong: WireError) -> str:
    return encode("error", code=wrong.code, message=wrong.message)
