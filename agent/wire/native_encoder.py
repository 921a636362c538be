"""Encoder of protocol v1: messages to the customer as JSON text, for one connection.

Messages of the conversation carry its number `seq` and are re-sent after a resume; those about this
connection alone (`ready`, `received`, `speech`, mistakes) carry none and are not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Literal

from agent.core import customer_messages as m
from agent.wire.parsing import WireError
from audio.types import RATE, AcousticCues
from dialogs.values import Reply


class NativeEncoder:
    """One client's messages in protocol v1. `at` is in session seconds everywhere."""

    def message(self, numbered: m.SequencedMessage) -> str:
        """A message of the conversation."""
        type, fields = _typed_fields(numbered.message)
        return _json(type, numbered.at, seq=numbered.seq, **fields)

    def ready(self, at: float, **fields: object) -> str:
        """The answer to hello."""
        return _json("ready", at, **fields)

    def received(self, at: float, client_seq: int) -> str:
        """The client's message of this number is on disk."""
        return _json("received", at, received=client_seq)

    def speech(self, at: float, turn: int, state: Literal["start", "end"], person: str = "") -> str:
        """Audio of a turn's replies starts or ends; of the voice of `person` if one is named."""
        return _json("speech", at, turn=turn, state=state, by=person or None)

    def error(self, at: float, error: WireError) -> str:
        """The message that reports a client's mistake."""
        return _json("error", at, code=error.code, message=error.message)


def _json(type: str, at: float, **fields: object) -> str:
    head = {"type": type, "at": round(at, 3)}
    return json.dumps(head | {name: value for name, value in fields.items() if value is not None})


def _typed_fields(message: m.CustomerMessage) -> tuple[str, Mapping[str, object]]:
    match message:
        case m.InterimTranscript(turn, leg, text):
            return "partial", {"turn": turn, "leg": leg, "text": text}
        case m.FinalTranscript():
            return "transcript", _transcript_fields(message)
        case m.TurnCues(turn, cues, upset):
            return "cues", {"turn": turn} | _cues_fields(cues, upset)
        case m.TurnMeaning(turn=turn):
            return "understanding", {"turn": turn} | _meaning_fields(message)
        case m.BotReply(turn, reply):
            return "reply", {"turn": turn} | _reply_fields(reply)
        case m.SpeechStopped(turn):
            return "hush", {"turn": turn}
        case m.HandoffStatus():
            return "handoff", _handoff_fields(message)
        case m.OwnerNotice(owner, name):
            return "owner", {"owner": owner, "name": name or None}
        case m.ClientNotice(code, text):
            return "error", {"code": code, "message": text}
        case m.PersonText(name, text):
            return "agent", {"name": name, "text": text}
        case m.Goodbye(reason):
            return "bye", {"reason": reason}


def _transcript_fields(message: m.FinalTranscript) -> dict[str, object]:
    transcript = message.transcript
    words = [asdict(word) for word in transcript.words]
    return {
        "turn": message.turn,
        "leg": message.leg,
        "text": transcript.text,
        "start": transcript.words[0].start if words else None,
        "end": transcript.words[-1].end if words else None,  # the last word's, silence excluded
        "turn_end": None if message.turn_end is None else round(message.turn_end / RATE, 3),
        "confidence": _round(transcript.confidence),
        "words": words,
    }


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


def _meaning_fields(meaning: m.TurnMeaning) -> dict[str, object]:
    return {
        "intent": meaning.intent,
        "confidence": _round(meaning.confidence),
        "alternatives": [[name, round(p, 3)] for name, p in meaning.alternatives],
        "also": [[name, round(p, 3)] for name, p in meaning.also],
        "possible": list(meaning.possible),
        "sentiment": _round(meaning.sentiment),
        "upset": _round(meaning.upset),
        "upset_spread": _round(meaning.upset_spread),
        "slots": dict(meaning.slots),
    }


def _handoff_fields(status: m.HandoffStatus) -> Mapping[str, object]:
    escalation = status.escalation
    return {
        "id": status.id,
        "state": status.state,
        "rule": escalation.rule,
        "probability": _round(escalation.probability),
        "evidence": [asdict(term) for term in escalation.evidence],
        "summary": escalation.summary,
        "urgency": escalation.urgency,
        "position": status.position,
        "wait_s": status.wait_s,
        "ticket": status.ticket or None,
    }
