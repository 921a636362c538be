"""Parser of people.yaml: opening hours as ranges of minutes, with errors by line.

Without the file a person is always available.
"""

from __future__ import annotations

import re
from datetime import date
from zoneinfo import ZoneInfo, available_timezones

from dialogs.pack.opening_hours import MINUTES_PER_DAY, MinuteRange, OpeningHours
from dialogs.pack.schema import WEEKDAYS, PeopleYaml
from dialogs.pack.yaml_source import YamlFile, YamlPath, did_you_mean

CLOSED = "closed"
_RANGE = re.compile(r"(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)")


def build_opening_hours(yaml_file: YamlFile) -> OpeningHours:
    """The opening hours of a pack; PackError with the line for invalid hours."""
    source = yaml_file.read_as(PeopleYaml)
    if source.zone not in available_timezones():
        hint = did_you_mean(source.zone, available_timezones())
        message = f'there is no time zone "{source.zone}"{hint}'
        raise yaml_file.error_at(["zone"], message)
    hours = {
        day: _parse_ranges(yaml_file, ["hours", day], message)
        for day, message in source.hours.items()
    }
    return OpeningHours(
        zone=ZoneInfo(source.zone),
        weekly_ranges=tuple(hours.get(day, ()) for day in WEEKDAYS),
        exception_ranges={
            _parse_day(yaml_file, day): _parse_ranges(yaml_file, ["exceptions", day], message)
            for day, message in source.exceptions.items()
        },
        max_wait_s=source.longest_wait_s,
        ask_again_after_s=source.again_after_s,
        issues_tickets=source.tickets,
        callback_flow=source.call_back_with if source.tickets else "",
        phone_region=source.phone_region,
        urgent_always_reachable=source.urgent_any_time,
    )


def _parse_day(yaml_file: YamlFile, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise yaml_file.error_at(
            ["exceptions", text], f'"{text}" is not a date like 2026-12-25'
        ) from None


def _parse_ranges(yaml_file: YamlFile, path: YamlPath, text: str) -> tuple[MinuteRange, ...]:
    if text == CLOSED:
        return ()
    ranges = sorted(_parse_range(yaml_file, path, one.strip()) for one in text.split(","))
    for (_, ends), (begins, _) in zip(ranges, ranges[1:], strict=False):
        if begins < ends:
            raise yaml_file.error_at(path, f"{path[-1]}: two of these hours overlap")
    return tuple(ranges)


def _parse_range(yaml_file: YamlFile, path: YamlPath, text: str) -> MinuteRange:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise yaml_file.error_at(path, f'"{text}" is neither hours like 09:00-17:00 nor "{CLOSED}"')
    first, first_minute, last, last_minute = map(int, match.groups())
    begins, ends = first * 60 + first_minute, last * 60 + last_minute
    if max(first_minute, last_minute) > 59 or ends > MINUTES_PER_DAY:
        raise yaml_file.error_at(path, f'"{text}": a day ends at 24:00')
    if begins >= ends:
        raise yaml_file.error_at(path, f'"{text}" ends before it begins; cut it at midnight')
    return begins, ends
