from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from reservations.domain import slots
from reservations.domain.slots import Slot, Week

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def at(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


@pytest.mark.parametrize("start", range(5))
@pytest.mark.parametrize("end", range(1, 6))
def test_slots_overlap_exactly_where_they_share_an_hour(start: int, end: int) -> None:
    if start >= end:
        return
    for other_start in range(5):
        for other_end in range(other_start + 1, 6):
            shared = set(range(start, end)) & set(range(other_start, other_end))
            one, other = Slot(at(start), at(end)), Slot(at(other_start), at(other_end))
            assert one.overlaps(other) == bool(shared)
            assert slots.hours_within(one, other) == len(shared)


def test_back_to_back_slots_do_not_overlap() -> None:
    assert not Slot(at(0), at(1)).overlaps(Slot(at(1), at(2)))


@pytest.mark.parametrize(
    ("minutes", "before", "after", "nearest"),
    [
        (0, 0, 0, 0),
        (1, 0, 15, 0),
        (7, 0, 15, 0),
        (7.5, 0, 15, 15),  # the middle goes to the later mark
        (14, 0, 15, 15),
        (15, 15, 15, 15),
    ],
)
def test_marks_stand_every_quarter_of_an_hour(minutes: float, before: int, after: int, nearest: int) -> None:
    moment = at(minutes / 60)
    assert slots.mark_before(moment) == at(before / 60)
    assert slots.mark_after(moment) == at(after / 60)
    assert slots.nearest_mark(moment) == at(nearest / 60)
    assert slots.is_on_mark(moment) == (before == after)


def test_hours_are_exact_to_the_microsecond() -> None:
    assert slots.hours(timedelta(microseconds=1)) == Fraction(1, 3_600_000_000)
    assert slots.hours(timedelta(minutes=45)) == Fraction(3, 4)


def test_weeks_are_iso_weeks_in_utc() -> None:
    assert str(Week.of(MONDAY)) == "2026-W48"
    assert str(Week.of(MONDAY - timedelta(microseconds=1))) == "2026-W47"
    assert str(Week.of(datetime(2027, 1, 1, tzinfo=UTC))) == "2026-W53"  # ISO years end on a Sunday
    assert Week.parse("2026-W53").next == Week(2027, 1)
    assert Week(2027, 1).previous == Week(2026, 53)


@pytest.mark.parametrize(
    "label", ["2026-48", "2026-W54", "2027-W53", "2026-W00", "26-W48", "2026-W4", "2026-Wab"]
)
def test_it_refuses_a_week_that_does_not_exist(label: str) -> None:
    with pytest.raises(ValueError, match="."):
        Week.parse(label)


def test_a_slot_touches_every_week_it_has_time_in() -> None:
    week = Week.of(MONDAY)
    assert slots.weeks_of(Slot(week.start, week.end)) == [week]
    assert slots.weeks_of(Slot(at(1), week.end + timedelta(minutes=15))) == [week, week.next]
    assert slots.weeks_of(Slot(at(1), at(1 + 14 * 24))) == [week, week.next, week.next.next]


def test_every_week_has_168_hours_across_clock_changes() -> None:
    for number in range(1, 54):
        assert Week(2026, number).slot.hours == 168
