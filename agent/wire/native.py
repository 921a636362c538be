"""How do the messages of protocol v1 become events, and effects become messages?

`decode` never raises anything but `WireError`, whatever the bytes (tests/agent/wire). A mistake
that a client can mend is answered with an `error` message and the conversation goes on; one that
makes the rest meaningless carries a close code. Binary frames are one byte stream: an odd byte
at the end of a frame belongs to the sample that the next frame completes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TypeVar

from pydantic import ValidationError

from agent.core import events as e
from agent.wire.messages import (
    AfterHello,
    Audio,
    ConsentMessage,
    DigitsMessage,
    EndMessage,
    Hello,
    Message,
    PlayedMessage,
    Said,
    TextMessage,
)
from audio.codecs import WIDTH
from audio.types import RATE, AcousticCues
from dialogs.values import Reply, Understanding

NOT_ALLOWED = 1008
TOO_BIG = 1009
OUR_FAULT = 1011
OVERLOADED = 1013


class WireError(Exception):
    """The client's mistake, in words for its developer. `close` is None when it can go on."""

    def __init__(self, code: str, message: str, close: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.close = close


@dataclass(frozen=True, slots=True)
class Sound:
    """Whole frames of audio in the encoding the client declared, channels interleaved."""

    data: bytes


class NativeWire:
    """One client's side of protocol v1. Before `hello` is accepted, nothing else is."""

    def __init__(self, seq: int = 0) -> None:
        """`seq` is the number of the last message that was sent for this session."""
        self.hello: Hello | None = None
        self.number = 0  # the client's own, of the message that was decoded last; 0: it had none
        self._seq = seq
        self._rest = b""
        self._odd_told = False

    @property
    def audio(self) -> Audio | None:
        return self.hello.audio if self.hello else None

    def decode(self, message: str | bytes, at: float) -> e.Input | Hello | Sound:
        """One websocket message in; WireError when it cannot be accepted."""
        if isinstance(message, bytes):
            return self._sound(message)
        fields = parse(message)
        if self.hello is None:
            self.hello = first(fields, Hello)
            return self.hello
        event, self.number = _event(fields, at)
        return event

    def _sound(self, data: bytes) -> Sound:
        if self.hello is None:
            raise WireError("hello_first", "Audio came before hello. Send hello.", NOT_ALLOWED)
        if self.audio is None:
            raise WireError("no_audio", "This chat declared no audio; the frame was ignored.")
        data = self._rest + data
        whole = len(data) // self._frame * self._frame
        self._rest = data[whole:]
        return Sound(data[:whole])

    @property
    def _frame(self) -> int:
        assert self.audio is not None
        return WIDTH[self.audio.encoding] * self.audio.channels

    def odd_bytes(self) -> WireError | None:
        """Told once: the last frame ended inside a sample. Nothing of it was lost."""
        if not self._rest or self._odd_told:
            return None
        self._odd_told = True
        return WireError(
            "odd_bytes",
            f"An audio frame ended inside a {self._frame}-byte sample frame; its last "
            f"{len(self._rest)} byte(s) were joined with the next frame. Send whole samples.",
        )

    # -- effects out ---------------------------------------------------------------------------

    def message(self, type: str, at: float, **fields: object) -> str:
        """A server message with the next sequence number: one that is never lost."""
        self._seq += 1
        return self.notice(type, at, seq=self._seq, **fields)

    def notice(self, type: str, at: float, **fields: object) -> str:
        """A server message about this connection alone: it is not repeated after a resume."""
        head = {"type": type, "at": round(at, 3)}
        return json.dumps(head | {k: v for k, v in fields.items() if v is not None})

    def encode(self, effect: e.Effect, at: float) -> list[str]:
        """The messages an effect is for the client; none when it is not the client's business."""
        match effect:
            case e.Caption(turn, leg, text):
                return [self.message("partial", at, turn=turn, leg=leg, text=text)]
            case e.Show():
                return self._show(effect, at)
            case e.Say(again=True):
                return []
            case e.Say(turn, replies):
                return [self.message("reply", at, turn=turn, **_reply(r)) for r in replies]
            case e.Hush(turn):
                return [self.message("hush", at, turn=turn)]
            case e.HandOver():
                return [self.message("handoff", at, **_handoff(effect))]
            case e.Owned(owner, name):
                return [self.message("owner", at, owner=owner, name=name or None)]
            case e.Notify(code, text):
                return [self.message("error", at, code=code, message=text)]
            case e.Relay(name, text):
                return [self.message("agent", at, name=name, text=text)]
            case e.Close(_, reason):
                return [self.message("bye", at, reason=reason)]
            case e.Listen() | e.Forget() | e.Understand() | e.Act() | e.Remember():
                return []

    def error(self, error: WireError, at: float) -> str:
        return self.notice("error", at, code=error.code, message=error.message)

    def _show(self, show: e.Show, at: float) -> list[str]:
        out = []
        if (heard := show.transcript) is not None:
            words = [asdict(word) for word in heard.words]
            start = heard.words[0].start if words else None
            end = heard.words[-1].end if words else None
            # Where the turn was judged over, the silence included: `end` is the last word's.
            turn_end = None if show.end is None else round(show.end / RATE, 3)
            out.append(
                self.message(
                    "transcript",
                    at,
                    turn=show.turn,
                    leg=show.leg,
                    text=heard.text,
                    start=start,
                    end=end,
                    turn_end=turn_end,
                    confidence=_round(heard.confidence),
                    words=words,
                )
            )
        if show.understanding is not None:
            if show.understanding.cues is not None:
                fields = _cues(show.understanding.cues, show.understanding.upset)
                out.append(self.message("cues", at, turn=show.turn, **fields))
            fields = _understanding(show.understanding)
            out.append(self.message("understanding", at, turn=show.turn, **fields))
        return out


def parse(message: str) -> dict[str, object]:
    try:
        fields = json.loads(message)
    except (ValueError, RecursionError) as broken:
        raise WireError("bad_json", f"This text message is not JSON: {broken}.") from None
    if not isinstance(fields, dict):
        raise WireError("bad_message", 'A message is a JSON object with a "type".')
    return fields


H = TypeVar("H", bound=Message)


def first(fields: dict[str, object], kind: type[H]) -> H:
    """The first message of a connection, as that `kind` of hello; WireError, which closes it."""
    if fields.get("type") != "hello":
        raise WireError("hello_first", 'The first message must be of type "hello".', NOT_ALLOWED)
    try:
        return kind.model_validate_json(json.dumps(fields))
    except ValidationError as wrong:
        raise WireError("bad_hello", explain(wrong), NOT_ALLOWED) from None


def _event(fields: dict[str, object], at: float) -> tuple[e.Input, int]:
    """What a message says, and the client's own number of it."""
    if fields.get("type") == "hello":
        raise WireError("hello_twice", "hello was said already; open a new connection instead.")
    try:
        message = AfterHello.validate_json(json.dumps(fields))
    except ValidationError as wrong:
        raise WireError("bad_message", explain(wrong)) from None
    return _meant(message, at), message.n


def _meant(message: Said, at: float) -> e.Input:
    match message:
        case TextMessage(text=text):
            return e.Typed(at, text)
        case DigitsMessage(digits=digits):
            return e.Digits(at, digits)
        case ConsentMessage(recording=recording, emotion=emotion):
            return e.Consented(at, recording, emotion)
        case PlayedMessage(turn=turn, ms=ms):
            return e.Played(at, turn, ms)
        case EndMessage():
            return e.Left(at, said_end=True)


def explain(wrong: ValidationError) -> str:
    """Each mistake as "where: what", without the client's own values: they may be private."""
    said = []
    for error in wrong.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in error["loc"])
        said.append(f"{where}: {error['msg']}" if where else error["msg"])
    return "; ".join(said) + "."


def _round(number: float | None, digits: int = 3) -> float | None:
    return None if number is None else round(number, digits)


def _reply(reply: Reply) -> dict[str, object]:
    return {
        "text": reply.text,
        "tone": reply.tone,
        "flow": reply.flow,
        "step": reply.step,
        "suggestions": list(reply.suggestions) or None,
        "source": asdict(reply.source) if reply.source else None,
        "reason": reply.reason or None,
    }


def _cues(cues: AcousticCues, upset: float) -> dict[str, object]:
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


def _understanding(heard: Understanding) -> dict[str, object]:
    return {
        "intent": heard.intent,
        "confidence": _round(heard.confidence),
        "alternatives": [[name, round(p, 3)] for name, p in heard.alternatives],
        "also": [[more.intent, round(more.confidence, 3)] for more in heard.also],
        "possible": list(heard.possible),
        "sentiment": _round(heard.sentiment),
        "upset": _round(heard.upset),
        "upset_spread": _round(heard.upset_spread),
        "slots": {slot.name: slot.value for slot in heard.slots},
    }


def _handoff(over: e.HandOver) -> Mapping[str, object]:
    why = over.escalation
    return {
        "id": over.id,
        "state": over.state,
        "rule": why.rule,
        "probability": _round(why.probability),
        "evidence": [asdict(term) for term in why.evidence],
        "summary": why.summary,
        "urgency": why.urgency,
        "position": over.position,
        "wait_s": over.wait_s,
        "ticket": over.ticket or None,
    }
