from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from reservations.domain.calendar import (
    OFF_PEAK,
    PEAK,
    Band,
    Calendar,
    Hours,
    Uncovered,
    cut,
    gaps,
    kind_at,
    overlaps,
    standard,
)
from reservations.domain.slots import Slot

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
WORKING = standard()
# A zone's two changes, as the tz database has them: half an hour at Lord Howe, two hours at Troll, at
# midnight in Santiago, a whole day in Apia, and one back for Ramadan in Casablanca.
CHANGES = [
    ("Europe/Berlin", datetime(2027, 3, 28, 1, tzinfo=UTC), timedelta(hours=1)),
    ("Europe/Berlin", datetime(2027, 10, 31, 1, tzinfo=UTC), -timedelta(hours=1)),
    ("America/New_York", datetime(2027, 3, 14, 7, tzinfo=UTC), timedelta(hours=1)),
    ("America/New_York", datetime(2027, 11, 7, 6, tzinfo=UTC), -timedelta(hours=1)),
    ("Australia/Lord_Howe", datetime(2027, 4, 3, 15, tzinfo=UTC), -timedelta(minutes=30)),
    ("Australia/Lord_Howe", datetime(2027, 10, 2, 15, 30, tzinfo=UTC), timedelta(minutes=30)),
    ("Antarctica/Troll", datetime(2027, 3, 28, 1, tzinfo=UTC), timedelta(hours=2)),
    ("America/Santiago", datetime(2026, 9, 6, 4, tzinfo=UTC), timedelta(hours=1)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC), timedelta(hours=24)),
    ("Africa/Casablanca", datetime(2026, 2, 15, 2, tzinfo=UTC), -timedelta(hours=1)),
]
# Where each boundary of the day lies around the hours at which clocks change.
NIGHTLY = Calendar(
    tuple(
        Band(day, start, end, kind)
        for day in range(7)
        for start, end, kind in (
            (0, 75, OFF_PEAK), (75, 110, PEAK), (110, 135, OFF_PEAK),
            (135, 1410, PEAK), (1410, 1440, OFF_PEAK),
        )
    ),
    holidays_off_peak=True,
)  # fmt: skip


def by_the_wall_clock(calendar: Calendar, at: datetime, zone: ZoneInfo, holidays: set[date]) -> str:
    """What the table says of the time that a clock shows: nothing of how `cut` finds it."""
    local = at.astimezone(zone)
    if calendar.holidays_off_peak and local.date() in holidays:
        return OFF_PEAK
    minute = local.hour * 60 + local.minute
    (band,) = (
        band
        for band in calendar.bands
        if band.weekday == local.weekday() and band.start_minute <= minute < band.end_minute
    )
    return band.kind


def require_parts(calendar: Calendar, slot: Slot, zone: ZoneInfo, holidays: set[date]) -> None:
    parts = cut(calendar, slot, zone, holidays)
    assert parts[0][0].start == slot.start
    assert parts[-1][0].end == slot.end
    for (one, kind), (other, next_kind) in zip(parts, parts[1:], strict=False):
        assert one.end == other.start
        assert kind != next_kind
    for part, kind in parts:
        assert part.start < part.end
        for at in {part.start, part.start + part.length / 2, part.end - timedelta(microseconds=1)}:
            assert by_the_wall_clock(calendar, at, zone, holidays) == kind


def test_the_standard_week_is_covered_once_and_has_sixty_peak_hours() -> None:
    assert not [*gaps(WORKING)]
    assert not [*overlaps(WORKING)]
    assert WORKING.hours_of(PEAK) == timedelta(hours=60)
    assert WORKING.hours_of(PEAK) + WORKING.hours_of(OFF_PEAK) == 7 * DAY


@pytest.mark.parametrize("calendar", [WORKING, NIGHTLY])
@pytest.mark.parametrize(("name", "change", "by"), CHANGES)
def test_every_quarter_hour_around_a_clock_change_is_what_the_clock_shows(
    calendar: Calendar, name: str, change: datetime, by: timedelta
) -> None:
    zone = ZoneInfo(name)
    before, after = ((change + step).astimezone(zone).utcoffset() for step in (-MINUTE, timedelta()))
    assert after is not None
    assert before is not None
    assert after - before == by
    whole = Slot(change - 2 * DAY, change + 2 * DAY)
    require_parts(calendar, whole, zone, set())
    of_whole = cut(calendar, whole, zone)
    for number in range(0, 4 * 96 - 7, 3):
        slot = Slot(whole.start + number * 15 * MINUTE, whole.start + (number + 7) * 15 * MINUTE)
        require_parts(calendar, slot, zone, set())
        within = [(part, kind) for one, kind in of_whole if (part := one.within(slot))]
        assert within == [*cut(calendar, slot, zone)]


def test_the_working_day_after_the_clocks_go_forward_begins_an_hour_earlier_in_utc() -> None:
    paris = ZoneInfo("Europe/Paris")
    friday = Slot(datetime(2027, 3, 26, tzinfo=UTC), datetime(2027, 3, 27, tzinfo=UTC))
    monday = Slot(datetime(2027, 3, 29, tzinfo=UTC), datetime(2027, 3, 30, tzinfo=UTC))
    (peak,) = (part for part, kind in cut(WORKING, friday, paris) if kind == PEAK)
    assert (peak.start.hour, peak.end.hour) == (7, 19)
    (peak,) = (part for part, kind in cut(WORKING, monday, paris) if kind == PEAK)
    assert (peak.start.hour, peak.end.hour) == (6, 18)


def test_an_hour_that_is_shown_twice_is_twice_of_its_kind_and_one_jumped_over_of_none() -> None:
    early = Calendar(
        tuple(
            Band(day, start, end, kind)
            for day in range(7)
            for start, end, kind in ((0, 120, OFF_PEAK), (120, 180, PEAK), (180, 1440, OFF_PEAK))
        ),
        holidays_off_peak=False,
    )
    berlin = ZoneInfo("Europe/Berlin")

    def peak_hours(day: date) -> timedelta:
        midnight = datetime(day.year, day.month, day.day, tzinfo=berlin)
        slot = Slot(midnight.astimezone(UTC), (midnight + DAY).astimezone(UTC))
        return sum((part.length for part, kind in cut(early, slot, berlin) if kind == PEAK), timedelta())

    assert peak_hours(date(2027, 3, 27)) == timedelta(hours=1)
    assert peak_hours(date(2027, 3, 28)) == timedelta(0)
    assert peak_hours(date(2027, 10, 31)) == timedelta(hours=2)


def test_a_holiday_is_off_peak_from_midnight_to_midnight_of_the_place() -> None:
    kolkata, republic_day = ZoneInfo("Asia/Kolkata"), date(2027, 1, 26)  # a Tuesday, half an hour off
    week = Slot(datetime(2027, 1, 25, tzinfo=UTC), datetime(2027, 1, 28, tzinfo=UTC))
    with_it = [part for part, kind in cut(WORKING, week, kolkata, {republic_day}) if kind == PEAK]
    assert [part.start for part in with_it] == [
        datetime(2027, 1, 25, 2, 30, tzinfo=UTC),
        datetime(2027, 1, 27, 2, 30, tzinfo=UTC),
    ]
    ignored = Calendar(WORKING.bands, holidays_off_peak=False)
    assert cut(ignored, week, kolkata, {republic_day}) == cut(WORKING, week, kolkata)


ZONES = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia"]


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    bands = []
    for weekday in range(7):
        marks = sorted(draw(st.sets(st.integers(1, 1439), max_size=4)) | {0, 1440})
        bands += [
            Band(weekday, start, end, draw(st.sampled_from([PEAK, OFF_PEAK])))
            for start, end in zip(marks, marks[1:], strict=False)
        ]
    return Calendar(tuple(draw(st.permutations(bands))), draw(st.booleans()))


@settings(max_examples=60, deadline=None)
@given(
    calendars(),
    st.sampled_from(ZONES),
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)),
    st.timedeltas(timedelta(microseconds=1), timedelta(days=9)),
    st.sets(st.dates(date(2026, 1, 1), date(2028, 1, 9)), max_size=200),
)
def test_parts_touch_and_make_up_the_slot_whatever_the_calendar(
    calendar: Calendar, zone: str, start: datetime, length: timedelta, holidays: set[date]
) -> None:
    begins = start.replace(tzinfo=UTC)
    assert not [*gaps(calendar), *overlaps(calendar)]
    require_parts(calendar, Slot(begins, begins + length), ZoneInfo(zone), holidays)


# --- OAR 3 (tests/kao/test_temporal_quotas.py, and what its code does besides) --------------------------
def whole_days(of_kind: dict[str, range]) -> Calendar:
    return Calendar(
        tuple(Band(day, 0, 1440, kind) for kind, days in of_kind.items() for day in days),
        holidays_off_peak=True,
    )


@pytest.mark.parametrize(
    ("day", "kind", "left"),
    [
        (0, PEAK, 259200),  # the one moment that OAR's test asks for
        (1, PEAK, 172800),  # Tuesday 00:00, where OAR 3 answers with the other rule
        (3, OFF_PEAK, 345600),
        (6, OFF_PEAK, 86400),  # Sunday, where it answers with a negative time
    ],
)
def test_which_rule_holds_and_for_how_long_is_right_on_every_day(day: int, kind: str, left: int) -> None:
    calendar = whole_days({PEAK: range(3), OFF_PEAK: range(3, 7)})
    at = datetime(2026, 11, 23, tzinfo=UTC) + day * DAY
    found, until = kind_at(calendar, at, ZoneInfo("UTC"))
    assert (found, (until - at).total_seconds()) == (kind, left)


def test_a_day_off_cuts_into_the_week_as_a_dated_period_does() -> None:
    calendar = whole_days({PEAK: range(3), OFF_PEAK: range(3, 7)})
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    found, until = kind_at(calendar, monday + DAY * 3 / 2, ZoneInfo("UTC"), {date(2026, 11, 24)})
    assert (found, (until - monday).total_seconds()) == (OFF_PEAK, 172800)


# The periods of the sample that OAR 3 ships for Grid'5000, as it writes them.
G5K = [
    ((0, 5), 540, 1140, PEAK), ((0, 4), 1140, 1440, OFF_PEAK), ((1, 5), 0, 480, OFF_PEAK),
    ((4, 5), 1140, 1440, OFF_PEAK), ((5, 7), 0, 1440, OFF_PEAK), ((0, 1), 0, 540, OFF_PEAK),
]  # fmt: skip


def g5k() -> Calendar:
    bands = [Band(day, start, end, kind) for days, start, end, kind in G5K for day in range(*days)]
    return Calendar(tuple(bands), holidays_off_peak=True)


def test_the_sample_of_grid_5000_leaves_an_hour_of_four_mornings_uncovered() -> None:
    assert [*gaps(g5k())] == [Hours(day, 480, 540) for day in (1, 2, 3, 4)]
    assert not [*overlaps(g5k())]
    with pytest.raises(Uncovered, match="Wednesday 08:30"):
        kind_at(g5k(), datetime(2026, 11, 25, 8, 30, tzinfo=UTC), ZoneInfo("UTC"))


def test_overlaps_are_found_whichever_band_comes_first() -> None:
    bands = [Band(0, 0, 700, OFF_PEAK), Band(0, 600, 660, PEAK), Band(0, 650, 1440, OFF_PEAK)]
    expected = [Hours(0, 600, 660), Hours(0, 650, 700)]
    for ordered in (bands, bands[::-1]):
        assert [*overlaps(Calendar(tuple(ordered), holidays_off_peak=True))] == expected
