"""Shares and remainders that only a balance could turn into an amount: "half of it", "the rest".

Held by tests/dialogs/extraction/test_amounts.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dialogs.extraction.value_spans import ValueSpan

_SHARE = (
    r"(?:all|half|most|both|everything|whatever|two thirds|one third|a third"
    r"|a quarter|three quarters|a fifth|a tenth)"
)
_MOVING = r"(?:transfer|move|send|pay|put|take|withdraw|wire|empty|want|dispute)(?:ing|ring)?"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b{_SHARE} of (?:it|this|that|them|my|the|what|his|her|our)\b(?: \w+){{0,2}}",
        rf"\b{_SHARE} (?:my|the|this|that|our) (?:money|balance|funds|cash|savings|checking"
        rf"|account)\b",
        rf"\b{_MOVING} (?:me |it |over )?(?:\w+ )?{_SHARE}\b(?! accounts| right| set| good)",
        r"\b(?:the |my )?(?:rest|remainder|remaining|leftover)\b(?: of (?:it|the|my))?(?: \w+)?",
        r"\b(?:the |my )(?:whole|entire|full|total|complete|outstanding|minimum|maximum) "
        r"(?:amount|balance|bill|sum|thing|account|payment|due)",
        r"\bas (?:much|little) as (?:possible|i can|you can|allowed|there is)",
        r"\b(?:whatever|everything|all)(?: that)?(?: i| is|'s| i'm)? (?:left|owe|owed|due|have"
        r"|got)\b",
        r"\b(?:everything|all) (?:in|from|out of) (?:my|the|it)\b",
        r"\bsome money\b(?= (?:or|maybe))",
    )
)
# Whole answers to the question how much.
_ANSWER = re.compile(
    r"\W*(?:(?:just|um|uh|well|i'd say|let's say|please|maybe|actually|oh|then|make it|do|pay"
    r"|the|my|a|"
    r"one|two|three|about|around)\s+)*"
    r"(?:all|everything|half|both|rest|remainder|third|thirds|quarter|quarters|most|whole thing"
    r"|lot|"
    r"full amount|maximum|max|minimum|same(?: \w+){0,4}|some|whatever(?: \w+){0,4}|"
    r"(?:as )?much as (?:possible|i can))(?: (?:of|i|it|them|that|in|my|the|have|please|there"
    r"|is)\b)*\W*"
)


def find_relative_amounts(folded: str, is_expected: bool) -> Iterator[ValueSpan]:
    """Spans with the problem "relative"; whole answers count only when an amount was asked for."""
    if is_expected and (answer := _ANSWER.fullmatch(folded[:200])):
        yield ValueSpan(answer.start(), answer.end(), "", "relative")
        return
    end = 0
    for match in sorted(
        (match for pattern in _PATTERNS for match in pattern.finditer(folded)),
        key=lambda match: match.start(),
    ):
        if match.start() >= end:
            end = match.end()
            yield ValueSpan(match.start(), end, "", "relative")
