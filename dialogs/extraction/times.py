"""Times of day in a text, as HH:MM.

Without a half of the day an hour from one to six is in the afternoon: offices are not open at
night. A choice ("2 or 3 pm"), a bound ("after 3") and a part of the day without an hour leave the
time open and are spans with a problem. Held by tests/dialogs/extraction/test_times.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dialogs.extraction.number_items import Item
from dialogs.extraction.time_words import UNITS, month_at
from dialogs.extraction.tokens import word_set
from dialogs.extraction.value_spans import Problem, ValueSpan

_NAMED = {"noon": "12:00", "midday": "12:00", "midnight": "00:00"}
_AT = frozenset({"at", "around", "about", "@"})
_BOUNDS = word_set("after before until till between from since earlier later than by")
_PAST, _TO = frozenset({"past", "after"}), frozenset({"to", "till", "before", "of"})
_NOT_BEHIND_TIME = word_set(
    "dollar dollars buck bucks cent cents usd percent % st th $ - / euro euros pounds of"
)
_PARTS = {"morning": "am", "afternoon": "pm", "evening": "pm", "night": "night"}
_VAGUE = frozenset(["quarter", "earliest", "latest", "soonest", "anytime", "whenever"])
_CHOICES = frozenset({"or", "to", "and", "-", "\u2013"})
_ROUND_MINUTES = frozenset({5, 10, 20, 25})
_TWO_DIGITS = range(10, 60)


@dataclass(frozen=True, slots=True)
class TimePhrase:
    """A time that ends before the item `end`. `hour` is None where it cannot be read."""

    end: int
    hour: int | None
    minute: int = 0
    half: str = ""  # "am", "pm" or "night"; empty when not said


class TimePhrases:
    """Reads times in `items`. `is_expected`: one was asked for, so that "two thirty" is one."""

    def __init__(self, items: Sequence[Item], is_expected: bool) -> None:
        self.items, self.is_expected = items, is_expected

    def longest(self, at: int) -> TimePhrase | None:
        """The longest time that begins at an item."""
        return max(self._all(at), key=lambda phrase: phrase.end, default=None)

    def _text(self, at: int) -> str:
        return self.items[at].text if 0 <= at < len(self.items) else ""

    def _number(self, at: int, highest: int = 24) -> int | None:
        item = self.items[at] if 0 <= at < len(self.items) else None
        if item is None or item.kind != "number" or item.value is None or item.is_scale:
            return None
        return int(item.value) if item.value == int(item.value) and item.value <= highest else None

    def _half(self, at: int) -> tuple[str, int]:
        """The half of the day behind a time, and the item behind that."""
        word, after = self._text(at), self._text(at + 1)
        if word in {"am", "pm"}:
            return word, at + 1
        if word in {"a", "p"}:  # "a.m." and "p m"
            dot = after == "."
            if self._text(at + 1 + dot) == "m":
                end = at + 2 + dot
                return f"{word}m", end + (dot and self._text(end) == ".")
        if word in {"in", "at"}:
            place = at + 2 if after in {"the"} else at + 1
            part = _PARTS.get(self._text(place))
            if part and (word == "in") == (part != "night"):
                return part, place + 1
        if word in _PARTS and self._text(at - 1) != "good":
            return _PARTS[word], at + 1
        if word == "tonight":
            return "pm", at  # the word stays, it names the day
        return "", at

    def _all(self, at: int) -> Iterator[TimePhrase]:
        item, text = self.items[at], self.items[at].text
        if item.kind == "clock":
            hour, minute = map(int, re.split("[:h]", text))
            half, end = self._half(at + 1)
            yield TimePhrase(end, hour, minute, half)
            return
        if text in _NAMED:
            yield TimePhrase(at + 1, int(_NAMED[text][:2]), 0, "exact")
            return
        yield from self._from_hour(at)
        start = at + (text in _AT)
        yield from self._hour_first(start, is_announced=start > at)

    def _from_hour(self, at: int) -> Iterator[TimePhrase]:
        """Minutes before or after an hour: "half past ten", "a quarter to five", "25 to 7"."""
        place = at + (self._text(at) == "a" and self._text(at + 1) == "quarter")
        minutes = {"half": 30, "quarter": 15}.get(self._text(place))
        if minutes is None:
            minutes = self._number(place, 59)
        if minutes is None:
            return
        if self._text(place) == "half" and self._number(place + 1, 12) is not None:
            yield TimePhrase(place + 2, None)  # "half three" is 2:30 to some and 3:30 to others
        place += 1 + (self._text(place + 1) in {"minutes", "minute"})
        side = self._text(place)
        hour = self._number(place + 1, 12)
        if hour is None or side not in _PAST | _TO or self._text(place + 2) in _NOT_BEHIND_TIME:
            return
        half, end = self._half(place + 2)
        is_spelled = self._text(place - 1) in {"half", "quarter", "minutes", "minute"}
        if not half and not is_spelled and not self.is_expected:
            return  # "25 to 7" may be numbers
        # "2 to 3 pm" is a choice of two hours, "ten to eleven" may be one
        is_open = not is_spelled and (minutes not in _ROUND_MINUTES or minutes == hour - 1)
        if side == "of" or (side in _TO and is_open):
            yield TimePhrase(end, None)
        elif side in _PAST:
            yield TimePhrase(end, hour, minutes, half)
        else:
            yield TimePhrase(end, (hour - 2) % 12 + 1, 60 - minutes, half)

    def _hour_first(self, at: int, is_announced: bool) -> Iterator[TimePhrase]:
        item = self.items[at] if at < len(self.items) else None
        if item is None or item.kind != "number":
            return
        if re.fullmatch(r"\d{1,2}\.\d\d", item.text):  # "9.30 am"
            half, end = self._half(at + 1)
            if (half or (is_announced and self.is_expected)) and int(item.text[-2:]) < 60:
                hour, minute = map(int, item.text.split("."))
                yield TimePhrase(end, hour, minute, half)
            return
        number = self._number(at, 2400)
        if number is None or (
            item.is_written and len(item.text) > 1 and item.text[0] == "0" and number > 24
        ):
            return
        if number > 24:
            half, end = self._half(at + 1)
            is_clock = item.is_written and len(item.text) in {3, 4} and number % 100 < 60
            if is_clock and half:
                yield TimePhrase(end, number // 100, number % 100, half)
            return
        yield from self._with_minutes(at, number, is_announced)
        half, end = self._half(at + 1)
        if half:
            yield TimePhrase(end, number, 0, half)
        if self._text(at + 1) in {"o'clock", "oclock"}:
            half, end = self._half(at + 2)
            yield TimePhrase(end, number, 0, half)
        ish = at + 1 + (self._text(at + 1) == "ish")
        behind = self._text(ish)
        is_bare = behind not in _NOT_BEHIND_TIME and behind not in UNITS
        follows_number = ish < len(self.items) and self.items[ish].kind in {"number", "ordinal"}
        is_month = ish < len(self.items) and month_at(self.items, ish) is not None
        if is_announced and is_bare and not follows_number and not is_month and number <= 12:
            yield TimePhrase(ish, number)

    def _with_minutes(self, at: int, hour: int, is_announced: bool) -> Iterator[TimePhrase]:
        """Hour and minutes as two numbers: "ten thirty", "nine oh five"."""
        minute = self._number(at + 1, 59)
        end = at + 2
        if minute == 0 and self._number(at + 2, 9):
            minute, end = self._number(at + 2, 9), at + 3
        elif minute not in _TWO_DIGITS:
            return
        half, behind = self._half(end)
        is_spoken = not self.items[at].is_written
        follows = self._text(behind)
        if follows in _NOT_BEHIND_TIME or hour > 24 or minute is None:
            return
        if half or is_announced or (self.is_expected and (is_spoken or behind >= len(self.items))):
            yield TimePhrase(behind, hour, minute, half)


def find_times(
    items: Sequence[Item], is_expected: bool = False, office_hours: bool = True
) -> list[ValueSpan]:
    """The times said, left to right. A bare "2 30" counts only when a time was asked for."""
    phrases = TimePhrases(items, is_expected)
    found: list[tuple[int, int, ValueSpan]] = []
    at = 0
    while at < len(items):
        phrase = phrases.longest(at)
        if phrase is None:
            at += 1
            continue
        value = _clock(phrase, office_hours)
        problem: Problem = (
            "" if value else "unclear_time" if phrase.hour is None else "no_such_time"
        )
        before = items[at - 1].text if at else ""
        if before in _BOUNDS and not problem:
            value, problem = "", "unclear_time"
        if not found or not _is_choice(items, found[-1][1], at, found[-1][2], is_expected):
            start = items[at].start
        else:
            start, value, problem = found.pop()[2].start, "", "unclear_time"
        found.append((at, phrase.end, ValueSpan(start, items[phrase.end - 1].end, value, problem)))
        at = phrase.end
    return _with_bare_choice(items, found, [entry[2] for entry in found])


def find_vague_time(items: Sequence[Item]) -> ValueSpan | None:
    """Words that ask for some time of the day without saying which: "in the afternoon", "after "
    "3"."""
    for at, item in enumerate(items):
        before = items[at - 1] if at else None
        is_bound = before is not None and before.text in _BOUNDS and item.kind == "number"
        is_part = item.text in _PARTS and (before is None or before.text != "good")
        if is_bound or is_part or item.text in _VAGUE:
            return ValueSpan(before.start if before else item.start, item.end, "", "unclear_time")
    return None


def _is_choice(
    items: Sequence[Item], behind: int, at: int, before: ValueSpan, is_expected: bool
) -> bool:
    between = [item.text for item in items[behind:at]]
    return len(between) == 1 and between[0] in _CHOICES and (is_expected or bool(before.value))


def _with_bare_choice(
    items: Sequence[Item], found: Sequence[tuple[int, int, ValueSpan]], spans: list[ValueSpan]
) -> list[ValueSpan]:
    """Spans with the hour before "or" taken in: "2 or 3 pm" leaves the time open."""
    for at, (first, _, span) in enumerate(found):
        if first >= 2 and items[first - 1].text in _CHOICES and items[first - 2].kind == "number":
            value = items[first - 2].value
            if (
                value is not None
                and value <= 12
                and items[first - 1].text != "and"
                or (first >= 3 and items[first - 3].text == "between")
            ):
                spans[at] = ValueSpan(items[first - 2].start, span.end, "", "unclear_time")
    return spans


def _clock(phrase: TimePhrase, office_hours: bool) -> str:
    """HH:MM; empty when there is no such time."""
    hour, minute = phrase.hour, phrase.minute
    if hour is None or hour > 24 or minute > 59 or (hour == 24 and minute):
        return ""
    match phrase.half:
        case "am" | "pm" if hour > 12 or not hour:
            return ""
        case "am":
            hour %= 12
        case "pm":
            hour = hour % 12 + 12
        case "night":
            hour = hour + 12 if 5 < hour < 12 else hour % 12
        case "" if office_hours and 1 <= hour <= 6:
            hour += 12
    return f"{hour % 24:02d}:{minute:02d}"
