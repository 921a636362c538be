"""How are inputs and effects written down, one JSON line each?

An input is written so that reading it gives it back; the sound of `Heard` is not part of its
line (it is kept as audio, by position), only how many samples there were. Effects are written to
be compared, not to be read back: everything but the samples themselves. Numbers keep every
digit, keys keep their order, so that equal things are equal bytes (tests/agent/test_written.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, get_args

import numpy as np
from pydantic import TypeAdapter, ValidationError

from agent import events as e
from audio.types import VOICE_HOP, Leg, Samples

# Which sound a written `Heard` had: leg, number of samples.
Sound = Callable[[Leg, int], Samples]

_KINDS = {kind.__name__: kind for kind in get_args(e.Input)}
_READERS = {
    name: TypeAdapter[e.Input](kind) for name, kind in _KINDS.items() if kind is not e.Heard
}


class WrittenError(ValueError):
    """A line that is no input; the text says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One input of a session as it is kept, with what followed from it.

    `n` counts a session's inputs from 1. `client` is the client's own number of the message it
    came with, 0 for none. `messages` are those sent for it, as JSON text with their `seq`.
    `decisions` is a JSON list of what was decided (agent/replay/decisions.py), `digest` the
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
    if isinstance(event, e.Heard):
        said: dict[str, Any] = {"at": event.at, "leg": event.leg, "speech": event.speech}
    else:
        said = _plain(event)
    return one_line({"type": type(event).__name__, **said})


def read(line: str, sound: Sound | None = None) -> e.Input:
    """An input from its line; without `sound`, what was heard is silence. WrittenError."""
    try:
        said = json.loads(line)
        kind = said.pop("type")
        if kind == "Heard":
            samples = len(said["speech"]) * VOICE_HOP
            heard = sound(said["leg"], samples) if sound else np.zeros(samples, np.float32)
            return e.Heard(float(said["at"]), said["leg"], heard, tuple(said["speech"]))
        return _READERS[kind].validate_python(said)
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as wrong:
        raise WrittenError(f"not an input of a session: {type(wrong).__name__}: {wrong}") from None


def written_effects(effects: Sequence[e.Effect]) -> str:
    """Effects as a JSON list; of sound there is the number of samples."""
    return one_line([{"type": type(effect).__name__, **_plain(effect)} for effect in effects])


def digest(effects: Sequence[e.Effect]) -> str:
    """What effects are compared by: equal for equal effects, empty for none."""
    return hashlib.sha256(written_effects(effects).encode()).hexdigest() if effects else ""


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
