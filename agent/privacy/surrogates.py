"""Which other digits stand for these?

A value and its surrogate belong together for as long as a session lives; no two values share one.
They come from an HMAC with the session's key, so without it a surrogate says nothing but how long
a number was, and, of a card, that its check digit fits.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from stdnum import luhn

NOWHERE = "redacted.invalid"  # RFC 2606: nobody has an address there
MOST = 2048  # values of one length that are remembered; the oldest go first
CARD = range(13, 20)  # digits of a card


class Surrogates:
    """Values and what stands for them, in both directions."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._of: dict[str, str] = {}
        self._real: dict[str, str] = {}
        self._count: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._of)

    @property
    def sizes(self) -> list[int]:
        """How many digits the numbers have that are known."""
        return [size for size, count in self._count.items() if size and count]

    def known(self, value: str) -> str | None:
        """What stands for `value`, None when nothing does yet."""
        return self._of.get(value)

    def real(self, surrogate: str) -> str | None:
        """What a surrogate stands for; None when it is none."""
        return self._real.get(surrogate)

    def of(self, value: str) -> str:
        """What stands for `value`, digits or an address."""
        if (known := self._of.get(value)) is not None:
            return known
        made = next(
            one
            for one in self._candidates(value)
            if one != value and one not in self._real and one not in self._of
        )
        self.put(value, made)
        return made

    def put(self, value: str, surrogate: str) -> None:
        """From now on `surrogate` stands for `value`."""
        size = len(value) if value.isdigit() else 0
        if self._count.get(size, 0) >= min(MOST, 10**size // 4 if size else MOST):
            oldest = next(one for one in self._of if (len(one) if one.isdigit() else 0) == size)
            del self._real[self._of.pop(oldest)]
            self._count[size] -= 1
        self._of[value], self._real[surrogate] = surrogate, value
        self._count[size] = self._count.get(size, 0) + 1

    def pairs(self) -> list[tuple[str, str]]:
        """Every value and its surrogate, oldest first."""
        return list(self._of.items())

    def values(self) -> Iterator[str]:
        return iter(self._of)

    def _candidates(self, value: str) -> Iterator[str]:
        n = 0
        while True:
            told = hmac.digest(self._key, f"{n}:{value}".encode(), "sha256")
            n += 1
            yield _digits(told, value) if value.isdigit() else _address(told)


def _address(told: bytes) -> str:
    return "".join(chr(ord("a") + byte % 26) for byte in told[:8]) + f"@{NOWHERE}"


def _digits(told: bytes, value: str) -> str:
    """As many digits as `value`. The first is 3 or more: so it is no year and no time of day."""
    drawn = int.from_bytes(told, "big")
    size = len(value)
    first, rest = str(3 + drawn % 7), str(drawn // 7).zfill(size)
    while len(rest) < size:
        rest += rest
    made = first + rest[-size + 1 :] if size > 1 else first
    if size not in CARD:
        return made
    check = luhn.calc_check_digit(made[:-1])
    if luhn.is_valid(value):
        return f"{made[:-1]}{check}"
    return made if made[-1] != check else f"{made[:-1]}{(int(check) + 1) % 10}"
