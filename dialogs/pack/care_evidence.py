"""Evidence of care: which phrases of a text are enough to recognise a kind of distress.

A phrase that says the kind outright is enough alone, cues are when there are enough of them, each
in words of its own. Held by tests/dialogs/pack/test_care_evidence.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dialogs.pack.phrase_matcher import PatternMatch

CUE_WORDS = 40  # words within which the cues of one kind count together


@dataclass(frozen=True, slots=True)
class PhraseRole:
    """What a phrase means for the kinds it is about: it says them, is a cue, or speaks against.

    `cue` is empty for a phrase that is enough alone. No kinds: the customer takes them back.
    """

    kinds: tuple[str, ...]
    effect: Literal["says", "excepts", "weakens"] = "says"
    cue: str = ""


def sufficient_evidence(
    matches: Sequence[tuple[PhraseRole, PatternMatch]], enough_cues: int
) -> list[PatternMatch]:
    """The phrases by which one kind is recognised; none when they are not enough.

    Words of which an exception takes half count for nothing. A weakening frame takes one cue away,
    so a phrase that is enough alone then needs a cue beside it.
    """
    exceptions = [match for role, match in matches if role.effect == "excepts"]
    valid = [
        (role, match)
        for role, match in matches
        if role.effect == "says" and not any(match.is_covered_by(other) for other in exceptions)
    ]
    needed = enough_cues + any(role.effect == "weakens" for role, _ in matches)
    outright = [match for role, match in valid if not role.cue]
    best: list[PatternMatch] = []
    for _, start in valid:
        near = [one for one in valid if 0 <= one[1].first - start.first < CUE_WORDS]
        has_outright = any(not role.cue for role, _ in near)
        cues = _independent_cues(near)
        if len(cues) + has_outright * enough_cues >= needed and len(cues) >= len(best):
            best = cues or outright
    return outright if best and outright else best


def _independent_cues(matches: Sequence[tuple[PhraseRole, PatternMatch]]) -> list[PatternMatch]:
    """One match of each cue, as many as there are without a word in common."""
    chosen: dict[str, PatternMatch] = {}
    for role, match in sorted(matches, key=lambda one: (one[1].last, -one[1].first)):
        is_apart = all(match.first > other.last for other in chosen.values())
        if role.cue and role.cue not in chosen and is_apart:
            chosen[role.cue] = match
    return list(chosen.values())
