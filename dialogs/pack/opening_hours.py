"""Opening hours: when a person is available for a handoff, and when next.

Hours are local times in the pack's time zone, so daylight saving does not move them. Pure: the
current time is an argument (tests/dialogs/pack/test_opening_hours.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTES_PER_DAY = 24 * 60  # minutes
MAX_DAYS_AHEAD = 366  # days searched for the next opening
MAX_DAYS_BY_WEEKDAY = 6  # farthest opening named by its weekday alone, without a date
ONE_MINUTE = timedelta(minutes=1)

MinuteRange = tuple[int, int]  # minutes after midnight: from the first, until before the second
ALL_DAY: tuple[MinuteRange, ...] = ((0, MINUTES_PER_DAY),)


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """When people can take over, as people.yaml says; without that file always."""

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    weekly_ranges: tuple[tuple[MinuteRange, ...], ...] = (ALL_DAY,) * 7  # Monday first
    exception_ranges: Mapping[date, tuple[MinuteRange, ...]] = field(default_factory=dict)
    max_wait_s: float = 300.0  # in the queue, before a call-back is offered instead
    ask_again_after_s: float = 600.0  # after an unmet handoff; an earlier request gets the ticket
    issues_tickets: bool = True  # call-backs get a ticket number
    # the flow that asks where a customer can be called back; empty: nobody is called back
    callback_flow: str = ""
    phone_region: str = "US"  # of telephone numbers without a country code, ISO 3166
    # handoffs of high urgency reach a person outside the hours
    urgent_always_reachable: bool = False

    def local_day(self, now: datetime) -> date:
        """The date that it is at `now`, an aware datetime, where the business is."""
        return now.astimezone(self.zone).date()

    def is_open(self, now: datetime) -> bool:
        """Whether a person is available at `now`, an aware datetime."""
        local = now.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        return any(begins <= minute < ends for begins, ends in self._ranges_on(local.date()))

    def next_opening(self, now: datetime) -> datetime | None:
        """The next time a person is available, in the pack's zone: `now` itself when open, None
        when there is no opening within a year."""
        here = now.astimezone(self.zone)
        if self.is_open(here):
            return here
        soonest = here.astimezone(UTC).replace(second=0, microsecond=0) + ONE_MINUTE
        for days in range(MAX_DAYS_AHEAD + 1):
            day = here.date() + timedelta(days)
            if self._ranges_on(day):
                begins = datetime.combine(day, time(), self.zone).astimezone(UTC)
                if (opening := self._first_open_minute(day, max(soonest, begins))) is not None:
                    return opening
        return None

    def next_opening_text(self, now: datetime) -> str:
        """The next opening in words: "today at 2 PM", "tomorrow at 9 AM", "on Friday at 9:30 AM".

        Empty when there is none within a year, or a person is available now.
        """
        opening = self.next_opening(now)
        if opening is None or self.is_open(now):
            return ""
        day, days = opening.date(), (opening.date() - now.astimezone(self.zone).date()).days
        if days == 0:
            day_text = "today"
        elif days == 1:
            day_text = "tomorrow"
        else:
            day_text = (
                f"on {day:%A}" if days <= MAX_DAYS_BY_WEEKDAY else f"on {day:%A, %B} {day.day},"
            )
        return f"{day_text} at {_clock(opening)}"

    def _ranges_on(self, day: date) -> tuple[MinuteRange, ...]:
        return self.exception_ranges.get(day, self.weekly_ranges[day.weekday()])

    def _first_open_minute(self, day: date, moment: datetime) -> datetime | None:
        """The first open minute of a day from `moment`, a UTC time, on: the moment itself, the
        beginning of a range, or the change of clocks that skips one."""
        begins = [
            datetime.combine(day, _local_time(minute), self.zone).replace(fold=fold).astimezone(UTC)
            for minute, _ in self._ranges_on(day)
            for fold in (0, 1)  # when the clocks go back, an hour comes twice
        ]
        for candidate in sorted({moment, *begins, *self._clock_changes(day)}):
            here = candidate.astimezone(self.zone)
            if candidate >= moment and here.date() == day and self.is_open(here):
                return here
        return None

    def _clock_changes(self, day: date) -> list[datetime]:
        """The first minute, in UTC, after the clocks change on a day; mostly none."""
        first = datetime.combine(day, time(), self.zone).astimezone(UTC)
        last = datetime.combine(day + timedelta(1), time(), self.zone).astimezone(UTC)
        before = first.astimezone(self.zone).utcoffset()
        if last.astimezone(self.zone).utcoffset() == before:
            return []
        while last - first > ONE_MINUTE:
            middle = first + ONE_MINUTE * ((last - first) // ONE_MINUTE // 2)
            if middle.astimezone(self.zone).utcoffset() == before:
                first = middle
            else:
                last = middle
        return [last]


def _local_time(minute: int) -> time:
    """A time of day from the minutes after midnight."""
    return time(*divmod(minute, 60))


def _clock(at: datetime) -> str:
    half = "AM" if at.hour < 12 else "PM"
    return f"{at.hour % 12 or 12}{f':{at.minute:02}' if at.minute else ''} {half}"
