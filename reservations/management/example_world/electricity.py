"""What electricity costs and emits in each hour of the example: a seeded formula around published means.

Pure: the same hour always has the same figure. docs/example-world.md says how it is made and where the means
come from; nothing here was measured, and every import of it says so.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# The day-ahead auction of tomorrow is known early in the afternoon, in the time of Brussels.
AUCTION_HOUR, AUCTION_ZONE = 13, ZoneInfo("Europe/Brussels")
FORECAST_DAYS = 3  # of intensities: this day, the next and the one after


@dataclass(frozen=True)
class Zone:
    name: str
    time_zone: str
    eur_per_mwh: tuple[float, ...]  # mean of each month of 2023
    weekend: float  # a price on Saturday or Sunday, beside the mean of the week
    grams_per_kwh: float  # mean of 2023
    seasons: tuple[float, ...]  # what each month is of that
    sun_on_price: float  # how much of a price a cloudless noon in June takes away
    sun_on_grams: float
    daylight: float  # hours by which the half of a day is longer in June than in March
    winter_sun: float  # strength of the sun at noon in December, beside June


# ENTSOE: mean of the hourly day-ahead prices of 2023 by month. EMBER: lifecycle intensity of the country in
# 2023, Ember by Our World in Data. FR by month: hours of 2020, Wiesner et al. 2021; of the others: assumed.
ZONES = (
    Zone(
        "FR", "Europe/Paris", (132.28, 148.78, 111.81, 106.45, 77.48, 91.28, 77.62, 90.96, 88.71, 84.42, 89.02, 68.33),
        weekend=0.79, grams_per_kwh=56.04,
        seasons=(1.17, 0.94, 0.94, 0.49, 0.61, 0.97, 1.13, 1.08, 1.36, 0.91, 1.17, 1.24),
        sun_on_price=0.5, sun_on_grams=0.15, daylight=2.0, winter_sun=0.4,
    ),
    Zone(
        "SE3", "Europe/Stockholm", (84.28, 72.90, 71.76, 60.58, 34.84, 45.48, 32.17, 30.05, 20.87, 28.34, 71.75, 74.07),
        weekend=0.75, grams_per_kwh=40.70,
        seasons=(1.12, 1.1, 1.06, 1.0, 0.93, 0.89, 0.88, 0.91, 0.95, 1.01, 1.06, 1.09),
        sun_on_price=0.15, sun_on_grams=0.05, daylight=3.0, winter_sun=0.2,
    ),
    Zone(
        "ES", "Europe/Madrid", (69.73, 133.49, 89.58, 73.82, 74.17, 93.05, 90.46, 96.09, 103.36, 90.08, 63.57, 72.12),
        weekend=0.82, grams_per_kwh=174.05,
        seasons=(1.15, 1.12, 0.95, 0.86, 0.84, 0.9, 0.97, 1.0, 1.02, 1.02, 1.06, 1.11),
        sun_on_price=0.95, sun_on_grams=0.6, daylight=1.5, winter_sun=0.6,
    ),
    Zone(
        "PT", "Europe/Lisbon", (69.53, 134.25, 89.93, 77.05, 76.05, 95.62, 93.79, 97.91, 104.17, 89.80, 63.38, 72.15),
        weekend=0.84, grams_per_kwh=165.55,
        seasons=(1.1, 1.06, 0.93, 0.86, 0.85, 0.93, 1.01, 1.04, 1.06, 1.04, 1.04, 1.08),
        sun_on_price=1.15, sun_on_grams=0.75, daylight=1.5, winter_sun=0.65,
    ),
)  # fmt: skip
BY_NAME = {zone.name: zone for zone in ZONES}

# People get up and come home: a price by the local hour, with no sun in it.
_PEOPLE = (0.84, 0.78, 0.73, 0.70, 0.71, 0.78, 0.92, 1.08, 1.18, 1.14, 1.06, 1.02,
           1.00, 0.98, 0.97, 0.99, 1.06, 1.18, 1.32, 1.38, 1.32, 1.18, 1.04, 0.92)  # fmt: skip
_NOON = 13.5  # of the sun, on the clocks of these zones
_MOST_CLOUDS = 0.65  # of a sunny day's sun is left on the dullest one
_LIKELY = (1 + _MOST_CLOUDS) / 2


def price(zone: Zone, hour: datetime) -> float:
    """EUR per MWh; below zero on a bright noon of summer."""
    local = hour.astimezone(ZoneInfo(zone.time_zone))
    return _prices_of(zone, local.date())[local.hour]


def grams(zone: Zone, hour: datetime) -> float:
    """Lifecycle, g CO2e per kWh."""
    local = hour.astimezone(ZoneInfo(zone.time_zone))
    return _grams_of(zone, local.date())[local.hour]


def forecast_grams(zone: Zone, hour: datetime) -> float:
    """What is expected of the hour on the days before: a little beside what it comes to."""
    return grams(zone, hour) * (1 + 0.1 * _between(_chance(zone, hour.isoformat(), "forecast")))


def prices_end(at: datetime) -> datetime:
    """The end of the last day that was sold at that moment; each is a day of Brussels."""
    there = at.astimezone(AUCTION_ZONE)
    day = there.date() + (2 if there.hour >= AUCTION_HOUR else 1) * DAY
    return datetime(day.year, day.month, day.day, tzinfo=AUCTION_ZONE).astimezone(UTC)


def forecast_end(at: datetime) -> datetime:
    return midnight(at) + FORECAST_DAYS * DAY


def midnight(at: datetime) -> datetime:
    """The beginning of its day in UTC."""
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def price_is_missing(zone: Zone, hour: datetime) -> bool:
    """Two hours of a night in France, and a whole day in Sweden, each month."""
    return (zone.name == "FR" and hour.day == 9 and hour.hour in (2, 3)) or (
        zone.name == "SE3" and hour.day == 17
    )


def grams_are_missing(zone: Zone, hour: datetime) -> bool:
    return zone.name == "ES" and hour.day == 12 and 6 <= hour.hour < 11


def grams_are_estimated(zone: Zone, hour: datetime) -> bool:
    """For good: its source never had the measured mix of these hours."""
    return zone.name == "FR" and hour.day == 21 and hour.hour < 6


# --- files, as a steward would have been given them ------------------------------------------
def price_table(*, start: datetime, end: datetime, zones: Sequence[Zone] = ZONES) -> Iterator[str]:
    """The wide CSV of docs/hourly-inputs.md: a column for each zone, empty where the hour is missing."""
    yield ",".join(("hour_utc", *(zone.name for zone in zones))) + "\n"
    for hour in _hours(start, end):
        cells = ("" if price_is_missing(zone, hour) else f"{price(zone, hour):.2f}" for zone in zones)
        yield f"{hour:%Y-%m-%dT%H:00Z},{','.join(cells)}\n"


def intensity_table(*, start: datetime, at: datetime) -> Iterator[str]:
    """The long CSV: what was, and estimates of what comes."""
    yield "zone,hour_utc,value,unit,kind,basis\n"
    end = forecast_end(at)
    for zone in ZONES:
        for hour in _hours(start, end):
            if grams_are_missing(zone, hour):
                continue
            is_past = hour + HOUR <= at
            found = grams(zone, hour) if is_past else forecast_grams(zone, hour)
            basis = "reported" if is_past and not grams_are_estimated(zone, hour) else "estimated"
            yield f"{zone.name},{hour:%Y-%m-%dT%H:00Z},{found:.1f},gCO2e/kWh,lifecycle,{basis}\n"


def _hours(start: datetime, end: datetime) -> Iterator[datetime]:
    hour = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while hour < end:
        yield hour
        hour += HOUR


# --- the shape of a day ---------------------------------------------------------------------
def sun(zone: Zone, day: date, clock: float) -> float:
    """Between nothing and one, by the local hour: higher and longer in June."""
    season = math.cos(2 * math.pi * (day.timetuple().tm_yday - 172) / 365)
    half = 6 + zone.daylight * season
    strength = (1 + zone.winter_sun) / 2 + (1 - zone.winter_sun) / 2 * season
    return strength * max(0.0, math.cos(math.pi / 2 * (clock + 0.5 - _NOON) / half))


@cache
def _prices_of(zone: Zone, day: date) -> tuple[float, ...]:
    chance = _chance(zone, day.isoformat(), "price")
    clear = chance.uniform(_MOST_CLOUDS, 1)
    level = zone.eur_per_mwh[day.month - 1] * _of_week(zone, day) * (1 + 0.2 * _between(chance))
    usual = _mean(lambda clock: _PEOPLE[clock] * (1 - zone.sun_on_price * _LIKELY * sun(zone, day, clock)))
    return tuple(
        level * (1 + 0.06 * _between(chance)) / usual
        * _PEOPLE[clock] * (1 - zone.sun_on_price * clear * sun(zone, day, clock))
        for clock in range(24)
    )  # fmt: skip


@cache
def _grams_of(zone: Zone, day: date) -> tuple[float, ...]:
    chance = _chance(zone, day.isoformat(), "grams")
    clear = chance.uniform(_MOST_CLOUDS, 1)
    level = zone.grams_per_kwh * zone.seasons[day.month - 1] * (1 + 0.15 * _between(chance))
    usual = _mean(lambda clock: 1 - zone.sun_on_grams * _LIKELY * sun(zone, day, clock))
    return tuple(
        level
        * (1 + 0.04 * _between(chance))
        / usual
        * (1 - zone.sun_on_grams * clear * sun(zone, day, clock))
        for clock in range(24)
    )


def _of_week(zone: Zone, day: date) -> float:
    """Five working days make up for what two cheaper ones leave."""
    return zone.weekend if day.weekday() >= 5 else (7 - 2 * zone.weekend) / 5


def _mean(of: Callable[[int], float]) -> float:
    return sum(of(clock) for clock in range(24)) / 24


def _chance(zone: Zone, *names: str) -> random.Random:
    return random.Random("/".join((zone.name, *names)))  # noqa: S311 -- an example, no secret


def _between(chance: random.Random) -> float:
    """From -1 to 1, most often near nothing."""
    return chance.random() + chance.random() - 1
