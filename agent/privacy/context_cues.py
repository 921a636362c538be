"""Context words that make a number private: "my pin is ...", "... is my account number".

The cues of a pack's secret slots come before the general ones for codes and accounts
(tests/agent/privacy/test_detection.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from dialogs.pack.model import SlotSpec

MAX_CUE_DISTANCE = 48  # letters before or after a number in which its name is looked for


@dataclass(frozen=True, slots=True)
class ContextCue:
    """A name of a private number. It counts beside a number of at least `min_digits` digits."""

    kind: Literal["account", "ssn", "code"]
    min_digits: int
    label: str = ""


_SSN_NAMES = r"ssn|social security(?: number)?|social"
_CODE_NAMES = (
    r"pin|pin code|pin number|code|codes|passcode|pass code|password|otp|cvv|cvc|access number"
    r"|secret number"
)
_ACCOUNT_NAMES = (
    r"(?:account|acct|card|routing|customer|member|client|policy|debit card|credit card|iban)"
    r"(?:\s+(?:number|numbers|no|num|nr|id)\b\.?|\s*#)"
)
_LINK_BEFORE_NUMBER = (
    r"(?:\s*(?:[:#=,.-]|\b(?:is|was|are|it's|its|it|the|my|number|one|again|um|uh|here)\b))*\s*$"
)
_LINK_AFTER_NUMBER = r"^\W*(?:(?:is|was|'s|that's|as|would be)\s+)?(?:(?:my|the|our|a)\s+)?"


def cue_before(text_before: str, slots: Sequence[SlotSpec]) -> ContextCue | None:
    """The cue that ends directly before a number, whose text before it is given; None for none."""
    near = text_before[-MAX_CUE_DISTANCE:]
    return next(
        (cue for name, cue in _patterns_before(_slot_cues(slots)) if name.search(near)), None
    )


def cue_after(text_after: str, slots: Sequence[SlotSpec]) -> ContextCue | None:
    """The cue that follows a number, as in "4471 is my pin"; None for none."""
    near = text_after[:MAX_CUE_DISTANCE]
    return next(
        (cue for name, cue in _patterns_after(_slot_cues(slots)) if name.search(near)), None
    )


SlotCues = tuple[tuple[tuple[str, ...], int, str], ...]


def _slot_cues(slots: Sequence[SlotSpec]) -> SlotCues:
    return tuple((spec.cues, spec.length, spec.label) for spec in slots)


@lru_cache(maxsize=8)
def _patterns_before(slot_cues: SlotCues) -> list[tuple[re.Pattern[str], ContextCue]]:
    return [
        (re.compile(rf"\b(?:{words}){_LINK_BEFORE_NUMBER}"), cue)
        for words, cue in _cue_patterns(slot_cues)
    ]


@lru_cache(maxsize=8)
def _patterns_after(slot_cues: SlotCues) -> list[tuple[re.Pattern[str], ContextCue]]:
    return [
        (re.compile(rf"{_LINK_AFTER_NUMBER}(?:{words})\b"), cue)
        for words, cue in _cue_patterns(slot_cues)
    ]


def _cue_patterns(slot_cues: SlotCues) -> list[tuple[str, ContextCue]]:
    own = [
        ("|".join(map(re.escape, cues)), ContextCue("account" if length >= 6 else "code", 3, label))
        for cues, length, label in slot_cues
        if cues
    ]
    return [
        (_SSN_NAMES, ContextCue("ssn", 4)),
        *own,
        (_CODE_NAMES, ContextCue("code", 3)),
        (_ACCOUNT_NAMES, ContextCue("account", 4)),
    ]
