"""The example's hourly figures: always the same, around published means, cheap and clean under the sun."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import fmean

import pytest

from pricing.domain.hourly import tables
from pricing.domain.hourly.values import INTENSITIES, PRICES
from reservations.management.example_world import electricity, places
from reservations.management.example_world.electricity import BY_NAME, HOUR, ZONES, Zone

JUNE = datetime(2026, 6, 1, tzinfo=UTC)


def month_of(start: datetime) -> list[datetime]:
    return [start + n * HOUR for n in range(30 * 24)]


def at_hour(hours: list[datetime], clock: int) -> list[datetime]:
    return [hour for hour in hours if hour.hour == clock]


def test_every_place_has_its_zone() -> None:
    assert {place.zone for place in places.PLACES} == set(BY_NAME)


def test_the_same_hour_always_has_the_same_figures() -> None:
    """Whoever asks, on whatever machine: written down once."""
    hour = datetime(2026, 6, 15, 11, tzinfo=UTC)
    assert [f"{electricity.price(zone, hour):.2f} {electricity.grams(zone, hour):.1f}" for zone in ZONES] == [
        "73.84 55.0", "44.54 33.7", "31.44 96.2", "1.57 58.1"
    ]  # fmt: skip


@pytest.mark.parametrize("zone", ZONES, ids=lambda zone: zone.name)
@pytest.mark.parametrize("month", [1, 4, 7, 10])
def test_a_month_comes_to_its_published_mean_or_near(zone: Zone, month: int) -> None:
    hours = month_of(datetime(2026, month, 1, tzinfo=UTC))
    price = fmean(electricity.price(zone, hour) for hour in hours)
    grams = fmean(electricity.grams(zone, hour) for hour in hours)
    assert price == pytest.approx(zone.eur_per_mwh[month - 1], rel=0.1)
    assert grams == pytest.approx(zone.grams_per_kwh * zone.seasons[month - 1], rel=0.1)


@pytest.mark.parametrize("zone", ZONES, ids=lambda zone: zone.name)
def test_weekends_are_cheaper(zone: Zone) -> None:
    hours = month_of(JUNE)
    weekend = fmean(electricity.price(zone, hour) for hour in hours if hour.weekday() >= 5)
    assert weekend < fmean(electricity.price(zone, hour) for hour in hours if hour.weekday() < 5)


def test_noon_is_cheap_and_clean_near_the_sun_even_in_november() -> None:
    beja, november = BY_NAME["PT"], month_of(datetime(2026, 11, 1, tzinfo=UTC))
    noon, evening = at_hour(november, 13), at_hour(november, 19)
    for figure in (electricity.price, electricity.grams):
        assert fmean(figure(beja, hour) for hour in noon) < 0.7 * fmean(
            figure(beja, hour) for hour in evening
        )
    june = month_of(JUNE)
    assert min(electricity.price(beja, hour) for hour in june) < 0
    assert fmean(electricity.price(beja, hour) for hour in at_hour(june, 13)) < 0.3 * beja.eur_per_mwh[5]


@pytest.mark.parametrize(
    ("at", "end"),
    [
        # 13:00 in Brussels, in winter and in summer: then tomorrow is sold.
        (datetime(2026, 11, 23, 11, 59, tzinfo=UTC), datetime(2026, 11, 23, 23, tzinfo=UTC)),
        (datetime(2026, 11, 23, 12, 0, tzinfo=UTC), datetime(2026, 11, 24, 23, tzinfo=UTC)),
        (datetime(2026, 7, 1, 11, 0, tzinfo=UTC), datetime(2026, 7, 2, 22, tzinfo=UTC)),
        # The day before clocks go back: the day that is sold has 25 hours.
        (datetime(2026, 10, 24, 12, 0, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)),
    ],
)
def test_prices_are_known_as_far_as_they_are_sold(at: datetime, end: datetime) -> None:
    assert electricity.prices_end(at) == end


def test_intensities_are_told_three_days_ahead_as_estimates() -> None:
    at = datetime(2026, 11, 23, 9, 40, tzinfo=UTC)
    lines = list(electricity.intensity_table(start=at - timedelta(days=1), at=at))
    reading = tables.read_table(iter(lines), INTENSITIES)
    cells = [(hour, is_estimate) for index, hour, _value, is_estimate in reading.cells if index == 1]
    assert max(hour for hour, _estimate in cells) == datetime(2026, 11, 25, 23, tzinfo=UTC)
    assert {hour for hour, is_estimate in cells if not is_estimate} == {
        datetime(2026, 11, 22, 9, tzinfo=UTC) + n * HOUR for n in range(24)
    }


def test_some_hours_are_missing_and_some_estimated() -> None:
    start, end = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
    reading = tables.read_table(electricity.price_table(start=start, end=end), PRICES)
    zones = [series.zone for series in reading.series]
    missing = [(zones[index], hour.day) for index, hour, value, _estimate in reading.cells if value is None]
    assert sorted(set(missing)) == [("FR", 9), ("SE3", 17)]
    reading = tables.read_table(electricity.intensity_table(start=start, at=end), INTENSITIES)
    cells = list(reading.cells)
    known = {(reading.series[index].zone, hour) for index, hour, _value, _estimate in cells}
    assert ("ES", datetime(2026, 10, 12, 8, tzinfo=UTC)) not in known
    estimated = {
        reading.series[index].zone for index, hour, _value, is_estimate in cells if is_estimate and hour < end
    }
    assert estimated == {"FR"}
