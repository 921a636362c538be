"""Words about time: names of days and months, and the words that only a read phrase explains.

A word of `is_time_word` that no read day or time covers was not understood, so that nothing may
be assumed in its place (tests/dialogs/extraction/test_dates.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dialogs.extraction.number_items import Item
from dialogs.extraction.tokens import word_set


def _by_first_word(phrases: Iterable[tuple[str, ...]]) -> dict[str, list[tuple[str, ...]]]:
    """Phrases by their first word, so that a text asks only for those that may begin there."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for phrase in phrases:
        found.setdefault(phrase[0], []).append(phrase)
    return found


_WEEKDAYS = (
    "monday mon", "tuesday tues tue tuesdy", "wednesday wed weds wensday wednsday wendsday",
    "thursday thurs thur thu thursdy", "friday fri firday", "saturday sat saterday",
    "sunday sun",
)  # fmt: skip
_MONTHS = (
    "january jan", "february feb febuary", "march mar", "april apr", "may", "june jun", "july jul",
    "august aug", "september sep sept", "october oct", "november nov", "december dec",
)  # fmt: skip
WEEKDAYS = {name: at for at, names in enumerate(_WEEKDAYS) for name in names.split()}
MONTHS = {name: at for at, names in enumerate(_MONTHS, 1) for name in names.split()}
# Short or common words that name a day or a month only beside a word that says so.
_AMBIGUOUS = frozenset({"sat", "sun", "wed", "mon", "may", "march", "mar", "jan"})
_DAY_CUES = word_set(
    "on next this last by until till before after every coming of in from since end"
)
UNITS = {
    "day": "day", "days": "day", "week": "week", "weeks": "week", "wk": "week", "wks": "week",
    "fortnight": "fortnight", "fortnights": "fortnight", "month": "month", "months": "month",
    "year": "year", "years": "year", "yr": "year", "yrs": "year",
}  # fmt: skip
NEAR_DAYS = {
    "today": 0, "tonight": 0, "tonite": 0, "2day": 0, "tomorrow": 1, "tmrw": 1, "tmr": 1, "tmw": 1,
    "tomorow": 1, "tommorow": 1, "tommorrow": 1, "tomorrrow": 1, "tomorro": 1,
    "yesterday": -1, "yday": -1,
}  # fmt: skip
YEARS = (1990, 2099)  # a bare number behind "from", "of" or "in" that is a year
AT_ONCE = frozenset({"now", "immediately", "asap", "instantly"})
DAY_PARTS = frozenset({"morning", "afternoon", "evening", "night", "noon", "midday", "midnight"})

_FIXED_DAYS = {  # words -> month, day
    ("christmas", "eve"): (12, 24), ("xmas", "eve"): (12, 24), ("christmas", "day"): (12, 25),
    ("christmas",): (12, 25), ("xmas",): (12, 25), ("new", "year's", "eve"): (12, 31),
    ("new", "years", "eve"): (12, 31), ("new", "year's", "day"): (1, 1),
    ("new", "years", "day"): (1, 1), ("new", "year's"): (1, 1), ("valentine's", "day"): (2, 14),
    ("halloween",): (10, 31),
}  # fmt: skip
_FEASTS = _by_first_word(_FIXED_DAYS)
_OTHER_TIME_WORDS = word_set(
    "weekend weekends weekly monthly daily yearly annually quarterly fortnightly biweekly "
    "later sometime someday soon easter thanksgiving holiday holidays birthday payday "
    "paycheck salary wages earliest latest whenever recurring repeatedly regularly "
    "anniversary wedding quarter hour hours minute minutes decade o'clock oclock"
)
_CONDITIONS = (("get", "paid"), ("got", "paid"), ("being", "paid"), ("am", "paid"))
# Words that put something off without a day: what they leave open is asked.
_POSTPONING = _by_first_word(
    tuple(phrase.split())
    for phrase in (
        "in a bit", "in a while", "in a little while", "in a moment", "at your convenience",
        "at some point", "at some time", "at your leisure", "at my convenience", "before long",
        "when you can", "when you get a chance", "when you have time", "when convenient",
        "when i can", "when possible", "down the road", "down the line", "in due course",
        "in the future", "in the near future", "another time", "some other time",
        "eventually", "shortly",
    )
)  # fmt: skip
_SOON_IN_PASSING = frozenset({"how", "too", "you", "as", "so"})
# Phrases with a word about time that say nothing about when.
_NO_TIME_BEFORE = word_set("good nice great lovely wonderful bad long busy hard the-other one")
_NO_TIME_AFTER = word_set("bill bills statement fee fees charge invoice old limit interest")
_MOMENTS = frozenset({"minute", "minutes", "hour", "hours", "quarter"})


def weekday_at(items: Sequence[Item], at: int, is_expected: bool = False) -> int | None:
    """The weekday that the item names, 0 for Monday."""
    word = items[at].text if at < len(items) else ""
    found = WEEKDAYS.get(word)
    if found is None or (word in _AMBIGUOUS and not is_expected and not _has_cue(items, at)):
        return None
    return found


def month_at(items: Sequence[Item], at: int) -> int | None:
    """The month that the item names, from 1; a verb or modal ("may i") names none."""
    word = items[at].text if at < len(items) else ""
    found = MONTHS.get(word)
    if found is None or word not in _AMBIGUOUS:
        return found
    behind = at + 2 if at + 1 < len(items) and items[at + 1].text in {".", "the"} else at + 1
    neighbours = [*items[max(0, at - 1) : at], *items[behind : behind + 1]]
    beside_number = any(one.kind in {"number", "ordinal"} for one in neighbours)
    return found if beside_number or _has_cue(items, at) else None


def _has_cue(items: Sequence[Item], at: int) -> bool:
    return at > 0 and items[at - 1].text in _DAY_CUES


def fixed_day_at(items: Sequence[Item], at: int) -> tuple[int, int, int] | None:
    """Month, day and number of items of a feast that is on the same day every year."""
    for words in _FEASTS.get(items[at].text, ()) if at < len(items) else ():
        if _says(items, at, words):
            month, day = _FIXED_DAYS[words]
            return month, day, len(words)
    return None


def _is_duration(items: Sequence[Item], at: int) -> bool:
    """Whether a unit tells how long something has lasted: "a customer for ten years"."""
    counted = at > 0 and (items[at - 1].kind == "number" or items[at - 1].text in {"a", "many"})
    return counted and at > 1 and items[at - 2].text in {"for", "over", "last", "past"}


def _says(items: Sequence[Item], at: int, phrase: tuple[str, ...]) -> bool:
    return tuple(one.text for one in items[at : at + len(phrase)]) == phrase


def is_time_word(items: Sequence[Item], at: int) -> bool:
    """Whether the item is a word about time, here and not in passing ("good morning")."""
    word = items[at].text
    before = items[at - 1].text if at else ""
    after = items[at + 1].text if at + 1 < len(items) else ""
    if before in _NO_TIME_BEFORE or after in _NO_TIME_AFTER or word.endswith("'s"):
        return False
    if word == "soon" and before in _SOON_IN_PASSING:
        return False
    if any(_says(items, at, phrase) for phrase in _POSTPONING.get(word, ())):
        return True
    if word in _MOMENTS:
        return at > 1 and any(one.text in {"in", "within"} for one in items[max(0, at - 3) : at])
    if word in UNITS and (after == "old" or _is_duration(items, at)):
        return False
    plural = word.removesuffix("s")
    if (word, after) in _CONDITIONS:
        return True
    return (
        weekday_at(items, at) is not None
        or (plural != word and len(plural) > 4 and plural in WEEKDAYS)
        or month_at(items, at) is not None
        or word in _OTHER_TIME_WORDS
        or word in NEAR_DAYS
        or (
            word in UNITS
            and not (word == "day" and before in {"all", "every", "these"} and not after)
        )
        or fixed_day_at(items, at) is not None
    )
