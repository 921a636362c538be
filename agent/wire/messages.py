"""What may a client of the native protocol v1 say?

Parsed and checked here, at the edge; inside the house there are only events.
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
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class AudioFormat(WireMessage):
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
    id: Annotated[str, Field(max_length=200)] = ""
    name: Annotated[str, Field(max_length=200)] = ""


class ResumeRequest(WireMessage):
    session: str
    token: str
    last_seq: int = Field(ge=0)


class Hello(WireMessage):
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
            raise ValueError('channel "chat" has no audio; say channel "voice" to speak')
        return self


class NumberedMessage(WireMessage):
    """What follows hello. `n` counts a client's messages of a session from 1, so that one sent
    again after a resume is not taken twice; a client that never resumes may leave it out."""

    n: int = Field(0, ge=0)


class TextMessage(NumberedMessage):
    type: Literal["text"]
    text: MessageText


class DigitsMessage(NumberedMessage):
    type: Literal["digits"]
    digits: Annotated[str, StringConstraints(pattern=r"^[0-9*#]{1,32}$")]


class ConsentMessage(NumberedMessage):
    type: Literal["consent"]
    recording: bool
    emotion: bool


class PlayedMessage(NumberedMessage):
    type: Literal["played"]
    turn: int = Field(ge=0)
    ms: int = Field(ge=0)


class EndMessage(NumberedMessage):
    type: Literal["end"]


ClientMessage = TextMessage | DigitsMessage | ConsentMessage | PlayedMessage | EndMessage
CLIENT_MESSAGE_JSON = TypeAdapter[ClientMessage](
    Annotated[ClientMessage, Field(discriminator="type")]
)
