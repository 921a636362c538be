"""When somebody is there, when again, and what is wrong with hours that are none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dialogs.pack.loader import load_pack
from dialogs.pack.opening_hours import ALL_DAY, MINUTES_PER_DAY, OpeningHours
from dialogs.pack.yaml_source import PackError
from tests.support.packs import copy_bank_pack

NEW_YORK = ZoneInfo("America/New_York")
MINUTE = timedelta(minutes=1)


def at(said: str, zone: ZoneInfo = NEW_YORK) -> datetime:
    return datetime.fromisoformat(said).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("now", "there", "again"),
    [
        ("2026-11-24T07:59:59", False, "today at 8 AM"),
        ("2026-11-24T08:00", True, ""),
        ("2026-11-24T19:59", True, ""),
        ("2026-11-24T20:00", False, "tomorrow at 8 AM"),
        ("2026-11-25T21:00", False, "on Friday at 8 AM"),  # Thanksgiving is between
        ("2026-11-28T14:00", False, "on Monday at 8 AM"),
        ("2026-12-24T13:00", False, "on Saturday at 9 AM"),
    ],
)
def test_the_hours_of_the_built_in_pack(pack, now, there, again):
    assert pack.opening_hours.is_open(at(now)) == there
    assert pack.opening_hours.next_opening_text(at(now)) == again


def test_hours_are_those_of_the_packs_clock(pack):
    assert pack.opening_hours.is_open(datetime(2026, 11, 24, 13, 0, tzinfo=UTC))
    assert not pack.opening_hours.is_open(datetime(2026, 11, 24, 12, 59, tzinfo=UTC))
    assert not pack.opening_hours.is_open(datetime(2026, 7, 7, 11, 59, tzinfo=UTC))
    assert pack.opening_hours.is_open(datetime(2026, 7, 7, 12, 0, tzinfo=UTC))


def test_a_pack_that_says_nothing_is_always_there(pack, tmp_path):
    folder = copy_bank_pack(tmp_path / "pack")
    (folder / "people.yaml").unlink()
    flows = folder / "flows.yaml"
    text = flows.read_text()  # the flow for calling back is the one that people.yaml names
    flows.write_text(text[: text.index("  call_back:")] + text[text.index("  talk_to_person:") :])
    people = load_pack(folder).opening_hours
    assert people == OpeningHours()
    assert people.is_open(at("2026-12-25T03:00"))
    assert people.next_opening_text(at("2026-12-25T03:00")) == ""


def test_a_day_far_off_is_named_in_full_and_one_that_never_comes_not_at_all():
    far = OpeningHours(NEW_YORK, ((),) * 7, {date(2026, 12, 14): ((570, 720),)})
    assert far.next_opening_text(at("2026-11-24T10:00")) == "on Monday, December 14, at 9:30 AM"
    assert far.next_opening_text(at("2026-12-14T12:00")) == ""
    assert far.next_opening(at("2026-12-14T12:00")) is None


def test_noon_and_midnight_in_words():
    noon = OpeningHours(UTC, (((0, 30), (MINUTES_PER_DAY // 2, MINUTES_PER_DAY)),) * 7)
    assert noon.next_opening_text(at("2026-11-24T10:00", UTC)) == "today at 12 PM"
    dark = OpeningHours(UTC, (((0, 30),),) * 7)
    assert dark.next_opening_text(at("2026-11-24T10:00", UTC)) == "tomorrow at 12 AM"


SPANS = st.lists(st.integers(0, MINUTES_PER_DAY), max_size=6, unique=True).map(
    lambda cuts: tuple(zip(sorted(cuts)[::2], sorted(cuts)[1::2], strict=False))
)
# In these nights clocks are put forward or back, or (Samoa) a whole day is left out.
NIGHTS = [
    ("America/New_York", datetime(2026, 3, 8, 6, 0, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 4, 0, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 14, 0, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 6, 0, tzinfo=UTC)),
]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(SPANS, min_size=7, max_size=7).map(tuple), st.sampled_from(NIGHTS), st.integers(0, 600)
)
@example((((120, 180),),) * 7, NIGHTS[0], 0)
@example((((30, 75),),) * 7, NIGHTS[1], 90)
def test_nobody_is_there_before_the_next_opening_and_somebody_then(week, night, minutes):
    zone, began = night
    people, now = OpeningHours(ZoneInfo(zone), week), began + minutes * MINUTE
    opening = people.next_opening(now)
    if not any(week):
        assert opening is None
        return
    assert opening is not None
    assert people.is_open(opening)
    between = min(opening.astimezone(UTC) - now, timedelta(days=2)) // MINUTE
    assert not any(people.is_open(now + step * MINUTE) for step in range(between))


@given(st.datetimes(timezones=st.just(UTC), max_value=datetime(9998, 1, 1)))
def test_around_the_clock_is_always(now):
    people = OpeningHours(NEW_YORK, (ALL_DAY,) * 7)
    assert people.is_open(now)
    assert people.next_opening(now) == now


@pytest.mark.parametrize(
    ("old", "new", "says", "named"),
    [
        ("America/New_York", "America/New_Yrok", 'did you mean "America/New_York"', "zone:"),
        ("monday: 08:00", "mondy: 08:00", "Input should be 'monday'", "mondy"),
        ("saturday: 09:00-14:00", "saturday: 9 to 5", "neither hours like", "saturday"),
        ("saturday: 09:00-14:00", "saturday: 20:00-02:00", "cut it at midnight", "saturday"),
        ("saturday: 09:00-14:00", "saturday: 09:00-24:01", "ends at 24:00", "saturday"),
        ("saturday: 09:00-14:00", "saturday: 09:00-09:60", "ends at 24:00", "saturday"),
        ("saturday: 09:00-14:00", "saturday: 09:00-12:00, 11:00-13:00", "overlap", "saturday"),
        ("saturday: 09:00-14:00", "saturday: closed, 11:00-13:00", "neither", "saturday"),
        ("2026-12-25: closed", "christmas: closed", "is not a date like", "christmas"),
        ("2026-12-25: closed", "2026-12-32: closed", "not readable YAML", "When people"),
        ("2026-12-24: 08:00", "2026-12-24: 8", "neither hours", "12-24"),
        ("longest_wait_s: 300", "longest_wait: 300", 'did you mean "longest_wait_s"', "longest"),
        ("longest_wait_s: 300", "longest_wait_s: 0", "greater than 0", "longest"),
        ("tickets: true", "tickets: perhaps", "boolean", "tickets"),
        ("call_back_with: call_back", "call_back_with: call_bak", "no flow", "call_bak"),
        ("with: call_back", "with: verify", "one slot of type contact", "with: verify"),
        ("phone_region: US", "phone_region: America", "match", "phone_region"),
    ],
)
def test_each_way_to_break_it(pack, tmp_path, old, new, says, named):
    folder = copy_bank_pack(tmp_path / "pack")
    file = folder / "people.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(PackError) as caught:
        load_pack(folder)
    error = caught.value
    assert error.file == file
    assert says in error.message
    assert named in file.read_text().splitlines()[error.line - 1]


@pytest.mark.parametrize(
    ("old", "says"),
    [("      - confirm: callback.confirm\n", "read the contact back"),
     ("do: arrange_callback", "do: arrange_callback")],
)  # fmt: skip
def test_a_call_back_is_read_back_before_it_is_promised(pack, tmp_path, old, says):
    folder = copy_bank_pack(tmp_path / "pack")
    file = folder / "flows.yaml"
    file.write_text(file.read_text().replace(old, "do: something" if "do:" in old else ""))
    with pytest.raises(PackError) as caught:
        load_pack(folder)
    assert says in caught.value.message
    assert caught.value.file.name == "people.yaml"


def test_several_spans_of_a_day(pack, tmp_path):
    folder = copy_bank_pack(tmp_path / "pack")
    file = folder / "people.yaml"
    file.write_text(file.read_text().replace("08:00-20:00", "13:00-24:00, 8:30-12:00", 1))
    people = load_pack(folder).opening_hours
    assert people.weekly_ranges[0] == ((510, 720), (780, MINUTES_PER_DAY))
    assert people.next_opening_text(at("2026-11-23T12:00")) == "today at 1 PM"
