"""What slots to come are expected to emit, on any nodes: grids by zone and footprints by cost statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal, localcontext

from pricing.domain import declared, sci
from pricing.domain.exact import EXACT, ONE
from pricing.domain.expected import WEEK, WEEKS_BACK, Footprint, Grid, foreseen
from pricing.domain.hourly.filling import Known
from pricing.domain.hourly.values import Quantity, country_of
from pricing.domain.hourly.yearly import nearest
from pricing.models import CostStatement, HourlyValue, YearlyIntensity


def grids(*, zones: Collection[str], start: datetime, end: datetime) -> dict[str, Grid]:
    """By electricity zone, from the hour of `start` on. One query; one more where an hour is unknown."""
    first = start.replace(minute=0, second=0, microsecond=0)
    known = _known(zones, first - WEEKS_BACK * WEEK, end)
    hours = {zone: foreseen(known[zone], start=first, end=end, stand_in=None) for zone in zones}
    unknown = [zone for zone, its in hours.items() if any(hour.value is None for hour in its)]
    if unknown:
        years = _years({country_of(zone) for zone in unknown})
        for zone in unknown:
            year = nearest(years[country_of(zone)], start.year)
            stand_in = None if year is None else years[country_of(zone)][year]
            hours[zone] = foreseen(known[zone], start=first, end=end, stand_in=stand_in)
    return {zone: Grid(its) for zone, its in hours.items()}


def footprints(*, devices_of: Mapping[int, int], on: date) -> dict[int, Footprint]:
    """By cost statement, with the number of devices of its node. One query."""
    rows = CostStatement.objects.filter(pk__in=list(devices_of)).values_list("pk", "declared")
    return {pk: _footprint(said, devices_of[pk], on) for pk, said in rows}


def _footprint(said: Mapping[str, object], devices: int, on: date) -> Footprint:
    found = declared.from_json(said)
    with localcontext(EXACT):
        kilowatts = found.active_kilowatts * found.pue / devices
        made = sci.embodied_of(found.assets, on=on, reserved_hours=ONE, reserved_share=ONE / devices)
    return Footprint(kilowatts, made.grams if made else None)


def _known(zones: Collection[str], start: datetime, end: datetime) -> Mapping[str, dict[datetime, Known]]:
    known: dict[str, dict[datetime, Known]] = defaultdict(dict)
    rows = HourlyValue.objects.filter(
        series__zone__in=zones, series__quantity=Quantity.LIFECYCLE, hour__gte=start,
        hour__lt=end,
    )  # fmt: skip
    for zone, hour, value, is_estimate, origin in rows.values_list(
        "series__zone", "hour", "value", "is_estimate", "came_with_id"
    ):
        known[zone][hour] = Known(value, is_estimate, origin)
    return known


def _years(countries: Collection[str]) -> Mapping[str, dict[int, Decimal]]:
    """Of each country by year, as last imported."""
    found: dict[str, dict[int, Decimal]] = defaultdict(dict)
    rows = YearlyIntensity.objects.filter(country__in=countries).order_by("came_with__at", "came_with_id")
    for country, year, grams in rows.values_list("country", "year", "g_per_kwh"):
        found[country][year] = grams
    return found
