"""The page of a zone's electricity: its days, the mean of each hour of day, coverage and sources."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import groupby
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _, ngettext

from common import formats
from ledger.models import Entry
from nodes.models import Node, Site
from pricing.domain.hourly import filling
from pricing.domain.hourly.filling import Hour
from pricing.domain.hourly.values import Quantity, country_of
from pricing.models import HourlyImport
from pricing.selectors.hourly import Hourly, Hours, ZoneRow, hourly, recent, zone_row, zones

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Figure:
    """A number in large, with what to hold against it."""

    name: str
    value: str
    unit: str
    note: str


@dataclass(frozen=True)
class Cell:
    """A mean, and how many of the hours in it are estimated."""

    mean: Decimal | None
    estimated: int


@dataclass(frozen=True)
class DayRow:
    """A day of UTC."""

    day: date
    price: Cell
    least: Decimal | None
    most: Decimal | None
    lifecycle: Cell
    direct: Cell


@dataclass(frozen=True)
class ClockRow:
    """An hour of the local day."""

    label: str
    price: Cell
    lifecycle: Cell


@dataclass(frozen=True)
class CoverageRow:
    name: str
    unit: str
    reported: int
    estimated: int
    missing: int
    share: Decimal


@dataclass(frozen=True)
class SourceRow:
    names: str  # of what it is the source
    source: str
    licence: str
    sha256: str
    at: datetime
    entry: Entry | None


@dataclass(frozen=True)
class ZonePage:
    found: Hourly
    country: str
    time_zone: str  # of the hours of day
    nodes: list[Node]
    known: ZoneRow | None

    @property
    def zone(self) -> str:
        return self.found.zone

    @property
    def last_day(self) -> date:
        return _day(self.found.end - DAY)

    @property
    def as_of_day(self) -> date | None:
        return _day(self.found.as_of) if self.found.as_of else None

    @property
    def last_known_day(self) -> date | None:
        return _day(self.known.last) if self.known else None

    @property
    def has_figures(self) -> bool:
        return any(hours.mean is not None for hours in self.found.series.values())

    @property
    def figures(self) -> list[Figure]:
        return [_figure(name, one, 2 if one is self.found.price else 0) for name, one in self._named]

    @cached_property
    def days(self) -> list[DayRow]:
        price, lifecycle, direct = (
            dict(_by_day(self.found.series[one]))
            for one in (Quantity.PRICE, Quantity.LIFECYCLE, Quantity.DIRECT)
        )
        return [
            DayRow(
                day=day,
                price=_cell(hours),
                least=min((one.value for one in hours if one.value is not None), default=None),
                most=max((one.value for one in hours if one.value is not None), default=None),
                lifecycle=_cell(lifecycle[day]),
                direct=_cell(direct[day]),
            )
            for day, hours in price.items()
        ]

    @cached_property
    def clock(self) -> list[ClockRow]:
        zone = ZoneInfo(self.time_zone)
        price = self.found.price.by_hour_of_day(zone)
        lifecycle = self.found.lifecycle.by_hour_of_day(zone)
        return [
            ClockRow(
                f"{one.hour:02}:00",
                Cell(one.mean, one.estimated),
                Cell(other.mean, other.estimated),
            )
            for one, other in zip(price, lifecycle, strict=True)
        ]

    @property
    def coverage(self) -> list[CoverageRow]:
        return [
            CoverageRow(
                name, one.unit, one.coverage.reported, one.coverage.estimated, one.coverage.missing,
                one.coverage.reported_share,
            )
            for name, one in self._named
        ]  # fmt: skip

    @property
    def sources(self) -> list[SourceRow]:
        named: dict[int, tuple[HourlyImport, list[str]]] = {}
        for name, series in self._named:
            for origin in [*series.origins, *(one.origin for one in series.stand_ins)]:
                names = named.setdefault(origin.pk, (origin, []))[1]
                if name not in names:
                    names.append(name)
        return [
            SourceRow(", ".join(names), origin.source, origin.licence, origin.sha256, origin.at, origin.entry)
            for origin, names in named.values()
        ]

    @property
    def _named(self) -> list[tuple[str, Hours]]:
        return [
            (_("Day-ahead price"), self.found.price),
            (_("Carbon intensity, lifecycle"), self.found.lifecycle),
            (_("Carbon intensity, direct"), self.found.direct),
        ]


Span = tuple[date, date]  # days of UTC, both included


@dataclass(frozen=True)
class ZoneLine:
    """A zone in the list of all."""

    zone: str
    country: str
    price: Span | None
    lifecycle: Span | None
    direct: Span | None


def zone_lines() -> list[ZoneLine]:
    return [
        ZoneLine(
            row.zone,
            country_of(row.zone),
            _days(row, Quantity.PRICE),
            _days(row, Quantity.LIFECYCLE),
            _days(row, Quantity.DIRECT),
        )
        for row in zones()
    ]


def _days(row: ZoneRow, quantity: Quantity) -> Span | None:
    ends = row.ends.get(quantity)
    return (_day(ends[0]), _day(ends[1])) if ends else None


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def zone_page(
    *, zone: str, first: date | None, last: date | None, as_of: datetime | None, at: datetime
) -> ZonePage | None:
    """The days from `first` to `last`, else the last seven that anything is known of; None for no zone."""
    row = zone_row(zone)
    sites = list(Site.objects.filter(electricity_zone=zone).order_by("pk"))
    if row is None and not sites:
        return None
    start, end = _period(row, first, last, at)
    return ZonePage(
        found=hourly(zone=zone, start=start, end=end, as_of=as_of),
        country=sites[0].country if sites else country_of(zone),
        time_zone=sites[0].time_zone if sites else "UTC",
        nodes=list(Node.objects.on_site().filter(site__in=sites).order_by("name")) if sites else [],
        known=row,
    )


def _period(
    row: ZoneRow | None, first: date | None, last: date | None, at: datetime
) -> tuple[datetime, datetime]:
    today = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start, end = recent(row) if row else (today - 6 * DAY, today + DAY)
    if last is not None:
        end = _midnight(last) + DAY
        start = end - 7 * DAY
    if first is not None:
        start = _midnight(first)
        end = end if last is not None else start + 7 * DAY
    return start, end


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _by_day(series: Hours) -> list[tuple[date, list[Hour]]]:
    return [(day, list(hours)) for day, hours in groupby(series.hours, lambda hour: _day(hour.start))]


def _cell(hours: list[Hour]) -> Cell:
    return Cell(filling.mean(hours), sum(hour.is_estimate for hour in hours))


def _figure(name: str, series: Hours, places: int) -> Figure:
    cover = series.coverage
    known = cover.hours - cover.missing
    note = ngettext("Mean of %(hours)s hour", "Mean of %(hours)s hours", known) % {
        "hours": formats.number(known)
    }
    if not known:
        note = _("Nothing is known of these days")
    elif cover.estimated:
        hours = formats.number(cover.estimated)
        note += ngettext(", %(hours)s hour estimated", ", %(hours)s hours estimated", cover.estimated) % {
            "hours": hours
        }
    return Figure(name, formats.number(series.mean, places), series.unit if known else "", note)
