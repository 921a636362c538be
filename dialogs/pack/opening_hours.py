"""When is somebody there to take over, and when again?

Hours are those of clocks in the pack's time zone, so they stay where they are when clocks are
changed. Pure: the moment asked about is given (tests/dialogs/test_people.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = 24 * 60  # minutes
AHEAD = 366  # days that are looked through for the next opening
NEAR = 6  # days ahead that are named by their weekday alone
MINUTE = timedelta(minutes=1)

Span = tuple[int, int]  # minutes after midnight: from the first, until before the second
ALWAYS: tuple[Span, ...] = ((0, DAY),)


@dataclass(frozen=True, slots=True)
class People:
    """Those who can take over, as a pack says it; of a pack that says nothing, always."""

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    week: tuple[tuple[Span, ...], ...] = (ALWAYS,) * 7  # Monday first
    exceptions: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)
    longest_wait_s: float = 300.0  # in the queue, before a call back is offered instead
    again_after_s: float = 600.0  # after that: sooner, asking again is answered with the ticket
    tickets: bool = True  # calls back are noted under a number
    urgent_any_time: bool = False  # rules of urgency high reach somebody outside the hours, too

    def open(self, now: datetime) -> bool:
        """Whether somebody is there at `now`, an aware datetime."""
        here = now.astimezone(self.zone)
        minute = here.hour * 60 + here.minute
        return any(begins <= minute < ends for begins, ends in self._spans(here.date()))

    def opens_next(self, now: datetime) -> datetime | None:
        """The moment somebody is there again, in the pack's zone: `now` itself when open, None
        when it is not within a year."""
        here = now.astimezone(self.zone)
        if self.open(here):
            return here
        soonest = here.astimezone(UTC).replace(second=0, microsecond=0) + MINUTE
        for days in range(AHEAD + 1):
            day = here.date() + timedelta(days)
            if self._spans(day):
                begins = datetime.combine(day, time(), self.zone).astimezone(UTC)
                if (opening := self._opening(day, max(soonest, begins))) is not None:
                    return opening
        return None

    def opens_in_words(self, now: datetime) -> str:
        """ "today at 2 PM", "tomorrow at 9 AM", "on Friday at 9:30 AM"; empty when that is not
        known, or somebody is there now."""
        opening = self.opens_next(now)
        if opening is None or self.open(now):
            return ""
        day, days = opening.date(), (opening.date() - now.astimezone(self.zone).date()).days
        if days == 0:
            named = "today"
        elif days == 1:
            named = "tomorrow"
        else:
            named = f"on {day:%A}" if days <= NEAR else f"on {day:%A, %B} {day.day},"
        return f"{named} at {_clock(opening)}"

    def _spans(self, day: date) -> tuple[Span, ...]:
        return self.exceptions.get(day, self.week[day.weekday()])

    def _opening(self, day: date, moment: datetime) -> datetime | None:
        """The first minute of a day, from `moment` on, in which somebody is there. Minute by
        minute: in some nights the clock jumps over an opening, or shows one twice."""
        while (here := moment.astimezone(self.zone)).date() == day:
            if self.open(here):
                return here
            moment += MINUTE
        return None


def _clock(at: datetime) -> str:
    half = "AM" if at.hour < 12 else "PM"
    return f"{at.hour % 12 or 12}{f':{at.minute:02}' if at.minute else ''} {half}"
