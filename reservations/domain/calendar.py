"""The week's peak hours as a site's wall clock shows them, and slots cut by them. Pure.

What the clock on the wall shows decides: an hour that is shown twice is twice of its kind, one that is
jumped over is of none. So a slot's parts add up to the slot, whatever the clocks do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from reservations.domain.slots import Slot

PEAK, OFF_PEAK = "peak", "off_peak"
KINDS = (PEAK, OFF_PEAK)
DAYS_OF_WEEK = 7
MINUTES_OF_DAY = 1440

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, order=True)
class Hours:
    """A part of one day of the week: `[start, end)` in minutes since midnight. Monday is 0."""

    weekday: int
    start_minute: int
    end_minute: int

    @property
    def exist(self) -> bool:
        is_day = 0 <= self.weekday < DAYS_OF_WEEK
        return is_day and 0 <= self.start_minute < self.end_minute <= MINUTES_OF_DAY


@dataclass(frozen=True, order=True)
class Band(Hours):
    """Hours of one kind: "peak" or "off_peak"."""

    kind: str


class Uncovered(ValueError):
    """A moment that no band says anything of: such a calendar is not published."""


@dataclass(frozen=True)
class Calendar:
    bands: tuple[Band, ...]
    holidays_off_peak: bool  # public holidays of the site's country, from midnight to midnight

    @cached_property
    def _days(self) -> tuple[tuple[Band, ...], ...]:
        inside = [band for band in self.bands if band.exist]
        return tuple(
            tuple(sorted(band for band in inside if band.weekday == weekday))
            for weekday in range(DAYS_OF_WEEK)
        )

    def on(self, day: date, holidays: Collection[date] = ()) -> tuple[Band, ...]:
        """The bands of a day, in order."""
        if self.holidays_off_peak and day in holidays:
            return (Band(day.weekday(), 0, MINUTES_OF_DAY, OFF_PEAK),)
        return self._days[day.weekday()]

    def of(self, weekday: int) -> tuple[Band, ...]:
        """The bands of a weekday that is no holiday, in order."""
        return self._days[weekday]

    def hours_of(self, kind: str) -> timedelta:
        """How much of a week is of this kind, holidays and clock changes aside."""
        of_kind = (band for band in self.bands if band.exist and band.kind == kind)
        return timedelta(minutes=sum(band.end_minute - band.start_minute for band in of_kind))


def standard() -> Calendar:
    """Monday to Friday 08:00-20:00 peak; nights, weekends and public holidays off-peak."""
    working = [
        Band(weekday, start, end, kind)
        for weekday in range(5)
        for start, end, kind in ((0, 480, OFF_PEAK), (480, 1200, PEAK), (1200, MINUTES_OF_DAY, OFF_PEAK))
    ]
    weekend = [Band(weekday, 0, MINUTES_OF_DAY, OFF_PEAK) for weekday in (5, 6)]
    return Calendar((*working, *weekend), holidays_off_peak=True)


# --- where a calendar is not one ---------------------------------------------------------------------
def gaps(calendar: Calendar) -> Iterator[Hours]:
    """The hours that no band covers, in the order of the week."""
    for weekday in range(DAYS_OF_WEEK):
        covered = 0
        for band in calendar.of(weekday):
            if band.start_minute > covered:
                yield Hours(weekday, covered, band.start_minute)
            covered = max(covered, band.end_minute)
        if covered < MINUTES_OF_DAY:
            yield Hours(weekday, covered, MINUTES_OF_DAY)


def overlaps(calendar: Calendar) -> Iterator[Hours]:
    """The hours that two bands cover, in the order of the week."""
    for weekday in range(DAYS_OF_WEEK):
        covered = 0
        for band in calendar.of(weekday):
            if band.start_minute < covered:
                yield Hours(weekday, band.start_minute, min(covered, band.end_minute))
            covered = max(covered, band.end_minute)


# --- what a moment and a slot are --------------------------------------------------------------------
def cut(
    calendar: Calendar, slot: Slot, zone: ZoneInfo, holidays: Collection[date] = ()
) -> tuple[tuple[Slot, str], ...]:
    """The slot in parts of one kind each, in order: they touch, and make up the slot. In UTC."""
    found: list[tuple[Slot, str]] = []
    for part, kind in _parts(calendar, slot, zone, holidays):
        if found and found[-1][1] == kind:
            found[-1] = (Slot(found[-1][0].start, part.end), kind)
        else:
            found.append((part, kind))
    return tuple(found)


def kind_at(
    calendar: Calendar, at: datetime, zone: ZoneInfo, holidays: Collection[date] = ()
) -> tuple[str, datetime]:
    """Of which kind a moment is, and until when it stays so: a week on at the latest."""
    first, kind = cut(calendar, Slot(at, at + 7 * _DAY), zone, holidays)[0]
    return kind, first.end


def _parts(
    calendar: Calendar, slot: Slot, zone: ZoneInfo, holidays: Collection[date]
) -> Iterator[tuple[Slot, str]]:
    for stretch, offset in _stretches(slot, zone):
        local = (stretch.start + offset).replace(tzinfo=None)
        end = (stretch.end + offset).replace(tzinfo=None)
        while local < end:
            band = _band_at(calendar, local, holidays)
            midnight = datetime.combine(local.date(), time())
            until = min(end, midnight + timedelta(minutes=band.end_minute))
            yield Slot(_utc(local, offset), _utc(until, offset)), band.kind
            local = until


def _band_at(calendar: Calendar, local: datetime, holidays: Collection[date]) -> Band:
    minute = local.hour * 60 + local.minute
    for band in calendar.on(local.date(), holidays):
        if band.start_minute <= minute < band.end_minute:
            return band
    raise Uncovered(f"no band covers {local:%A %H:%M}")


def _utc(local: datetime, offset: timedelta) -> datetime:
    return local.replace(tzinfo=UTC) - offset


def _stretches(slot: Slot, zone: ZoneInfo) -> Iterator[tuple[Slot, timedelta]]:
    """The slot between clock changes, each with the zone's offset from UTC."""
    start = slot.start.astimezone(UTC)
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    whole = Slot(start, slot.end.astimezone(UTC))
    while day < whole.end:
        for stretch, offset in _day_of(day, zone):
            if part := stretch.within(whole):
                yield part, offset
        day += _DAY


@lru_cache(maxsize=4096)
def _day_of(day: datetime, zone: ZoneInfo) -> tuple[tuple[Slot, timedelta], ...]:
    """A day of UTC between the clock changes in it: no zone changes twice within an hour."""
    found: list[tuple[Slot, timedelta]] = []
    start, offset = day, _offset(day, zone)
    for number in range(24):
        before, after = day + number * _HOUR, day + (number + 1) * _HOUR
        if _offset(after, zone) == offset:
            continue
        change = _change(before, after, zone)
        found.append((Slot(start, change), offset))
        start, offset = change, _offset(change, zone)
    if start < day + _DAY:
        found.append((Slot(start, day + _DAY), offset))
    return tuple(found)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The second at which the offset becomes the one of `after`."""
    offset = _offset(before, zone)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if _offset(middle, zone) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return offset
