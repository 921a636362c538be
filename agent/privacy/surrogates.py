"""Deterministic surrogates of one session (HMAC), in both directions.

A value keeps its surrogate while it is remembered; no two values share one. Surrogates come from
an HMAC with the session's key: without the key a surrogate reveals only the length of a number and,
for the length of a card, whether its check digit is valid (tests/agent/privacy/test_surrogates.py).
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from stdnum import luhn

from agent.privacy.detection import MAX_CARD_DIGITS, MIN_CARD_DIGITS

RESERVED_DOMAIN = "redacted.invalid"  # RFC 2606: no mailbox exists in it
MAX_VALUES_PER_LENGTH = 2048  # values of one length to remember; the oldest is dropped
CARD_LENGTHS = range(MIN_CARD_DIGITS, MAX_CARD_DIGITS + 1)


class Surrogates:
    """The values of one session and their surrogates, in both directions."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._surrogate_by_value: dict[str, str] = {}
        self._value_by_surrogate: dict[str, str] = {}
        self._count_by_length: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._surrogate_by_value)

    @property
    def number_lengths(self) -> list[int]:
        """The digit counts of the numbers that have surrogates."""
        return [size for size, count in self._count_by_length.items() if size and count]

    def find_surrogate(self, value: str) -> str | None:
        """The surrogate of `value`; None when it has none yet."""
        return self._surrogate_by_value.get(value)

    def value_of(self, surrogate: str) -> str | None:
        """The value of a surrogate; None when it is no surrogate."""
        return self._value_by_surrogate.get(surrogate)

    def surrogate_for(self, value: str) -> str:
        """The surrogate of `value` (digits or an address), drawn and remembered when it is new."""
        if (known := self._surrogate_by_value.get(value)) is not None:
            return known
        surrogate = next(
            one
            for one in self._candidates(value)
            if one != value
            and one not in self._value_by_surrogate
            and one not in self._surrogate_by_value
        )
        self.add(value, surrogate)
        return surrogate

    def add(self, value: str, surrogate: str) -> None:
        """Remember a pair; drop the oldest of that length when there are too many."""
        size = len(value) if value.isdigit() else 0
        if self._count_by_length.get(size, 0) >= min(
            MAX_VALUES_PER_LENGTH, 10**size // 4 if size else MAX_VALUES_PER_LENGTH
        ):
            oldest = next(
                one
                for one in self._surrogate_by_value
                if (len(one) if one.isdigit() else 0) == size
            )
            del self._value_by_surrogate[self._surrogate_by_value.pop(oldest)]
            self._count_by_length[size] -= 1
        self._surrogate_by_value[value], self._value_by_surrogate[surrogate] = surrogate, value
        self._count_by_length[size] = self._count_by_length.get(size, 0) + 1

    def pairs(self) -> list[tuple[str, str]]:
        """Every value and its surrogate, oldest first."""
        return list(self._surrogate_by_value.items())

    def values(self) -> Iterator[str]:
        return iter(self._surrogate_by_value)

    def _candidates(self, value: str) -> Iterator[str]:
        n = 0
        while True:
            mac = hmac.digest(self._key, f"{n}:{value}".encode(), "sha256")
            n += 1
            yield _surrogate_digits(mac, value) if value.isdigit() else _surrogate_address(mac)


def _surrogate_address(mac: bytes) -> str:
    return "".join(chr(ord("a") + byte % 26) for byte in mac[:8]) + f"@{RESERVED_DOMAIN}"


def _surrogate_digits(mac: bytes, value: str) -> str:
    """As many digits as `value` has. The first is 3 to 9, so it is no year and no time of day."""
    drawn = int.from_bytes(mac, "big")
    size = len(value)
    first, rest = str(3 + drawn % 7), str(drawn // 7).zfill(size)
    while len(rest) < size:
        rest += rest
    surrogate = first + rest[-size + 1 :] if size > 1 else first
    if size not in CARD_LENGTHS:
        return surrogate
    check = luhn.calc_check_digit(surrogate[:-1])
    if luhn.is_valid(value):
        return f"{surrogate[:-1]}{check}"
    return surrogate if surrogate[-1] != check else f"{surrogate[:-1]}{(int(check) + 1) % 10}"
