"""What a slot to come emits: hour by hour, as known, as a week before, or as a year's mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from pricing.domain.expected import WEEKS_BACK, Carbon, Footprint, Grid, foreseen
from pricing.domain.hourly.filling import Hour, Known
from pricing.domain.hourly.values import HOUR, Basis

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
WEEK = timedelta(days=7)
DEVICE = Footprint(Decimal("0.5"), Decimal(3))


def grid(*values: int | None, estimated: frozenset[int] = frozenset()) -> Grid:
    return Grid(
        [
            Hour(
                START + place * HOUR,
                None if value is None else Decimal(value),
                None if value is None else (Basis.WEEK if place in estimated else Basis.REPORTED),
            )
            for place, value in enumerate(values)
        ]
    )


def test_each_hour_counts_by_how_much_of_it_lies_in_the_slot() -> None:
    its = grid(100, 200, 400)
    quarter = timedelta(minutes=15)
    whole = its.carbon(DEVICE, START, START + 3 * HOUR)
    assert whole == Carbon(Decimal(350), Decimal(9), False)
    assert whole.grams == 359
    part = its.carbon(DEVICE, START + 3 * quarter, START + 2 * HOUR + quarter)
    assert part == Carbon(Decimal("0.5") * (25 + 200 + 100), Decimal("4.5"), False)
    parts = [
        its.carbon(DEVICE, START + number * quarter, START + (number + 1) * quarter) for number in range(12)
    ]
    assert sum(one.operational for one in parts if one) == whole.operational


def test_one_hour_that_is_estimated_marks_the_slot_and_one_without_a_figure_leaves_it_without() -> None:
    its = grid(100, 200, None, 400, estimated=frozenset({1}))
    assert its.carbon(DEVICE, START, START + HOUR) == Carbon(Decimal(50), Decimal(3), False)
    marked = its.carbon(DEVICE, START + timedelta(minutes=30), START + 2 * HOUR)
    assert marked is not None
    assert marked.is_estimated
    assert its.carbon(DEVICE, START + HOUR, START + 2 * HOUR + timedelta(minutes=1)) is None
    assert its.carbon(DEVICE, START + 3 * HOUR, START + 4 * HOUR) is not None


@pytest.mark.parametrize(
    ("start", "end"), [(-HOUR, HOUR), (3 * HOUR, 5 * HOUR), (HOUR, HOUR), (2 * HOUR, HOUR)]
)
def test_nothing_is_said_of_a_slot_outside_or_without_length(start: timedelta, end: timedelta) -> None:
    assert grid(1, 2, 3, 4).carbon(DEVICE, START + start, START + end) is None


def test_of_two_devices_making_is_known_where_it_is_of_both() -> None:
    one, other = Carbon(Decimal(5), Decimal(1), False), Carbon(Decimal(7), None, True)
    assert one + one == Carbon(Decimal(10), Decimal(2), False)
    assert one + other == Carbon(Decimal(12), None, True)


def test_an_hour_that_nobody_knows_is_that_of_the_last_week_that_somebody_does() -> None:
    known = {
        START: Known(Decimal(50)),
        START + HOUR - WEEK: Known(Decimal(60), True),
        START + HOUR - 2 * WEEK: Known(Decimal(61)),
        START + 2 * HOUR - WEEKS_BACK * WEEK: Known(Decimal(70)),
        START + 3 * HOUR - (WEEKS_BACK + 1) * WEEK: Known(Decimal(80)),
    }
    hours = foreseen(known, start=START, end=START + 4 * HOUR, stand_in=Decimal(9))
    assert [(hour.value, hour.basis) for hour in hours] == [
        (50, Basis.REPORTED), (60, Basis.WEEK), (70, Basis.WEEK), (9, Basis.YEARLY),
    ]  # fmt: skip
    (last,) = foreseen(known, start=START + 3 * HOUR, end=START + 4 * HOUR, stand_in=None)
    assert (last.value, last.basis) == (None, None)
