"""A week in quarter hours, in zones with and without clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from reservations.selectors.frame import QUARTER, Frame

PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("week", "zone", "quarters", "spans"),
    [
        ("2026-W48", "Europe/Paris", 672, [96] * 7),
        ("2026-W13", "Europe/Paris", 668, [96] * 6 + [92]),  # 29 March: 02:00 becomes 03:00
        ("2026-W43", "Europe/Paris", 676, [96] * 6 + [100]),  # 25 October: 03:00 becomes 02:00
        ("2026-W43", "UTC", 672, [96] * 7),
        ("2026-W44", "America/New_York", 676, [96] * 6 + [100]),  # 1 November
        ("2026-W40", "Australia/Lord_Howe", 670, [96] * 6 + [94]),  # 4 October: half an hour
        ("2026-W48", "Asia/Kathmandu", 672, [96] * 7),  # UTC+05:45 is on quarter hours, too
    ],
)
def test_a_week_has_the_quarter_hours_that_its_clocks_show(
    week: str, zone: str, quarters: int, spans: list[int]
) -> None:
    frame = Frame.named(week, ZoneInfo(zone))
    assert frame is not None
    assert frame.quarters == quarters
    assert [day.span for day in frame.days(frame.start)] == spans
    assert frame.moment(frame.quarters) == frame.end


@pytest.mark.parametrize(
    "name", ["", "2026", "2026-W00", "2026-W54", "2025-W53", "2026-48", "W48", "2026-W48x"]
)
def test_what_is_no_week_has_no_frame(name: str) -> None:
    assert Frame.named(name, PARIS) is None


def test_a_year_with_53_weeks_has_them() -> None:
    frame = Frame.named("2026-W53", PARIS)
    assert frame is not None
    assert (frame.monday, frame.name, frame.shifted(1).name) == (date(2026, 12, 28), "2026-W53", "2027-W01")


def test_the_week_of_a_moment_is_that_of_the_readers_clock() -> None:
    sunday_night = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # Monday 00:30 in Paris
    assert Frame.of_moment(sunday_night, PARIS).name == "2026-W48"
    assert Frame.of_moment(sunday_night, ZoneInfo("UTC")).name == "2026-W47"


def test_edges_off_the_grid_take_the_whole_quarter_hour() -> None:
    frame = Frame.of_moment(datetime(2026, 11, 24, tzinfo=UTC), PARIS)
    off = frame.start + 10 * QUARTER + timedelta(minutes=7)
    assert (frame.floor(off), frame.ceil(off)) == (10, 11)
    assert frame.floor(frame.moment(10)) == frame.ceil(frame.moment(10)) == 10
    assert (frame.floor(frame.start - QUARTER), frame.ceil(frame.end + QUARTER)) == (0, 672)


def test_times_are_said_as_the_readers_clock_shows_them_on_both_sides_of_a_change() -> None:
    frame = Frame.named("2026-W43", PARIS)
    assert frame is not None
    sunday = 6 * 96
    assert frame.said(sunday + 10) == "Sun 02:30"
    assert frame.said(sunday + 14) == "Sun 02:30"  # again, an hour later
    assert frame.between(sunday + 10, sunday + 14) == "Sun 02:30 – Sun 02:30, 1\N{NO-BREAK SPACE}h"


def test_midnights_stand_where_the_days_begin() -> None:
    frame = Frame.named("2026-W13", PARIS)
    assert frame is not None
    assert frame.midnights()[0] == f"{100 * 96 / 668:.3f}%"
    assert frame.percent(frame.start + (frame.end - frame.start) / 2) == "50.000%"
