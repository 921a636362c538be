"""The written form of inputs and effects, one JSON line each, and the digest of effects.

An input is written so that reading it gives it back; of an `AudioReceived` only the number of
samples is part of the line (they are stored as audio, by position). Every input has a tag and keys
of its own that stay what they are when a class or a field is renamed. Effects are compared, not
read back: their digest hashes tags and values, never a Python name. Numbers keep every digit and
keys their order, so that equal things are equal bytes (tests/agent/core/test_event_json.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from agent.core.effects import (
    AnnounceOwner,
    ChangeConsent,
    CloseSession,
    DiscardTurn,
    Effect,
    FeedEncoder,
    ForwardPersonText,
    NotifyClient,
    PerformAction,
    SayReplies,
    ShowPartialText,
    ShowTurn,
    StopSpeech,
    StoreNote,
    UnderstandTurn,
    UpdateHandoff,
)
from agent.core.inputs import (
    ActionCompleted,
    AudioReceived,
    AvailabilityChanged,
    ConnectionLost,
    ConnectionResumed,
    ConsentChanged,
    CustomerLeft,
    DeadlineReached,
    DigitsReceived,
    HandoffQueued,
    HandoffUnanswered,
    Input,
    PartialTextReceived,
    PersonEndedSession,
    PersonHandedBack,
    PersonLost,
    PersonTextReceived,
    PersonTookOver,
    SessionOpened,
    SpeechPlayed,
    SpeechSent,
    TextReceived,
    TurnUnderstood,
    UnderstandingFailed,
)
from agent.core.json_reading import MAX_INTEGER, read_json
from audio.types import VOICE_HOP, Leg, Samples

# Returns the next samples of a leg, for an `AudioReceived` line: leg, number of samples.
AudioReader = Callable[[Leg, int], Samples]

VERSION = 2  # of rows: how digests are made and which messages are stored; part of each digest

# The tag of each input and the keys of its fields, in their order. On disk since the first version:
# a new input is added, a new key goes to the end, and nothing that is here changes.
INPUT_TAGS: Mapping[type, tuple[str, tuple[str, ...]]] = {
    SessionOpened: ("Opened", ("at", "channel", "legs", "speak", "customer")),
    AudioReceived: ("Heard", ("at", "leg", "samples", "speech")),
    TextReceived: ("Typed", ("at", "text")),
    DigitsReceived: ("Digits", ("at", "digits")),
    PartialTextReceived: ("Partial", ("at", "stream", "text")),
    TurnUnderstood: ("Understood", ("at", "ask", "result", "transcript")),
    UnderstandingFailed: ("Missed", ("at", "ask", "why")),
    ActionCompleted: ("Acted", ("at", "outcome")),
    SpeechSent: ("Speaking", ("at", "turn", "ms")),
    SpeechPlayed: ("Played", ("at", "turn", "ms")),
    ConsentChanged: ("Consented", ("at", "recording", "emotion")),
    PersonTookOver: ("TookOver", ("at", "name", "role")),
    PersonTextReceived: ("Said", ("at", "name", "text")),
    PersonHandedBack: ("HandedBack", ("at", "name")),
    PersonLost: ("Abandoned", ("at", "name")),
    PersonEndedSession: ("Finished", ("at", "name", "outcome")),
    HandoffQueued: ("Queued", ("at", "id", "position", "wait_s")),
    HandoffUnanswered: ("Unreached", ("at", "id", "why", "ticket", "when")),
    AvailabilityChanged: ("Staffed", ("at", "available", "when")),
    ConnectionLost: ("Dropped", ("at",)),
    ConnectionResumed: ("Resumed", ("at", "missed")),
    DeadlineReached: ("Tick", ("at",)),
    CustomerLeft: ("Left", ("at", "said_end")),
}
# The tag of each effect, which is part of its digest.
EFFECT_TAGS: Mapping[type, str] = {
    FeedEncoder: "Listen",
    DiscardTurn: "Forget",
    UnderstandTurn: "Understand",
    ShowPartialText: "Caption",
    ShowTurn: "Show",
    SayReplies: "Say",
    StopSpeech: "Hush",
    PerformAction: "Act",
    UpdateHandoff: "HandOver",
    AnnounceOwner: "Owned",
    NotifyClient: "Notify",
    ForwardPersonText: "Relay",
    StoreNote: "Remember",
    ChangeConsent: "Consent",
    CloseSession: "Close",
}
AUDIO_TAG = INPUT_TAGS[AudioReceived][0]

_INPUT_TYPES = {tag: (kind, keys) for kind, (tag, keys) in INPUT_TAGS.items()}
_READERS = {
    tag: TypeAdapter[Input](kind) for tag, (kind, _) in _INPUT_TYPES.items() if tag != AUDIO_TAG
}
_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in INPUT_TAGS}


class EventFormatError(ValueError):
    """A line that is no input; the text says why."""


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One input of a session as it is stored, with what followed from it.

    `n` counts a session's inputs from 1. `client` is the client's own number of the message it
    came with, 0 for none. `messages` are those sent for it, as JSON text with their `seq`.
    `decisions` is a JSON list of what was decided (agent/core/decisions.py), `digest` the
    SHA-256 of all effects as written here. `redactions` is a JSON list of what was replaced.
    """

    n: int
    at: float
    input: str
    client: int = 0
    messages: tuple[str, ...] = ()
    decisions: str = "[]"
    digest: str = ""
    redactions: str = "[]"


def event_to_json(event: Input) -> str:
    """An input as one line."""
    tag, keys = INPUT_TAGS[type(event)]
    fields_by_name: dict[str, Any] = {"type": tag}
    for key, name in zip(keys, _FIELDS[type(event)], strict=True):
        if tag != AUDIO_TAG or key != "samples":
            fields_by_name[key] = json_value(getattr(event, name))
    return compact_json(fields_by_name)


def event_from_json(line: str, read_audio: AudioReader | None = None) -> Input:
    """An input from its line; EventFormatError when the line is none. Without `read_audio` the
    samples of audio are silence."""
    try:
        values = read_json(line)
        tag = values.pop("type")
        _require_position(values)
        if tag == AUDIO_TAG:
            samples = len(values["speech"]) * VOICE_HOP
            audio = (
                read_audio(values["leg"], samples) if read_audio else np.zeros(samples, np.float32)
            )
            return AudioReceived(float(values["at"]), values["leg"], audio, tuple(values["speech"]))
        kind, keys = _INPUT_TYPES[tag]
        names = zip(keys, _FIELDS[kind], strict=True)
        arguments = {name: values[key] for key, name in names if key in values}
        return _READERS[tag].validate_python(arguments)
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise EventFormatError(
            f"not an input of a session: {type(error).__name__}: {error}"
        ) from None


def _require_position(values: Mapping[str, Any]) -> None:
    """ValueError unless the time and all counters of an input are in bounds."""
    if not 0 <= values["at"] <= MAX_INTEGER:
        raise ValueError(f"at is not from 0 to {MAX_INTEGER} seconds")
    for key, value in values.items():
        if isinstance(value, int) and value < 0:
            raise ValueError(f"{key} is negative")


def effects_to_json(effects: Sequence[Effect]) -> str:
    """Effects as a JSON list of tags and values; of audio only the number of samples."""
    return compact_json([[EFFECT_TAGS[type(effect)], *_value_list(effect)] for effect in effects])


def effects_digest(effects: Sequence[Effect]) -> str:
    """What effects are compared by: equal for equal effects, empty for none. Opens with the version
    of rows that it belongs to."""
    if not effects:
        return ""
    return f"{VERSION}:{hashlib.sha256(effects_to_json(effects).encode()).hexdigest()}"


def is_comparable(digest: str) -> bool:
    """Whether this build makes digests of this kind. Those of an earlier version say nothing."""
    return not digest or digest.startswith(f"{VERSION}:")


def _value_list(value: Any) -> Any:
    """Without any name of a field: a dataclass is the list of its values. A field that is left out
    of comparisons says why something is done, not what, and is left out here as well."""
    if type(value) in _PLAIN_TYPES:
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return [_value_list(one) for _, one in _written_fields(value, with_reasons=False)]
    if isinstance(value, dict):
        return {str(key): _value_list(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value_list(one) for one in value]
    return json_value(value)


def _written_fields(value: Any, with_reasons: bool = True) -> Iterator[tuple[str, Any]]:
    """Names and values of a dataclass, without later fields that are empty; `with_reasons`: also
    those that are left out of comparisons."""
    for one in fields(value):
        content = getattr(value, one.name)
        is_empty = one.metadata.get("omitted_when_empty") and not content
        if not is_empty and (with_reasons or one.compare):
            yield one.name, content


_PLAIN_TYPES = frozenset({str, int, float, bool, type(None)})  # nearly all values: asked for first


def json_value(value: Any) -> Any:
    """A value in terms of JSON: a dataclass is a dictionary of its fields, samples are their
    number."""
    if type(value) in _PLAIN_TYPES:
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {name: json_value(one) for name, one in _written_fields(value)}
    if isinstance(value, np.ndarray):
        return len(value)
    if isinstance(value, dict):
        return {str(key): json_value(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(one) for one in value]
    if isinstance(value, (set, frozenset)):
        return sorted(json_value(one) for one in value)
    if isinstance(value, np.generic):
        return value.item()
    return value


def compact_json(value: Any) -> str:
    """One value as one line: everything that is stored and compared is written so."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
