"""Hours that no source has: the rule by which they are estimated, or stay without a figure.

An hour that is known stays as it is. For one that is not, the first of these that can be worked out:

1. LINE: in a gap of at most three hours, the straight line from the hour before it to the hour after it.
2. WEEK: the mean of the same hour (UTC) seven days before and after, or the one of them that is known.
3. MONTH: the mean of the same hour of day (UTC) over its calendar month, where at least seven days have it.

Nothing is estimated from an estimate of ours. Sources of the rule: docs/hourly-inputs.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from pricing.domain.hourly.values import HOUR, PLACES, Basis

LONGEST_LINE = 3  # hours
WEEK = timedelta(days=7)
FEWEST_DAYS = 7  # of a month


@dataclass(frozen=True)
class Known:
    """What a source says of an hour; `origin` names the import that it came with."""

    value: Decimal
    is_estimate: bool = False
    origin: int = 0


@dataclass(frozen=True)
class Hour:
    start: datetime
    value: Decimal | None
    basis: Basis | None  # None where there is no figure
    origin: int = 0  # of what is known; 0: worked out here

    @property
    def is_estimate(self) -> bool:
        return self.basis is not None and self.basis.is_estimate


@dataclass(frozen=True)
class Coverage:
    """How many of the hours asked about have a figure, and of which kind."""

    hours: int
    reported: int
    estimated: int  # by the source or by us
    missing: int

    @property
    def reported_share(self) -> Decimal:
        return Decimal(self.reported) / self.hours if self.hours else Decimal(0)

    @property
    def share(self) -> Decimal:
        """With estimates."""
        return Decimal(self.hours - self.missing) / self.hours if self.hours else Decimal(0)


@dataclass(frozen=True)
class HourOfDay:
    hour: int  # 0 to 23, local
    mean: Decimal | None
    count: int  # of the values in the mean
    estimated: int  # of these


def hours_between(start: datetime, end: datetime) -> Iterator[datetime]:
    """The hours of UTC that begin in [start, end)."""
    hour = start.replace(minute=0, second=0, microsecond=0)
    if hour < start:
        hour += HOUR
    while hour < end:
        yield hour
        hour += HOUR


def context(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """All that may be looked at for the hours of [start, end): their months, a week more on both sides."""
    first = start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    last = (end.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(day=1)
    return min(first, start - WEEK), max(last, end + WEEK)


def completed(known: Mapping[datetime, Known], *, start: datetime, end: datetime) -> list[Hour]:
    """Every hour of [start, end). `known` holds whole hours of UTC, those of `context` at least."""
    months = _Months(known)
    return [_hour(known, months, hour) for hour in hours_between(start, end)]


def coverage(hours: Sequence[Hour]) -> Coverage:
    estimated = sum(hour.is_estimate for hour in hours)
    missing = sum(hour.value is None for hour in hours)
    return Coverage(len(hours), len(hours) - estimated - missing, estimated, missing)


def mean(hours: Sequence[Hour]) -> Decimal | None:
    """Of the hours that have a figure."""
    values = [hour.value for hour in hours if hour.value is not None]
    return (sum(values, Decimal(0)) / len(values)).quantize(PLACES) if values else None


def by_hour_of_day(hours: Sequence[Hour], zone: tzinfo) -> list[HourOfDay]:
    """The mean of each hour of the local day: on clock-change days one hour has none, or two."""
    found: dict[int, list[Hour]] = defaultdict(list)
    for hour in hours:
        if hour.value is not None:
            found[hour.start.astimezone(zone).hour].append(hour)
    return [
        HourOfDay(clock, mean(found[clock]), len(found[clock]), sum(one.is_estimate for one in found[clock]))
        for clock in range(24)
    ]


@dataclass(frozen=True)
class Part:
    """The mean over a stretch of time, with how much of it has an estimate or no figure at all (0 to 1)."""

    mean: Decimal | None
    estimated: Decimal
    missing: Decimal


def part(hours: Sequence[Hour], start: datetime, end: datetime) -> Part:
    """Of [start, end), which `hours` cover: each weighed by how much of it lies in there."""
    total = value = estimated = missing = Decimal(0)
    for hour in hours:
        inside = min(end, hour.start + HOUR) - max(start, hour.start)
        seconds = max(Decimal(0), Decimal(inside // timedelta(seconds=1)))
        total += seconds
        if hour.value is None:
            missing += seconds
        else:
            value += hour.value * seconds
            estimated += seconds * hour.is_estimate
    if not total:
        return Part(None, Decimal(0), Decimal(1))
    known = total - missing
    return Part((value / known).quantize(PLACES) if known else None, estimated / total, missing / total)


class _Months:
    """Means of the hours of day, worked out month by month when one is asked for."""

    def __init__(self, known: Mapping[datetime, Known]) -> None:
        self._values: dict[tuple[int, int, int], list[Decimal]] | None = None
        self._known = known

    def mean(self, hour: datetime) -> Decimal | None:
        if self._values is None:
            self._values = defaultdict(list)
            for start, one in self._known.items():
                self._values[start.year, start.month, start.hour].append(one.value)
        values = self._values.get((hour.year, hour.month, hour.hour), [])
        if len(values) < FEWEST_DAYS:
            return None
        return (sum(values, Decimal(0)) / len(values)).quantize(PLACES)


def _hour(known: Mapping[datetime, Known], months: _Months, hour: datetime) -> Hour:
    if (one := known.get(hour)) is not None:
        return Hour(hour, one.value, Basis.ESTIMATED if one.is_estimate else Basis.REPORTED, one.origin)
    for basis, value in (
        (Basis.LINE, _on_line(known, hour)),
        (Basis.WEEK, _of_week(known, hour)),
        (Basis.MONTH, months.mean(hour)),
    ):
        if value is not None:
            return Hour(hour, value, basis)
    return Hour(hour, None, None)


def _on_line(known: Mapping[datetime, Known], hour: datetime) -> Decimal | None:
    """At `before` hours after the last known one and `after` hours before the next."""
    reach = range(1, LONGEST_LINE + 1)
    before = next((steps for steps in reach if hour - steps * HOUR in known), None)
    after = next((steps for steps in reach if hour + steps * HOUR in known), None)
    if before is None or after is None or before + after - 1 > LONGEST_LINE:
        return None
    first, last = known[hour - before * HOUR].value, known[hour + after * HOUR].value
    return ((first * after + last * before) / (before + after)).quantize(PLACES)


def _of_week(known: Mapping[datetime, Known], hour: datetime) -> Decimal | None:
    values = [known[other].value for other in (hour - WEEK, hour + WEEK) if other in known]
    return (sum(values, Decimal(0)) / len(values)).quantize(PLACES) if values else None
