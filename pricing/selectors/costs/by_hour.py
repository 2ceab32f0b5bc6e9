"""What an hour of use costs and emits by the hour of the day, over the last twelve months that are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from zoneinfo import ZoneInfo

from django.db.models import Count, DateTimeField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import ExtractHour

from nodes.models import Node
from pricing.domain import hour_of_day, sci
from pricing.domain.cost.depreciation import years_later
from pricing.domain.declared import Declared
from pricing.domain.exact import EXACT, ONE
from pricing.domain.hour_of_day import HourOfDay, Mean
from pricing.domain.hourly.values import Quantity, country_of
from pricing.domain.hourly.yearly import nearest
from pricing.models import HourlySeries, HourlyValue, ReplacedValue
from pricing.selectors.hourly import StandIn, yearly_intensities

HOUR = timedelta(hours=1)
_SHOWN = (Quantity.PRICE, Quantity.LIFECYCLE)


@dataclass(frozen=True)
class Window:
    """The hours of one quantity that were looked at: a year back from the last one known."""

    start: datetime
    end: datetime  # not included
    known: int
    estimated: int  # by the source itself
    sources: tuple[str, ...]  # who published the values

    @property
    def hours(self) -> int:
        return int((self.end - self.start) / HOUR)

    @property
    def last(self) -> datetime:
        """The last hour of it."""
        return self.end - HOUR


@dataclass(frozen=True)
class ByHour:
    zone: str
    time_zone: str
    kilowatts: Decimal
    pue: Decimal
    devices: int
    price: Window | None
    intensity: Window | None
    stand_in: StandIn | None  # for the carbon, where no hour of the zone is known
    embodied: sci.Range | None  # grams per device-hour
    eur_per_mwh: Decimal | None  # mean of the known hours
    g_per_kwh: Decimal | None
    rows: list[HourOfDay]

    @cached_property
    def is_empty(self) -> bool:
        return all(row.cost is None and row.operational is None for row in self.rows)


@dataclass
class _Seen:
    """What was summed of one series."""

    means: dict[int, Mean]
    known: int = 0
    estimated: int = 0
    sources: set[str] = field(default_factory=set)


def by_hour(
    node: Node, declared: Declared, *, device_count: int, at: datetime, as_of: datetime | None
) -> ByHour:
    """Two queries, and one more where no hour of intensity is known. As of a moment: one more."""
    zone = node.site.electricity_zone
    ends = _last_hours(zone, at, as_of)
    seen = _sums(ends, node.site.time_zone, as_of)
    prices, grams = seen[Quantity.PRICE], seen[Quantity.LIFECYCLE]
    stand_in = None if grams.known else _stand_in(zone, at, as_of)
    embodied = _embodied(declared, device_count, at.astimezone(ZoneInfo(node.site.time_zone)).date())
    return ByHour(
        zone=zone,
        time_zone=node.site.time_zone,
        kilowatts=declared.active_kilowatts,
        pue=declared.pue,
        devices=device_count,
        price=_window(Quantity.PRICE, ends, seen),
        intensity=_window(Quantity.LIFECYCLE, ends, seen),
        stand_in=stand_in,
        embodied=embodied,
        eur_per_mwh=hour_of_day.mean_of(prices.means),
        g_per_kwh=hour_of_day.mean_of(grams.means),
        rows=hour_of_day.by_hour_of_day(
            kilowatts=declared.active_kilowatts,
            pue=declared.pue,
            devices=device_count,
            eur_per_mwh=prices.means,
            g_per_kwh=grams.means,
            stand_in=stand_in.g_per_kwh if stand_in else None,
            embodied=embodied.grams if embodied else None,
        ),
    )


def _last_hours(
    zone: str, at: datetime, as_of: datetime | None
) -> dict[Quantity, tuple[int, datetime, datetime]]:
    """By quantity: its series, and the year that ends with its last hour known by then."""
    latest = []
    for rows in _sources(Q(series=OuterRef("pk"), hour__lt=at), as_of):
        last = rows.order_by("-hour").values("hour")[:1]
        latest.append(Subquery(last, output_field=DateTimeField()))
    named = {f"last_{index}": one for index, one in enumerate(latest)}
    found = {}
    for row in HourlySeries.objects.filter(zone=zone, quantity__in=_SHOWN).annotate(**named):
        ends = [hour for name in named if (hour := getattr(row, name)) is not None]
        if ends:
            end = max(ends) + HOUR
            found[Quantity(row.quantity)] = (row.pk, _year_before(end), end)
    return found


def _sources(within: Q, as_of: datetime | None) -> list[QuerySet[HourlyValue] | QuerySet[ReplacedValue]]:
    """The values that are known now; as of a moment, those known then, replaced since or not."""
    if as_of is None:
        return [HourlyValue.objects.filter(within)]
    then = within & Q(came_with__at__lte=as_of)
    return [
        HourlyValue.objects.filter(then),
        ReplacedValue.objects.filter(then, replaced_with__at__gt=as_of),
    ]


def _year_before(end: datetime) -> datetime:
    day = years_later(end.date(), -1)
    return datetime.combine(day, end.time(), tzinfo=UTC)


def _sums(
    ends: Mapping[Quantity, tuple[int, datetime, datetime]], time_zone: str, as_of: datetime | None
) -> dict[Quantity, _Seen]:
    seen = {one: _Seen({}) for one in _SHOWN}
    if not ends:
        return seen
    within = Q()
    for series, start, end in ends.values():
        within |= Q(series=series, hour__gte=start, hour__lt=end)
    quantities = {series: quantity for quantity, (series, _start, _end) in ends.items()}
    for rows in _sources(within, as_of):
        sums = (
            rows.annotate(o_clock=ExtractHour("hour", tzinfo=ZoneInfo(time_zone)))
            .values_list("series_id", "o_clock", "is_estimate", "came_with__source")
            .annotate(Sum("value"), Count("hour"))
            .order_by()
        )
        for series, o_clock, is_estimate, source, value, count in sums:
            one = seen[quantities[series]]
            before = one.means.get(o_clock, Mean(Decimal(0), 0))
            one.means[o_clock] = Mean(EXACT.add(before.sum, value), before.hours + count)
            one.known += count
            one.estimated += count if is_estimate else 0
            one.sources.add(source)
    return seen


def _window(
    quantity: Quantity,
    ends: Mapping[Quantity, tuple[int, datetime, datetime]],
    seen: Mapping[Quantity, _Seen],
) -> Window | None:
    one = seen[quantity]
    if not one.known:
        return None
    _series, start, end = ends[quantity]
    return Window(start, end, one.known, one.estimated, tuple(sorted(one.sources)))


def _stand_in(zone: str, at: datetime, as_of: datetime | None) -> StandIn | None:
    years = yearly_intensities(country=country_of(zone), as_of=as_of)
    year = nearest({year: one.g_per_kwh for year, one in years.items()}, at.year)
    return None if year is None else years[year]


def _embodied(declared: Declared, devices: int, on: date) -> sci.Range | None:
    """Of making the node, in an hour on one of its devices."""
    return sci.embodied_of(
        declared.assets, on=on, reserved_hours=ONE, reserved_share=EXACT.divide(ONE, Decimal(devices))
    )
