"""Which words around a number say that it is private?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from dialogs.pack.model import SlotSpec

NEAR = 48  # letters before or after a number in which its name is looked for


@dataclass(frozen=True, slots=True)
class Cue:
    """A name of a number: from `least` digits on, what stands beside it is one."""

    kind: Literal["account", "ssn", "code"]
    least: int
    label: str = ""


_SSN = r"ssn|social security(?: number)?|social"
_CODE = (
    r"pin|pin code|pin number|code|codes|passcode|pass code|password|otp|cvv|cvc|access number"
    r"|secret number"
)
_ACCOUNT = (
    r"(?:account|acct|card|routing|customer|member|client|policy|debit card|credit card|iban)"
    r"(?:\s+(?:number|numbers|no|num|nr|id)\b\.?|\s*#)"
)
_JOINING = (
    r"(?:\s*(?:[:#=,.-]|\b(?:is|was|are|it's|its|it|the|my|number|one|again|um|uh|here)\b))*\s*$"
)
_FOLLOWING = r"^\W*(?:(?:is|was|'s|that's|as|would be)\s+)?(?:(?:my|the|our|a)\s+)?"


def cued(before: str, secrets: Sequence[SlotSpec]) -> Cue | None:
    """The name that ends in front of a number."""
    near = before[-NEAR:]
    return next((cue for name, cue in _before(_named(secrets)) if name.search(near)), None)


def after_cue(after: str, secrets: Sequence[SlotSpec]) -> Cue | None:
    """The name that follows a number: "4471 is my pin"."""
    near = after[:NEAR]
    return next((cue for name, cue in _after(_named(secrets)) if name.search(near)), None)


Named = tuple[tuple[tuple[str, ...], int, str], ...]


def _named(secrets: Sequence[SlotSpec]) -> Named:
    return tuple((spec.cues, spec.length, spec.label) for spec in secrets)


@lru_cache(maxsize=8)
def _before(named: Named) -> list[tuple[re.Pattern[str], Cue]]:
    return [(re.compile(rf"\b(?:{words}){_JOINING}"), cue) for words, cue in _cues(named)]


@lru_cache(maxsize=8)
def _after(named: Named) -> list[tuple[re.Pattern[str], Cue]]:
    return [(re.compile(rf"{_FOLLOWING}(?:{words})\b"), cue) for words, cue in _cues(named)]


def _cues(named: Named) -> list[tuple[str, Cue]]:
    own = [
        ("|".join(map(re.escape, cues)), Cue("account" if length >= 6 else "code", 3, label))
        for cues, length, label in named
        if cues
    ]
    return [(_SSN, Cue("ssn", 4)), *own, (_CODE, Cue("code", 3)), (_ACCOUNT, Cue("account", 4))]
