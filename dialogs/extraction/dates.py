"""Days in a text, and the words about time that no day or time explains.

A weekday is the next one to come, "next friday" is the friday of next week, a day without a year
is the nearest one ahead. Two days to choose from, a day that does not exist and words that leave
the day open are spans with a problem. Held by tests/dialogs/extraction/test_dates.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from dialogs.extraction.amount_words import SUMS
from dialogs.extraction.date_phrases import DatePhrases
from dialogs.extraction.number_items import Item
from dialogs.extraction.time_words import DAY_PARTS, is_time_word
from dialogs.extraction.tokens import word_set
from dialogs.extraction.value_spans import Problem, ValueSpan, overlaps

NEAR = 3  # items between a day and an unread word about time that belongs to it
# A day with one of these before it is not that day.
_NOT_THE_DAY = frozenset(
    ["before", "after", "until", "till", "since", "past", "around", "within", "every", "each"]
)
_BETWEEN_DAYS = frozenset({"or", "to", "-", "\u2013", "till", "until", "through"})
_LOOSE = frozenset(["later", "sometime", "early", "late", "soon"])  # these leave the day as it is
_LINKS = word_set("a an the of on in at by for this next from and , . it to my is be")


def find_dates(
    items: Sequence[Item], today: date, times: Sequence[ValueSpan] = (), is_expected: bool = False
) -> list[ValueSpan]:
    """The days said, left to right, as ISO 8601; `times` are the times of day already read.

    A bare "4th" counts only when a day was asked for.
    """
    phrases = DatePhrases(items, today, is_expected)
    found: list[tuple[int, int, ValueSpan]] = []  # first item, item behind, span
    at, next_time = 0, 0
    while at < len(items):
        while next_time < len(times) and times[next_time].end <= items[at].start:
            next_time += 1
        in_time = next_time < len(times) and times[next_time].start <= items[at].start
        phrase = None if in_time else phrases.longest(at)
        if phrase is None:
            at += 1
            continue
        problem: Problem = phrase.problem
        if at and items[at - 1].text in _NOT_THE_DAY and not problem:
            problem = "unclear_day"
        value = phrase.day.isoformat() if phrase.day and not problem else ""
        start, end = items[at].start, items[phrase.end - 1].end
        found.append((at, phrase.end, ValueSpan(start, end, value, problem)))
        at = phrase.end
    found = _with_choices(items, found)
    return _with_unread(items, found, times)


def _with_choices(
    items: Sequence[Item], found: list[tuple[int, int, ValueSpan]]
) -> list[tuple[int, int, ValueSpan]]:
    """Two days with "or" or "to" between them as one span that leaves the day open."""
    merged: list[tuple[int, int, ValueSpan]] = []
    for first, behind, span in found:
        if merged:
            _, before_end, before = merged[-1]
            between = [item.text for item in items[before_end:first]]
            starts_between = merged[-1][0] and items[merged[-1][0] - 1].text == "between"
            is_choice = len(between) == 1 and (
                between[0] in _BETWEEN_DAYS or (between[0] == "and" and starts_between)
            )
            if is_choice:
                open_span = ValueSpan(before.start, span.end, "", "unclear_day")
                merged[-1] = (merged[-1][0], behind, open_span)
                continue
        merged.append((first, behind, span))
    return merged


def _with_unread(
    items: Sequence[Item],
    found: list[tuple[int, int, ValueSpan]],
    times: Sequence[ValueSpan],
) -> list[ValueSpan]:
    """The spans, and a problem for the words about time that nothing explains: at the day beside
    them, which they may change, or else by themselves."""
    covered = [False] * len(items)
    for first, behind, _ in found:
        covered[first:behind] = [True] * (behind - first)
    next_time = 0
    unread: list[int] = []
    for at, item in enumerate(items):
        while next_time < len(times) and times[next_time].end <= item.start:
            next_time += 1
        in_time = next_time < len(times) and times[next_time].start <= item.start
        if covered[at] or in_time or item.text in {"early", "late"}:
            continue
        is_part = item.text in DAY_PARTS and at > 0 and items[at - 1].text in {"the", "by", "this"}
        is_year = _is_year(item) and at > 0 and items[at - 1].text in {"in", "year", "of", "by"}
        is_year = is_year and (at < 2 or items[at - 2].text not in SUMS)  # "a payment of 2000"
        if is_part or is_year or is_time_word(items, at):
            unread.append(at)
    spans = {id(entry[2]): entry[2] for entry in found}
    alone: list[int] = []
    for at in unread:
        beside = next((entry for entry in found if _belongs(items, at, entry)), None)
        if beside is None:
            if not any(
                span.value and items[at].text in _LOOSE | DAY_PARTS for span in spans.values()
            ):
                alone.append(at)
        elif items[at].text not in _LOOSE | DAY_PARTS:
            span = beside[2]
            start, end = min(span.start, items[at].start), max(span.end, items[at].end)
            spans[id(span)] = ValueSpan(start, end, "", span.problem or "unclear_day")
    result = list(spans.values())
    if alone:
        start, end = items[alone[0]].start, items[alone[0]].end
        for at in alone[1:]:
            if all(item.text in _LINKS for item in items if end <= item.start < items[at].start):
                end = items[at].end
            else:
                break
        if not overlaps(start, end, result):
            result.append(ValueSpan(start, end, "", "unclear_day"))
    return sorted(result, key=lambda span: span.start)


def _is_year(item: Item) -> bool:
    return item.is_written and len(item.text) == 4 and item.text[:2] in {"19", "20"}


def _belongs(items: Sequence[Item], at: int, entry: tuple[int, int, ValueSpan]) -> bool:
    """Whether only links stand between an unread word and a day."""
    first, behind, _ = entry
    between = items[at + 1 : first] if at < first else items[behind:at]
    return len(between) <= NEAR and all(item.text in _LINKS for item in between)
