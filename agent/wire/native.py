"""Decoder of protocol v1: one client's websocket messages to inputs.

`decode` raises nothing but `WireError`, whatever the bytes (tests/agent/wire). A mistake that a
client can mend is answered with an `error` message and the conversation goes on; one that makes the
rest meaningless carries a close code. Binary frames are one byte stream: an odd byte at the end of
a frame belongs to the sample that the next frame completes.
"""

from __future__ import annotations

import json

from pydantic import ValidationError

from agent.core.inputs import (
    ConsentChanged,
    CustomerLeft,
    DigitsReceived,
    Input,
    SpeechPlayed,
    TextReceived,
)
from agent.wire.messages import (
    CLIENT_MESSAGE_JSON,
    AudioFormat,
    ClientMessage,
    ConsentMessage,
    DigitsMessage,
    EndMessage,
    Hello,
    PlayedMessage,
    TextMessage,
)
from agent.wire.parsing import (
    CLOSE_NOT_ALLOWED,
    AudioFrames,
    WireError,
    explain_errors,
    parse_hello,
    parse_object,
)
from audio.codecs import WIDTH


class NativeDecoder:
    """One client's side of protocol v1. Before `hello` is accepted, nothing else is."""

    def __init__(self) -> None:
        self.hello: Hello | None = None
        self.client_seq = 0  # the client's number of the message decoded last; 0: it had none
        self._rest = b""
        self._odd_bytes_reported = False

    @property
    def audio_format(self) -> AudioFormat | None:
        """The audio format that hello declared; None before hello, and for a chat."""
        return self.hello.audio if self.hello else None

    def decode(self, message: str | bytes, at: float) -> Input | Hello | AudioFrames:
        """The input, hello or audio of one websocket message that came at `at`, in session seconds;
        WireError when it cannot be accepted."""
        if isinstance(message, bytes):
            return self._take_audio(message)
        fields = parse_object(message)
        if self.hello is None:
            self.hello = parse_hello(fields, Hello)
            return self.hello
        event, self.client_seq = _input_from_fields(fields, at)
        return event

    def _take_audio(self, data: bytes) -> AudioFrames:
        if self.hello is None:
            raise WireError(
                "hello_first", "Audio came before hello. Send hello.", CLOSE_NOT_ALLOWED
            )
        if self.audio_format is None:
            raise WireError("no_audio", "This chat declared no audio; the frame was ignored.")
        data = self._rest + data
        whole = len(data) // self._frame_bytes * self._frame_bytes
        self._rest = data[whole:]
        return AudioFrames(data[:whole])

    @property
    def _frame_bytes(self) -> int:
        assert self.audio_format is not None
        return WIDTH[self.audio_format.encoding] * self.audio_format.channels

    def take_odd_bytes_error(self) -> WireError | None:
        """The error that the last frame ended inside a sample, returned once; None otherwise. No
        audio is lost."""
        if not self._rest or self._odd_bytes_reported:
            return None
        self._odd_bytes_reported = True
        return WireError(
            "odd_bytes",
            f"An audio frame ended inside a {self._frame_bytes}-byte sample frame; its last "
            f"{len(self._rest)} byte(s) were joined with the next frame. Send whole samples.",
        )


def _input_from_fields(fields: dict[str, object], at: float) -> tuple[Input, int]:
    """The input of a message, and the client's number of it."""
    if fields.get("type") == "hello":
        raise WireError("hello_twice", "hello was sent already; open a new connection instead.")
    try:
        message = CLIENT_MESSAGE_JSON.validate_json(json.dumps(fields))
    except ValidationError as error:
        raise WireError("bad_message", explain_errors(error)) from None
    return _input_from_message(message, at), message.n


def _input_from_message(message: ClientMessage, at: float) -> Input:
    match message:
        case TextMessage(text=text):
            return TextReceived(at, text)
        case DigitsMessage(digits=digits):
            return DigitsReceived(at, digits)
        case ConsentMessage(recording=recording, emotion=emotion):
            return ConsentChanged(at, recording, emotion)
        case PlayedMessage(turn=turn, ms=ms):
            return SpeechPlayed(at, turn, ms)
        case EndMessage():
            return CustomerLeft(at, sent_end=True)
