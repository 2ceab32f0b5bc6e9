"""From what a wall clock shows to UTC, across the two nights a year on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


class LocalTimeFault(ValueError):
    """A time on a wall clock that is not one moment."""

    def __init__(self, local: datetime, zone: str) -> None:
        super().__init__(f"{local:%Y-%m-%d %H:%M} {zone}")
        self.local = local
        self.zone = zone


class NonexistentTime(LocalTimeFault):
    """Clocks jumped over it. `resumes` is the first local time that exists again."""

    def __init__(self, local: datetime, zone: str, resumes: datetime) -> None:
        super().__init__(local, zone)
        self.resumes = resumes


class AmbiguousTime(LocalTimeFault):
    """Clocks showed it twice: `earlier` and `later` are the two moments, in UTC."""

    def __init__(self, local: datetime, zone: str, earlier: datetime, later: datetime) -> None:
        super().__init__(local, zone)
        self.earlier = earlier
        self.later = later


def to_utc(local: datetime, zone: str, *, second: bool | None = None) -> datetime:
    """The moment at which a clock in `zone` shows `local` (naive).

    `second` answers "which of the two?" for a time that clocks show twice; it is ignored
    for every other time, so that a form may always send it.
    """
    place = ZoneInfo(zone)
    first, last = (local.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(place).replace(tzinfo=None) != local:
        # PEP 495: in a gap, fold 0 counts with the offset before and fold 1 with the one after.
        raise NonexistentTime(local, zone, _resumes(last, first, place))
    if first == last:
        return first
    if second is None:
        raise AmbiguousTime(local, zone, first, last)
    return last if second else first


def _resumes(before: datetime, after: datetime, place: ZoneInfo) -> datetime:
    """The first local minute after the jump that lies between two UTC moments around it."""
    low, high = before, after
    offset = low.astimezone(place).utcoffset()
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) / 2
        if middle.astimezone(place).utcoffset() == offset:
            low = middle
        else:
            high = middle
    jump = high.replace(second=0, microsecond=0)
    return jump.astimezone(place).replace(tzinfo=None)
