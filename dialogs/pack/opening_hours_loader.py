"""How do the hours of people.yaml become spans of minutes, and what is wrong with them?

A pack need not have the file: somebody is always there then.
"""

from __future__ import annotations

import re
from datetime import date
from zoneinfo import ZoneInfo, available_timezones

from dialogs.pack.opening_hours import DAY, People, Span
from dialogs.pack.schema import PeopleText, Weekday
from dialogs.pack.yaml_source import Page, Trail, nearest

CLOSED = "closed"
_SPAN = re.compile(r"(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)")
WEEK: tuple[Weekday, ...] = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip


def people(page: Page) -> People:
    """PackError, with the line, for hours that are none."""
    given = page.checked(PeopleText)
    if given.zone not in available_timezones():
        said = f'there is no time zone "{given.zone}"{nearest(given.zone, available_timezones())}'
        raise page.error(["zone"], said)
    hours = {day: _spans(page, ["hours", day], said) for day, said in given.hours.items()}
    return People(
        zone=ZoneInfo(given.zone),
        week=tuple(hours.get(day, ()) for day in WEEK),
        exceptions={
            _day(page, day): _spans(page, ["exceptions", day], said)
            for day, said in given.exceptions.items()
        },
        longest_wait_s=given.longest_wait_s,
        again_after_s=given.again_after_s,
        tickets=given.tickets,
        urgent_any_time=given.urgent_any_time,
    )


def _day(page: Page, said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise page.error(["exceptions", said], f'"{said}" is no day like 2026-12-25') from None


def _spans(page: Page, where: Trail, said: str) -> tuple[Span, ...]:
    if said == CLOSED:
        return ()
    spans = sorted(_span(page, where, one.strip()) for one in said.split(","))
    for (_, ends), (begins, _) in zip(spans, spans[1:], strict=False):
        if begins < ends:
            raise page.error(where, f"{where[-1]}: two of these hours overlap")
    return tuple(spans)


def _span(page: Page, where: Trail, said: str) -> Span:
    found = _SPAN.fullmatch(said)
    if found is None:
        raise page.error(where, f'"{said}" is neither hours like 09:00-17:00 nor "{CLOSED}"')
    first, first_minute, last, last_minute = map(int, found.groups())
    begins, ends = first * 60 + first_minute, last * 60 + last_minute
    if max(first_minute, last_minute) > 59 or ends > DAY:
        raise page.error(where, f'"{said}": a day ends at 24:00')
    if begins >= ends:
        raise page.error(where, f'"{said}" ends before it begins; cut it at midnight')
    return begins, ends
