"""What compute in a slot to come is expected to emit: the grid hour by hour, and what one device draws.

An hour that no source knows yet takes the value of the same hour (UTC) of the last week that one does, as the
hours of pricing.domain.hourly.filling do within a week; farther ahead so do those of weeks before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

from pricing.domain.exact import EXACT, ZERO
from pricing.domain.hourly.filling import Hour, Known, hours_between
from pricing.domain.hourly.values import HOUR, Basis

WEEK = timedelta(days=7)
WEEKS_BACK = 5  # a horizon of four weeks, and the days that no source has reached yet


@dataclass(frozen=True)
class Footprint:
    """One device in use."""

    kilowatts: Decimal  # at the meter of the place, its part of the node, PUE included
    embodied: Decimal | None  # grams of CO2e an hour, of making it; None: its owner does not say


@dataclass(frozen=True)
class Carbon:
    """Grams of CO2e of a slot."""

    operational: Decimal
    embodied: Decimal | None
    is_estimated: bool  # some hour of it at least

    @property
    def grams(self) -> Decimal:
        return self.operational + (self.embodied or ZERO)

    def __add__(self, other: Carbon) -> Carbon:
        """Of two devices; where one says nothing of its making, the sum says nothing of it either."""
        made = None if self.embodied is None or other.embodied is None else self.embodied + other.embodied
        return Carbon(self.operational + other.operational, made, self.is_estimated or other.is_estimated)

    def times(self, devices: int) -> Carbon:
        """Of so many that are alike."""
        made = None if self.embodied is None else self.embodied * devices
        return Carbon(self.operational * devices, made, self.is_estimated)


def foreseen(
    known: Mapping[datetime, Known], *, start: datetime, end: datetime, stand_in: Decimal | None
) -> list[Hour]:
    """Every hour of [start, end): as a source has it, or as it was in the last week that one has."""
    return [_hour(known, hour, stand_in) for hour in hours_between(start, end)]


def _hour(known: Mapping[datetime, Known], hour: datetime, stand_in: Decimal | None) -> Hour:
    found = known.get(hour)
    if found is not None:
        basis = Basis.ESTIMATED if found.is_estimate else Basis.REPORTED
        return Hour(hour, found.value, basis, found.origin)
    for weeks in range(1, WEEKS_BACK + 1):
        before = known.get(hour - weeks * WEEK)
        if before is not None:
            return Hour(hour, before.value, Basis.WEEK)
    return Hour(hour, stand_in, None if stand_in is None else Basis.YEARLY)


class Grid:
    """The intensity of a zone over some time, summed once, so that many slots in it can be asked about."""

    def __init__(self, hours: Sequence[Hour]) -> None:
        """`hours` follow each other without a gap."""
        self._hours = hours
        self._grams, self._estimated, self._missing = [ZERO], [0], [0]
        for hour in hours:
            self._grams.append(self._grams[-1] + (hour.value or ZERO))
            self._estimated.append(self._estimated[-1] + hour.is_estimate)
            self._missing.append(self._missing[-1] + (hour.value is None))

    def carbon(self, footprint: Footprint, start: datetime, end: datetime) -> Carbon | None:
        """Of one device in [start, end); None where some hour of it has no figure, or lies outside."""
        if not self._hours or start >= end:
            return None
        first, last = self._place(start), self._place(end - timedelta(microseconds=1))
        if first < 0 or last >= len(self._hours) or self._missing[last + 1] > self._missing[first]:
            return None
        with localcontext(EXACT):
            grams = footprint.kilowatts * (self._until(end, last) - self._until(start, first))
            length = Decimal((end - start) // timedelta(microseconds=1)) / (HOUR // timedelta(microseconds=1))
            made = None if footprint.embodied is None else footprint.embodied * length
        return Carbon(grams, made, self._estimated[last + 1] > self._estimated[first])

    def _place(self, moment: datetime) -> int:
        return (moment - self._hours[0].start) // HOUR

    def _until(self, moment: datetime, place: int) -> Decimal:
        """Grams of a kilowatt from the first hour to a moment in the hour of that place."""
        inside = Decimal((moment - self._hours[place].start) // timedelta(microseconds=1))
        value = self._hours[place].value or ZERO
        return self._grams[place] + value * inside / (HOUR // timedelta(microseconds=1))
