"""The written form of messages to the customer's client, one JSON line each.

A message is written so that reading it gives it back. As for inputs (agent/core/event_json.py),
tags and keys stay what they are when a class or a field is renamed
(tests/agent/core/test_customer_messages.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from agent.core import customer_messages as m
from agent.core.event_json import EventFormatError, compact_json, json_value
from agent.core.json_reading import read_json

# The tag of each message and the keys of its fields, in their order.
MESSAGE_TAGS: Mapping[type, tuple[str, tuple[str, ...]]] = {
    m.InterimTranscript: ("partial", ("turn", "leg", "text")),
    m.FinalTranscript: ("transcript", ("turn", "leg", "transcript", "turn_end")),
    m.TurnCues: ("cues", ("turn", "cues", "upset")),
    m.TurnMeaning: (
        "meaning",
        ("turn", "intent", "confidence", "alternatives", "also", "possible",
         "sentiment", "upset", "upset_spread", "slots"),
    ),
    m.BotReply: ("reply", ("turn", "reply")),
    m.SpeechStopped: ("speech_stopped", ("turn",)),
    m.HandoffStatus: (
        "handoff", ("id", "state", "escalation", "position", "wait_s", "ticket"),
    ),
    m.OwnerNotice: ("owner", ("owner", "name")),
    m.ClientNotice: ("notice", ("code", "text")),
    m.PersonText: ("person", ("name", "text")),
    m.Goodbye: ("goodbye", ("reason",)),
}  # fmt: skip

_MESSAGE_TYPES = {tag: (kind, keys) for kind, (tag, keys) in MESSAGE_TAGS.items()}
_READERS = {tag: TypeAdapter[m.CustomerMessage](kind) for tag, (kind, _) in _MESSAGE_TYPES.items()}
_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in MESSAGE_TAGS}


def message_to_json(at: float, message: m.CustomerMessage) -> str:
    """A message of session second `at` as one line. Its number is its place among all lines."""
    tag, keys = MESSAGE_TAGS[type(message)]
    entry: dict[str, Any] = {"type": tag, "at": at}
    for key, name in zip(keys, _FIELDS[type(message)], strict=True):
        entry[key] = json_value(getattr(message, name))
    return compact_json(entry)


def message_from_json(seq: int, line: str) -> m.SequencedMessage:
    """The message with number `seq` from its line. EventFormatError when the line is none."""
    try:
        entry = read_json(line)
        tag = entry["type"]
        kind, keys = _MESSAGE_TYPES[tag]
        names = zip(keys, _FIELDS[kind], strict=True)
        values = {name: entry[key] for key, name in names if key in entry}
        return m.SequencedMessage(seq, float(entry["at"]), _READERS[tag].validate_python(values))
    except (ValueError, KeyError, TypeError, ValidationError) as wrong:
        raise EventFormatError(
            f"not a message to a customer: {type(wrong).__name__}: {wrong}"
        ) from None
