"""Parsing of websocket messages that all JSON protocols share: errors, close codes, hello.

Nothing here raises anything but `WireError`, whatever the bytes (tests/agent/wire).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError

from agent.core.json_reading import JsonNumberError, read_json
from agent.wire.messages import WireMessage

CLOSE_NOT_ALLOWED = 1008
CLOSE_INTERNAL_ERROR = 1011
CLOSE_OVERLOADED = 1013
CLOSE_REPLACED = 4001  # the same conversation, or the same person, came in by another connection


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


def parse_object(message: str) -> dict[str, object]:
    """The fields of a JSON object; WireError when it is none, or has a number out of bounds."""
    try:
        fields = read_json(message)
    except JsonNumberError as error:
        raise WireError("bad_message", f"In this message {error}.") from None
    except ValueError as error:
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


def explain_errors(invalid: ValidationError) -> str:
    """Each mistake as "location: message", without the client's values: they may be private."""
    mistakes = []
    for error in invalid.errors(include_url=False, include_input=False):
        location = ".".join(str(part) for part in error["loc"])
        mistakes.append(f"{location}: {error['msg']}" if location else error["msg"])
    return "; ".join(mistakes) + "."
