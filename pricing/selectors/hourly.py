"""Day-ahead prices and carbon intensities of a zone, by hour: as known now, or as they stood once.

Hours that nothing is known of are estimated by the rule of pricing.domain.hourly.filling, or stand in by the
country's mean of a year; each value says which.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from functools import cached_property

from django.db.models import DateTimeField, OuterRef, Q, QuerySet, Subquery

from pricing.domain.hourly import filling
from pricing.domain.hourly.filling import Coverage, Hour, HourOfDay, Known
from pricing.domain.hourly.values import UNITS, Basis, Quantity, country_of
from pricing.domain.hourly.yearly import nearest
from pricing.models import HourlyImport, HourlySeries, HourlyValue, ReplacedValue, YearlyIntensity

RECENT = timedelta(days=7)


@dataclass(frozen=True)
class StandIn:
    """The country's mean of a year, taken for hours that nothing else is known of."""

    country: str
    year: int
    g_per_kwh: Decimal
    origin: HourlyImport
    hours: int = 0  # that it is taken for


@dataclass(frozen=True)
class Hours:
    """One quantity over the hours that were asked about, with where its values come from."""

    quantity: Quantity
    hours: list[Hour]
    origins: list[HourlyImport]  # of the values that are known
    stand_ins: list[StandIn]

    @property
    def unit(self) -> str:
        return UNITS[self.quantity]

    @cached_property
    def coverage(self) -> Coverage:
        return filling.coverage(self.hours)

    @cached_property
    def mean(self) -> Decimal | None:
        return filling.mean(self.hours)

    @property
    def is_estimated(self) -> bool:
        """At least in part."""
        return bool(self.coverage.estimated)

    def by_hour_of_day(self, zone: tzinfo) -> list[HourOfDay]:
        return filling.by_hour_of_day(self.hours, zone)


@dataclass(frozen=True)
class Hourly:
    zone: str
    start: datetime
    end: datetime
    as_of: datetime | None
    series: Mapping[Quantity, Hours]

    @property
    def price(self) -> Hours:
        """EUR per MWh."""
        return self.series[Quantity.PRICE]

    @property
    def lifecycle(self) -> Hours:
        """g CO2e per kWh, with what building and fuelling the plants emits."""
        return self.series[Quantity.LIFECYCLE]

    @property
    def direct(self) -> Hours:
        """g CO2e per kWh, of combustion alone."""
        return self.series[Quantity.DIRECT]


@dataclass(frozen=True)
class ZoneRow:
    """A zone that something is known of, with the hours that its figures reach from and to."""

    zone: str
    ends: Mapping[Quantity, tuple[datetime, datetime]]

    @property
    def last(self) -> datetime:
        return max(last for _first, last in self.ends.values())


def hourly(*, zone: str, start: datetime, end: datetime, as_of: datetime | None = None) -> Hourly:
    """Every hour of [start, end). At most five queries, whatever is missing."""
    least, most = filling.context(start, end)
    quantities = {row.pk: Quantity(row.quantity) for row in HourlySeries.objects.filter(zone=zone)}
    known = _known(quantities, least, most, as_of)
    filled = {one: filling.completed(known[one], start=start, end=end) for one in Quantity}
    named = {hour.origin for hours in filled.values() for hour in hours if hour.origin}
    origins = HourlyImport.objects.select_related("entry").in_bulk(named) if named else {}
    lifecycle, stand_ins = _stood_in(zone, filled[Quantity.LIFECYCLE], as_of)
    filled[Quantity.LIFECYCLE] = lifecycle
    series = {
        one: Hours(one, hours, _origins(hours, origins), stand_ins if one is Quantity.LIFECYCLE else [])
        for one, hours in filled.items()
    }
    return Hourly(zone, start, end, as_of, series)


def _known(
    quantities: Mapping[int, Quantity], least: datetime, most: datetime, as_of: datetime | None
) -> dict[Quantity, dict[datetime, Known]]:
    known: dict[Quantity, dict[datetime, Known]] = {one: {} for one in Quantity}
    if not quantities:
        return known
    within = Q(series__in=list(quantities), hour__gte=least, hour__lt=most)
    sources: list[QuerySet[HourlyValue] | QuerySet[ReplacedValue]] = [HourlyValue.objects.filter(within)]
    if as_of is not None:
        then = within & Q(came_with__at__lte=as_of)
        sources = [
            HourlyValue.objects.filter(then),
            ReplacedValue.objects.filter(then, replaced_with__at__gt=as_of),
        ]
    for rows in sources:
        for series, hour, value, is_estimate, origin in rows.values_list(
            "series_id", "hour", "value", "is_estimate", "came_with_id"
        ):
            known[quantities[series]][hour] = Known(value, is_estimate, origin)
    return known


def _origins(hours: Sequence[Hour], origins: Mapping[int, HourlyImport]) -> list[HourlyImport]:
    """Those that the hours name, the first to come first."""
    named = {hour.origin for hour in hours} & set(origins)
    return sorted((origins[pk] for pk in named), key=lambda one: (one.at, one.pk))


def _stood_in(zone: str, hours: list[Hour], as_of: datetime | None) -> tuple[list[Hour], list[StandIn]]:
    if all(hour.value is not None for hour in hours):
        return hours, []
    years = yearly_intensities(country=country_of(zone), as_of=as_of)
    figures = {year: one.g_per_kwh for year, one in years.items()}
    used: Counter[int] = Counter()
    filled = []
    for hour in hours:
        year = nearest(figures, hour.start.year) if hour.value is None else None
        if year is None:
            filled.append(hour)
            continue
        used[year] += 1
        filled.append(Hour(hour.start, figures[year], Basis.YEARLY))
    return filled, [replace(years[year], hours=used[year]) for year in sorted(used)]


def yearly_intensities(*, country: str, as_of: datetime | None = None) -> dict[int, StandIn]:
    """By year, as last imported."""
    rows = YearlyIntensity.objects.filter(country=country).select_related("came_with__entry")
    if as_of is not None:
        rows = rows.filter(came_with__at__lte=as_of)
    return {
        row.year: StandIn(row.country, row.year, row.g_per_kwh, row.came_with)
        for row in rows.order_by("came_with__at", "came_with_id")
    }


def zones() -> list[ZoneRow]:
    """Every zone that has a value: one query, that looks at both ends of each series alone."""
    return _zones(HourlySeries.objects.all())


def zone_row(zone: str) -> ZoneRow | None:
    return next(iter(_zones(HourlySeries.objects.filter(zone=zone))), None)


def _zones(series: QuerySet[HourlySeries]) -> list[ZoneRow]:
    values = HourlyValue.objects.filter(series=OuterRef("pk"))
    first = Subquery(values.order_by("hour").values("hour")[:1], output_field=DateTimeField())
    last = Subquery(values.order_by("-hour").values("hour")[:1], output_field=DateTimeField())
    found: dict[str, dict[Quantity, tuple[datetime, datetime]]] = {}
    for zone, quantity, start, end in series.values_list("zone", "quantity", first, last):
        if start is not None and end is not None:
            found.setdefault(zone, {})[Quantity(quantity)] = (start, end)
    return [ZoneRow(zone, ends) for zone, ends in sorted(found.items())]


def recent(row: ZoneRow) -> tuple[datetime, datetime]:
    """The last seven whole days (UTC) that the zone has figures of."""
    end = row.last.replace(hour=0) + timedelta(days=1)
    return end - RECENT, end


@dataclass(frozen=True)
class Expected:
    """What electricity costs and emits in a slot."""

    price: filling.Part  # EUR per MWh
    lifecycle: filling.Part  # g CO2e per kWh


def expected(*, zone: str, start: datetime, end: datetime) -> Expected:
    """The means of a slot, past or to come, whose ends need not be whole hours."""
    first = start.replace(minute=0, second=0, microsecond=0)
    found = hourly(zone=zone, start=first, end=end)
    return Expected(
        filling.part(found.price.hours, start, end), filling.part(found.lifecycle.hours, start, end)
    )
