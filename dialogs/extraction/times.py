"""Extraction of times of day from text whose numbers are digits.

Held by tests/dialogs/extraction/test_slots.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_HOUR = r"(?P<h>\d{1,2})"
_HALF = (
    r"(?:\s*(?P<half>a\.?\s?m\.?|p\.?\s?m\.?|in the morning|in the afternoon|in the evening"
    r"|at night|o'?\s?clock|morning|afternoon|evening|night)(?![a-z]))"
)
TIME_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?P<noon>noon|midday|midnight)\b",
        rf"\b(?P<past>half|quarter|\d{{1,2}})(?: minutes?)? (?P<side>past|to|after|before|till) "
        rf"{_HOUR}\b(?![:.]\d){_HALF}?",
        rf"\b{_HOUR}[:.](?P<mi>[0-5]\d)\b{_HALF}?",
        rf"\b{_HOUR} (?P<mi>[0-5]\d){_HALF}",
        rf"\b{_HOUR}{_HALF}",
        rf"\b(?:at|around|about|by|after|before|earlier than|later than) {_HOUR}(?:ish)?"
        r"(?: (?P<mi>[0-5]\d))?\b(?!\s*(?:[-/.,]?\d|dollar|buck|cent|day|week|month|%|st\b|th\b))",
        rf"(?<![\d$.,/-]){_HOUR} (?P<mi>[0-5]\d)\b(?![\d.,]| \d|\s*(?:dollar|buck|cent))",
    )
)


@dataclass(frozen=True, slots=True)
class ValueSpan:
    """A normalised value and its place in the text, end exclusive."""

    start: int
    end: int
    value: str


def find_times(text: str, office_hours: bool = True, is_expected: bool = False) -> list[ValueSpan]:
    """Times as HH:MM, left to right; a bare "2 30" counts only when a time was asked for.

    With `office_hours`, "at three" is in the afternoon.
    """
    spans: list[ValueSpan] = []
    for pattern in TIME_PATTERNS if is_expected else TIME_PATTERNS[:-1]:
        for match in pattern.finditer(text):
            if any(match.start() < span.end and span.start < match.end() for span in spans):
                continue
            clock = _clock(match.groupdict(), office_hours)
            if clock:
                spans.append(ValueSpan(match.start(), match.end(), clock))
    return sorted(spans, key=lambda span: span.start)


def _clock(part: dict[str, str | None], office_hours: bool) -> str:
    if noon := part.get("noon"):
        return "00:00" if noon == "midnight" else "12:00"
    hour, minute = int(part["h"] or 0), int(part.get("mi") or 0)
    if past := part.get("past"):
        minute = {"half": 30, "quarter": 15}.get(past, int(past) if past.isdigit() else 0)
        if part["side"] not in {"past", "after"}:
            hour, minute = hour - 1, 60 - minute
    half = (part.get("half") or "").replace(".", "").replace(" ", "")
    late = half.startswith("p") or "afternoon" in half or "evening" in half
    if (late and hour < 12) or ("night" in half and 5 < hour < 12):
        hour += 12
    elif half.startswith("a") and hour == 12:
        hour = 0
    elif office_hours and (not half or "clock" in half) and 1 <= hour <= 6:
        hour += 12
    return f"{hour:02d}:{minute:02d}" if 0 <= hour < 24 and 0 <= minute < 60 else ""
