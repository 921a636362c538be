"""Rendering of replies from templates, by tone, channel and values.

Only `{name}` is interpreted in a template, so a customer's words can be filled in safely.
Wordings rotate by a counter, never at random. Held by tests/dialogs/test_rendering.py, and that
no text is said in two turns in a row by tests/dialogs/test_dialogue_laws.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from dialogs.pack.model import Pack, Wording
from dialogs.pack.schema import PLACEHOLDER
from dialogs.values import Channel, Tone, Understanding

SPOKEN_CHANNELS: tuple[Channel, ...] = ("voice", "call")


def next_tone(pack: Pack, understanding: Understanding | None, tone: Tone, apologies: int) -> Tone:
    """The tone after a turn: apologetic twice for an upset customer, then brief, neutral when calm.

    Only the certain part of `upset` counts, so weak evidence does not change the tone.
    """
    if understanding is None:
        return tone
    certain = understanding.upset - understanding.upset_spread
    if certain >= pack.apologise_from:
        return "apologetic" if apologies < 2 else "brief"
    if understanding.upset + understanding.upset_spread < pack.calm_below:
        return "neutral"
    return tone


def templates_in_turn(
    wording: Wording, tone: Tone, channel: Channel, counter: int
) -> list[tuple[str, Tone]]:
    """The templates of a reply with their tones, the one to use first: those of `tone`, rotated by
    `counter`, then the neutral ones of the channel, then the brief ones."""
    neutral = wording.voice if channel in SPOKEN_CHANNELS and wording.voice else wording.neutral
    by_tone: dict[Tone, tuple[str, ...]] = {"neutral": neutral, "brief": wording.brief}
    if tone == "apologetic":
        by_tone["apologetic"] = wording.apologetic
    order: list[Tone] = [tone, *(other for other in by_tone if other != tone)]
    templates: list[tuple[str, Tone]] = []
    for one in order:
        lines = by_tone[one]
        first = counter % len(lines) if lines else 0
        templates += [(line, one) for line in (*lines[first:], *lines[:first])]
    return templates


def unlike(texts: Collection[str], text: str, lead_ins: Sequence[str], counter: int) -> str:
    """`text`, with one of the `lead_ins` before it if it is among `texts`."""
    if text not in texts:
        return text
    first = counter % len(lead_ins)
    led = [f"{lead} {text}" for lead in (*lead_ins[first:], *lead_ins[:first])]
    return next((one for one in led if one not in texts), led[0])


def render(template: str, values: Mapping[str, str]) -> str:
    """`template` with each `{name}` replaced; a missing value becomes empty text."""
    text = PLACEHOLDER.sub(lambda place: values.get(place.group(1), ""), template)
    return re.sub(r"\s+([.,?!:])", r"\1", re.sub(r"[ \t]{2,}", " ", text)).strip()


def format_value(value: str, kind: str, channel: Channel, today: date) -> str:
    """A normalised value of type `kind` as text for this channel."""
    spoken = channel in SPOKEN_CHANNELS
    match kind:
        case "amount":
            return _amount(value, spoken)
        case "digits":
            return " ".join(value) if spoken else value
        case "contact":
            return " ".join(value) if spoken and "@" not in value else value
        case "date":
            return _date(value, today)
        case "time":
            return _time(value, spoken)
        case _:
            return value


def format_on_date(value: str, today: date) -> str:
    """A date with its preposition: "today", "tomorrow", "on Friday, November 27"."""
    text = _date(value, today)
    return text if text in {"today", "tomorrow", "yesterday"} else f"on {text}"


def format_telephone_number(number: str, channel: Channel) -> str:
    """A telephone number; on spoken channels digit by digit, with a pause between its groups."""
    if channel not in SPOKEN_CHANNELS:
        return number
    return ", ".join(" ".join(group) for group in re.findall(r"\d+", number))


def _amount(value: str, spoken: bool) -> str:
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return value
    sign = "minus " if amount < 0 and spoken else "-" if amount < 0 else ""
    amount = abs(amount)
    if not spoken:
        return f"{sign}${amount:,.2f}"
    dollars, cents = int(amount), int(amount * 100) % 100
    unit = "dollar" if dollars == 1 else "dollars"
    if not cents:
        return f"{sign}{dollars} {unit}"
    return f"{sign}{dollars} {unit} and {cents} {'cent' if cents == 1 else 'cents'}"


def _date(value: str, today: date) -> str:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return value
    near = {today: "today", today + timedelta(1): "tomorrow", today - timedelta(1): "yesterday"}
    if day in near:
        return near[day]
    year = f", {day.year}" if abs((day - today).days) > 300 else ""
    return f"{day:%A}, {day:%B} {day.day}{year}"


def _time(value: str, spoken: bool) -> str:
    hour, _, minute = value.partition(":")
    if not (hour.isdigit() and minute.isdigit()):
        return value
    half = "AM" if int(hour) < 12 else "PM"
    twelve = int(hour) % 12 or 12
    return f"{twelve} {half}" if spoken and minute == "00" else f"{twelve}:{minute} {half}"
