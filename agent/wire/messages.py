"""Messages of a client of the native protocol v1, as pydantic models.

Clients' messages are parsed and checked here, at the edge; all other code sees only events.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, model_validator

from audio.codecs import Encoding
from audio.resample import RATES
from audio.types import Leg
from dialogs.values import Channel

MessageText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)
]


class WireMessage(BaseModel):
    """A frozen message without unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class AudioFormat(WireMessage):
    """The client's audio, in both directions. `legs` are in channel order."""

    encoding: Encoding
    rate: int
    channels: Literal[1, 2] = 1
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

    id: Annotated[str, Field(max_length=200)] = ""
    name: Annotated[str, Field(max_length=200)] = ""


class ResumeRequest(WireMessage):
    """The session a client resumes; `last_seq` is the last message number it received."""

    session: str
    token: str
    last_seq: int = Field(ge=0)


class Hello(WireMessage):
    """The first message of a connection. `speak`: replies are spoken as well as shown."""

    type: Literal["hello"]
    protocol: Literal[1]
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

    n: int = Field(0, ge=0)


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
    turn: int = Field(ge=0)
    ms: int = Field(ge=0)


class EndMessage(NumberedClientMessage):
    """The customer ends the session."""

    type: Literal["end"]


ClientMessage = TextMessage | DigitsMessage | ConsentMessage | PlayedMessage | EndMessage
CLIENT_MESSAGE_JSON = TypeAdapter[ClientMessage](
    Annotated[ClientMessage, Field(discriminator="type")]
)
