"""Codec of protocol v1: client messages to inputs, effects to server messages.

`decode` raises nothing but `WireError`, whatever the bytes (tests/agent/wire). A mistake that a
client can mend is answered with an `error` message and the conversation goes on; one that makes the
rest meaningless carries a close code. Binary frames are one byte stream: an odd byte at the end of
a frame belongs to the sample that the next frame completes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TypeVar

from pydantic import ValidationError

from agent.core import events as e
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
    WireMessage,
)
from audio.codecs import WIDTH
from audio.types import RATE, AcousticCues
from dialogs.values import Reply, Understanding

CLOSE_NOT_ALLOWED = 1008
CLOSE_TOO_BIG = 1009
CLOSE_INTERNAL_ERROR = 1011
CLOSE_OVERLOADED = 1013


class WireError(Exception):
    """A client's mistake, in words for its developer. `close_code` is None when it can go on."""

    def __init__(self, code: str, message: str, close_code: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.close_code = close_code


@dataclass(frozen=True, slots=True)
class AudioFrames:
    """Whole frames of audio in the encoding the client declared, channels interleaved."""

    data: bytes


class NativeWire:
    """One client's side of protocol v1. Before `hello` is accepted, nothing else is."""

    def __init__(self, seq: int = 0) -> None:
        """`seq` is the number of the last message that was sent for this session."""
        self.hello: Hello | None = None
        self.client_seq = 0  # the client's number of the message decoded last; 0: it had none
        self._seq = seq
        self._rest = b""
        self._odd_bytes_reported = False

    @property
    def audio_format(self) -> AudioFormat | None:
        """The audio format that hello declared; None before hello, and for a chat."""
        return self.hello.audio if self.hello else None

    def decode(self, message: str | bytes, at: float) -> e.Input | Hello | AudioFrames:
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

    # -- effects out ---------------------------------------------------------------------------

    def sequenced_message(self, type: str, at: float, **fields: object) -> str:
        """A server message with the next sequence number, which is re-sent after a resume."""
        self._seq += 1
        return self.notice(type, at, seq=self._seq, **fields)

    def notice(self, type: str, at: float, **fields: object) -> str:
        """A server message about this connection alone, which is not re-sent after a resume."""
        head = {"type": type, "at": round(at, 3)}
        return json.dumps(head | {k: v for k, v in fields.items() if v is not None})

    def encode(self, effect: e.Effect, at: float) -> list[str]:
        """The messages of an effect to the client; none when it does not concern the client."""
        match effect:
            case e.ShowPartialText(turn, leg, text):
                return [self.sequenced_message("partial", at, turn=turn, leg=leg, text=text)]
            case e.ShowTurn():
                return self._turn_messages(effect, at)
            case e.SayReplies(is_repeat=True):
                return []
            case e.SayReplies(turn, replies):
                return [
                    self.sequenced_message("reply", at, turn=turn, **_reply_fields(r))
                    for r in replies
                ]
            case e.StopSpeech(turn):
                return [self.sequenced_message("hush", at, turn=turn)]
            case e.UpdateHandoff():
                return [self.sequenced_message("handoff", at, **_handoff_fields(effect))]
            case e.AnnounceOwner(owner, name):
                return [self.sequenced_message("owner", at, owner=owner, name=name or None)]
            case e.NotifyClient(code, text):
                return [self.sequenced_message("error", at, code=code, message=text)]
            case e.ForwardPersonText(name, text):
                return [self.sequenced_message("agent", at, name=name, text=text)]
            case e.CloseSession(_, reason):
                return [self.sequenced_message("bye", at, reason=reason)]
            case (
                e.FeedEncoder()
                | e.DiscardTurn()
                | e.UnderstandTurn()
                | e.PerformAction()
                | e.StoreNote()
            ):
                return []

    def error(self, error: WireError, at: float) -> str:
        """The message that reports a client's mistake."""
        return self.notice("error", at, code=error.code, message=error.message)

    def _turn_messages(self, effect: e.ShowTurn, at: float) -> list[str]:
        messages = []
        if (transcript := effect.transcript) is not None:
            words = [asdict(word) for word in transcript.words]
            start = transcript.words[0].start if words else None
            end = transcript.words[-1].end if words else None
            # Where turn-taking ended the turn, silence included: `end` is the end of the last word.
            turn_end = None if effect.end is None else round(effect.end / RATE, 3)
            messages.append(
                self.sequenced_message(
                    "transcript",
                    at,
                    turn=effect.turn,
                    leg=effect.leg,
                    text=transcript.text,
                    start=start,
                    end=end,
                    turn_end=turn_end,
                    confidence=_round(transcript.confidence),
                    words=words,
                )
            )
        if effect.understanding is not None:
            if effect.understanding.cues is not None:
                fields = _cues_fields(effect.understanding.cues, effect.understanding.upset)
                messages.append(self.sequenced_message("cues", at, turn=effect.turn, **fields))
            fields = _understanding_fields(effect.understanding)
            messages.append(self.sequenced_message("understanding", at, turn=effect.turn, **fields))
        return messages


def parse_object(message: str) -> dict[str, object]:
    """The fields of a JSON object; WireError when it is none."""
    try:
        fields = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise WireError("bad_json", f"This text message is not JSON: {error}.") from None
    if not isinstance(fields, dict):
        raise WireError("bad_message", 'A message is a JSON object with a "type".')
    return fields


H = TypeVar("H", bound=WireMessage)


def parse_hello(fields: dict[str, object], hello_type: type[H]) -> H:
    """The first message of a connection, as a hello of that type; a WireError closes it."""
    if fields.get("type") != "hello":
        raise WireError(
            "hello_first", 'The first message must be of type "hello".', CLOSE_NOT_ALLOWED
        )
    try:
        return hello_type.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        raise WireError("bad_hello", explain_errors(error), CLOSE_NOT_ALLOWED) from None


def _input_from_fields(fields: dict[str, object], at: float) -> tuple[e.Input, int]:
    """The input of a message, and the client's number of it."""
    if fields.get("type") == "hello":
        raise WireError("hello_twice", "hello was said already; open a new connection instead.")
    try:
        message = CLIENT_MESSAGE_JSON.validate_json(json.dumps(fields))
    except ValidationError as error:
        raise WireError("bad_message", explain_errors(error)) from None
    return _input_from_message(message, at), message.n


def _input_from_message(message: ClientMessage, at: float) -> e.Input:
    match message:
        case TextMessage(text=text):
            return e.TextReceived(at, text)
        case DigitsMessage(digits=digits):
            return e.DigitsReceived(at, digits)
        case ConsentMessage(recording=recording, emotion=emotion):
            return e.ConsentChanged(at, recording, emotion)
        case PlayedMessage(turn=turn, ms=ms):
            return e.SpeechPlayed(at, turn, ms)
        case EndMessage():
            return e.CustomerLeft(at, sent_end=True)


def explain_errors(invalid: ValidationError) -> str:
    """Each mistake as "location: message", without the client's values: they may be private."""
    mistakes = []
    for error in invalid.errors(include_url=False, include_input=False):
        location = ".".join(str(part) for part in error["loc"])
        mistakes.append(f"{location}: {error['msg']}" if location else error["msg"])
    return "; ".join(mistakes) + "."


def _round(number: float | None, digits: int = 3) -> float | None:
    return None if number is None else round(number, digits)


def _reply_fields(reply: Reply) -> dict[str, object]:
    return {
        "text": reply.text,
        "tone": reply.tone,
        "flow": reply.flow,
        "step": reply.step,
        "suggestions": list(reply.suggestions) or None,
        "source": asdict(reply.source) if reply.source else None,
        "reason": reply.reason or None,
    }


def _cues_fields(cues: AcousticCues, upset: float) -> dict[str, object]:
    return {
        "emotion": {label: round(p, 3) for label, p in cues.emotion.items()},
        "arousal": _round(cues.arousal),
        "valence": _round(cues.valence),
        "upset": _round(upset),
        "pitch_hz": _round(cues.prosody.pitch_hz, 1),
        "loudness_db": _round(cues.prosody.loudness_db, 1),
        "syllables_per_s": _round(cues.prosody.syllables_per_s, 1),
        "reliability": _round(cues.reliability),
    }


def _understanding_fields(understanding: Understanding) -> dict[str, object]:
    return {
        "intent": understanding.intent,
        "confidence": _round(understanding.confidence),
        "alternatives": [[name, round(p, 3)] for name, p in understanding.alternatives],
        "also": [[more.intent, round(more.confidence, 3)] for more in understanding.also],
        "possible": list(understanding.possible),
        "sentiment": _round(understanding.sentiment),
        "upset": _round(understanding.upset),
        "upset_spread": _round(understanding.upset_spread),
        "slots": {slot.name: slot.value for slot in understanding.slots},
    }


def _handoff_fields(effect: e.UpdateHandoff) -> Mapping[str, object]:
    escalation = effect.escalation
    return {
        "id": effect.id,
        "state": effect.state,
        "rule": escalation.rule,
        "probability": _round(escalation.probability),
        "evidence": [asdict(term) for term in escalation.evidence],
        "summary": escalation.summary,
        "urgency": escalation.urgency,
        "position": effect.position,
        "wait_s": effect.wait_s,
        "ticket": effect.ticket or None,
    }
