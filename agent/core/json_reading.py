"""JSON from outside: read with every number within bounds that the rest of the program can hold.

Databases, codecs and timestamps have limits of their own, and a number beyond them fails far from
the one who sent it. So whatever comes from clients, consoles, recordings and stored rows is read
here: whole numbers of 32 bits, finite other numbers (tests/agent/core/test_json_reading.py).
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

MAX_INTEGER = 2**31 - 1  # also the largest that an INTEGER column holds
_MAX_DIGITS = len(str(MAX_INTEGER)) + 1  # with a sign


class JsonNumberError(ValueError):
    """A number that is out of bounds; the text says which bounds."""


def read_json(text: str | bytes) -> Any:
    """The value of a JSON text; ValueError when it is none, nested too deeply, or has a number out
    of bounds (JsonNumberError). The text of the error does not quote the value."""
    try:
        return json.loads(
            text,
            parse_int=_parse_integer,
            parse_float=_parse_float,
            parse_constant=_refuse_constant,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _parse_integer(digits: str) -> int:
    if len(digits) <= _MAX_DIGITS and abs(number := int(digits)) <= MAX_INTEGER:
        return number
    raise JsonNumberError(f"a whole number is out of bounds (at most {MAX_INTEGER})")


def _parse_float(digits: str) -> float:
    number = float(digits)
    if abs(number) == float("inf"):
        raise JsonNumberError("a number is too large")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise JsonNumberError(f"{name} is not a number")
