"""The written form of inputs and effects, one JSON line each, and the digest of effects.

An input is written so that reading it gives it back; the sound of `Heard` is not part of its
line (it is kept as audio, by position), only how many samples there were. Every input has a tag
and keys of its own that stay what they are when a class or a field is renamed. Effects are
compared, not read back: their digest hashes tags and values, never a Python name. Numbers keep
every digit and keys their order, so that equal things are equal bytes
(tests/agent/test_written.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from agent.core import events as e
from audio.types import VOICE_HOP, Leg, Samples

# Which sound a written `Heard` had: leg, number of samples.
Sound = Callable[[Leg, int], Samples]

VERSION = 2  # of rows: how digests are made and which messages are kept; part of each digest

# The tag of each input and the keys of its fields, in their order. On disk since the first version:
# a new input is added, a new key goes to the end, and nothing that is here changes.
INPUT_TAGS: Mapping[type, tuple[str, tuple[str, ...]]] = {
    e.Opened: ("Opened", ("at", "channel", "legs", "speak", "customer")),
    e.Heard: ("Heard", ("at", "leg", "samples", "speech")),
    e.Typed: ("Typed", ("at", "text")),
    e.Digits: ("Digits", ("at", "digits")),
    e.Partial: ("Partial", ("at", "stream", "text")),
    e.Understood: ("Understood", ("at", "ask", "result", "transcript")),
    e.Missed: ("Missed", ("at", "ask", "why")),
    e.Acted: ("Acted", ("at", "outcome")),
    e.Speaking: ("Speaking", ("at", "turn", "ms")),
    e.Played: ("Played", ("at", "turn", "ms")),
    e.Consented: ("Consented", ("at", "recording", "emotion")),
    e.TookOver: ("TookOver", ("at", "name", "role")),
    e.Said: ("Said", ("at", "name", "text")),
    e.HandedBack: ("HandedBack", ("at", "name")),
    e.Abandoned: ("Abandoned", ("at", "name")),
    e.Finished: ("Finished", ("at", "name", "outcome")),
    e.Queued: ("Queued", ("at", "id", "position", "wait_s")),
    e.Unreached: ("Unreached", ("at", "id", "why", "ticket", "when")),
    e.Dropped: ("Dropped", ("at",)),
    e.Resumed: ("Resumed", ("at", "missed")),
    e.Tick: ("Tick", ("at",)),
    e.Left: ("Left", ("at", "said_end")),
}
# The tag of each effect, which is part of its digest.
EFFECT_TAGS: Mapping[type, str] = {
    e.Listen: "Listen",
    e.Forget: "Forget",
    e.Understand: "Understand",
    e.Caption: "Caption",
    e.Show: "Show",
    e.Say: "Say",
    e.Hush: "Hush",
    e.Act: "Act",
    e.HandOver: "HandOver",
    e.Owned: "Owned",
    e.Notify: "Notify",
    e.Relay: "Relay",
    e.Remember: "Remember",
    e.Close: "Close",
}
HEARD_TAG = INPUT_TAGS[e.Heard][0]

_KINDS = {tag: (kind, keys) for kind, (tag, keys) in INPUT_TAGS.items()}
_READERS = {
    tag: TypeAdapter[e.Input](kind) for tag, (kind, _) in _KINDS.items() if tag != HEARD_TAG
}
_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in INPUT_TAGS}


class WrittenError(ValueError):
    """A line that is no input; the text says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One input of a session as it is kept, with what followed from it.

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


def written(event: e.Input) -> str:
    """An input as one line."""
    tag, keys = INPUT_TAGS[type(event)]
    said: dict[str, Any] = {"type": tag}
    for key, name in zip(keys, _FIELDS[type(event)], strict=True):
        if tag != HEARD_TAG or key != "samples":
            said[key] = _plain(getattr(event, name))
    return one_line(said)


def read(line: str, sound: Sound | None = None) -> e.Input:
    """An input from its line; without `sound`, what was heard is silence. WrittenError."""
    try:
        said = json.loads(line)
        tag = said.pop("type")
        if tag == HEARD_TAG:
            samples = len(said["speech"]) * VOICE_HOP
            heard = sound(said["leg"], samples) if sound else np.zeros(samples, np.float32)
            return e.Heard(float(said["at"]), said["leg"], heard, tuple(said["speech"]))
        kind, keys = _KINDS[tag]
        names = zip(keys, _FIELDS[kind], strict=True)
        given = {name: said[key] for key, name in names if key in said}
        return _READERS[tag].validate_python(given)
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as wrong:
        raise WrittenError(f"not an input of a session: {type(wrong).__name__}: {wrong}") from None


def written_effects(effects: Sequence[e.Effect]) -> str:
    """Effects as a JSON list of tags and values; of sound there is the number of samples."""
    return one_line([[EFFECT_TAGS[type(effect)], *_values(effect)] for effect in effects])


def digest(effects: Sequence[e.Effect]) -> str:
    """What effects are compared by: equal for equal effects, empty for none. Opens with the version
    of rows that it belongs to."""
    if not effects:
        return ""
    return f"{VERSION}:{hashlib.sha256(written_effects(effects).encode()).hexdigest()}"


def comparable(digest: str) -> bool:
    """Whether this build makes digests of this kind. Those of an earlier version say nothing."""
    return not digest or digest.startswith(f"{VERSION}:")


def _values(value: Any) -> Any:
    """Without any name of a field: a dataclass is the list of its values."""
    if is_dataclass(value) and not isinstance(value, type):
        return [_values(getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, dict):
        return {str(key): _values(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_values(one) for one in value]
    return _plain(value)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, np.ndarray):
        return len(value)
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(one) for one in value)
    if isinstance(value, np.generic):
        return value.item()
    return value


def one_line(value: Any) -> str:
    """One value as one line: everything that is kept and compared is written so."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
