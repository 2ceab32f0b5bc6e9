from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from pricing.domain.cost.hours import Hours, ImpossibleHours, Period, month, year

D = Decimal
PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("period", "hours"),
    [
        (month(2026, 1), 744),
        (month(2026, 2), 672),
        (month(2024, 2), 696),
        (month(2026, 12), 744),
        (year(2026), 8760),
        (year(2024), 8784),
        (month(2026, 3, PARIS), 743),  # the clock goes forward on the 29th
        (month(2026, 10, PARIS), 745),  # and back on the 25th
        (month(2026, 3), 744),  # in UTC it does neither
        (month(2026, 10), 744),
        (year(2026, PARIS), 8760),
    ],
)
def test_the_hours_of_a_month_and_a_year(period: Period, hours: int) -> None:
    assert period.hours == hours


def test_a_day_of_a_clock_change_has_23_or_25_hours() -> None:
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
        start = datetime(day.year, day.month, day.day, tzinfo=PARIS)
        end = datetime(day.year, day.month, day.day + 1, tzinfo=PARIS)
        assert Period(start, end).hours == hours


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    start = datetime(2026, 10, 25, 2, 30, tzinfo=PARIS)
    assert Period(start, start.replace(fold=1)).hours == 1


@pytest.mark.parametrize("number", range(2020, 2030))
def test_the_months_make_up_the_year(number: int) -> None:
    for zone in (UTC, PARIS):
        months = [month(number, at, zone) for at in range(1, 13)]
        assert sum(one.hours for one in months) == year(number, zone).hours
        assert all(one.end == other.start for one, other in zip(months, months[1:], strict=False))


def test_s1_in_hours() -> None:
    hours = Hours(calendar=D(8760), planned_outage=D("350.4"), booked=D("6054.912"))
    assert (hours.available, hours.delivered) == (D("8409.6"), D("6054.912"))
    assert (hours.availability, hours.utilisation, hours.idle_share) == (D("0.96"), D("0.72"), D("0.28"))


def test_a_booked_hour_that_was_refunded_is_not_delivered() -> None:
    hours = Hours(calendar=D(744), unplanned_outage=D(4), booked=D(500), not_delivered=D(4))
    assert (hours.available, hours.delivered, hours.idle) == (740, 496, 244)


@pytest.mark.parametrize(
    "given_hours",
    [
        {"planned_outage": D(400), "unplanned_outage": D(400)},
        {"booked": D(745)},
        {"booked": D(5), "not_delivered": D(6)},
        {"booked": D(5), "not_delivered": D(-1)},
        {"planned_outage": D(-1)},
        {"planned_outage": D(100), "booked": D(700)},
    ],
)
def test_no_period_has_more_hours_than_it_has(given_hours: dict[str, D]) -> None:
    with pytest.raises(ImpossibleHours):
        Hours(calendar=D(744), **given_hours)


def test_a_node_out_of_service_all_month_has_no_ratios() -> None:
    hours = Hours(calendar=D(744), planned_outage=D(744))
    assert (hours.availability, hours.utilisation, hours.idle_share) == (0, 0, 1)


@given(st.integers(0, 744), st.integers(0, 744), st.integers(0, 744), st.integers(0, 744))
def test_delivered_and_idle_hours_are_the_available_ones(
    planned: int, unplanned: int, booked: int, lost: int
) -> None:
    try:
        hours = Hours(D(744), D(planned), D(unplanned), D(booked), D(lost))
    except ImpossibleHours:
        assert planned + unplanned > 744 or lost > booked or booked - lost > 744 - planned - unplanned
        return
    assert hours.delivered + hours.idle == hours.available <= hours.calendar
    assert min(hours.delivered, hours.idle) >= 0
    assert 0 <= hours.utilisation <= 1
    assert 0 <= hours.availability <= 1
