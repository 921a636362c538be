"""Messages of a client of the native protocol v1, as pydantic models.

Clients' messages are parsed and checked here, at the edge; all other code sees only events.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    model_validator,
)

from agent.core.json_reading import MAX_INTEGER
from audio.codecs import Encoding
from audio.resample import RATES
from audio.types import Leg
from dialogs.values import Channel

MAX_TEXT = 4000  # characters of one text that somebody types
# Whole numbers as such: no true, no "3", no 3.0, and no more than every store can hold.
Count = Annotated[int, Field(strict=True, ge=0, le=MAX_INTEGER)]
ProtocolVersion = Annotated[Count, Field(ge=1, le=1)]
_NO_TEXT = dict.fromkeys({*range(32), 127} - {9, 10, 13}, " ")  # controls that are no white space


def _without_controls(text: object) -> object:
    """The text with control characters as spaces: some databases cannot hold them."""
    return text.translate(_NO_TEXT) if isinstance(text, str) else text


WITHOUT_CONTROLS = BeforeValidator(_without_controls)
MessageText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT),
    WITHOUT_CONTROLS,
]


class WireMessage(BaseModel):
    """A frozen message without unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class AudioFormat(WireMessage):
    """The client's audio, in both directions. `legs` are in channel order."""

    encoding: Encoding
    rate: Count
    channels: Annotated[Count, Field(ge=1, le=2)] = 1
    legs: tuple[Leg, ...] = ("customer",)

    @model_validator(mode="after")
    def check(self) -> AudioFormat:
        if self.rate not in RATES:
            raise ValueError(f"rate {self.rate} is not one of {', '.join(map(str, RATES))}")
        if len(self.legs) != self.channels or len(set(self.legs)) != self.channels:
            raise ValueError(
                f"{self.channels} channel(s) need as many different legs, "
                f"in channel order, not {list(self.legs)}"
            )
        return self


class HelloCustomer(WireMessage):
    """The customer as the client names them. A claim, not a verified identity."""

    id: Annotated[str, Field(max_length=200), WITHOUT_CONTROLS] = ""
    name: Annotated[str, Field(max_length=200), WITHOUT_CONTROLS] = ""


class ResumeRequest(WireMessage):
    """The session a client resumes; `last_seq` is the last message number it received."""

    session: Annotated[str, Field(max_length=64), WITHOUT_CONTROLS]
    token: Annotated[str, Field(max_length=400)]
    last_seq: Count


class Hello(WireMessage):
    """The first message of a connection. `speak`: replies are spoken as well as shown."""

    type: Literal["hello"]
    protocol: ProtocolVersion
    channel: Channel
    audio: AudioFormat | None = None
    speak: bool = False
    customer: HelloCustomer = HelloCustomer()
    token: str = ""
    resume: ResumeRequest | None = None

    @model_validator(mode="after")
    def check(self) -> Hello:
        if self.channel != "chat" and self.audio is None:
            raise ValueError(f'channel "{self.channel}" needs audio: encoding, rate, channels')
        if self.channel == "chat" and (self.audio is not None or self.speak):
            raise ValueError('channel "chat" has no audio; use channel "voice" to speak')
        return self


class NumberedClientMessage(WireMessage):
    """A message after hello. `n` counts a client's messages of a session from 1, so that one sent
    again after a resume is not applied twice; a client that never resumes may leave it out."""

    n: Count = 0


class TextMessage(NumberedClientMessage):
    """Text the customer typed."""

    type: Literal["text"]
    text: MessageText


class DigitsMessage(NumberedClientMessage):
    """Keys pressed on a telephone."""

    type: Literal["digits"]
    digits: Annotated[str, StringConstraints(pattern=r"^[0-9*#]{1,32}$")]


class ConsentMessage(NumberedClientMessage):
    """What the customer consents to from now on."""

    type: Literal["consent"]
    recording: bool
    emotion: bool


class PlayedMessage(NumberedClientMessage):
    """The client has played `ms` milliseconds of a turn's spoken replies."""

    type: Literal["played"]
    turn: Count
    ms: Count


class EndMessage(NumberedClientMessage):
    """The customer ends the session."""

    type: Literal["end"]


ClientMessage = TextMessage | DigitsMessage | ConsentMessage | PlayedMessage | EndMessage
CLIENT_MESSAGE_JSON = TypeAdapter[ClientMessage](
    Annotated[ClientMessage, Field(discriminator="type")]
)
