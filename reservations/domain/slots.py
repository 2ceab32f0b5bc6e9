"""Time as it is booked: half-open slots, quarter-hour marks, ISO weeks. All in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MARK = timedelta(minutes=15)
HOUR = timedelta(hours=1)


def hours(length: timedelta) -> Fraction:
    """Exact, to the microsecond."""
    return Fraction(length // timedelta(microseconds=1), 3_600_000_000)


def is_on_mark(moment: datetime, mark: timedelta = MARK) -> bool:
    return not (moment - EPOCH) % mark


def mark_before(moment: datetime, mark: timedelta = MARK) -> datetime:
    """The last mark at or before the moment."""
    return moment - (moment - EPOCH) % mark


def mark_after(moment: datetime, mark: timedelta = MARK) -> datetime:
    """The first mark at or after the moment."""
    return moment + (EPOCH - moment) % mark


def nearest_mark(moment: datetime, mark: timedelta = MARK) -> datetime:
    """The closer of the two marks around the moment; the later one when it lies in the middle."""
    before, after = mark_before(moment, mark), mark_after(moment, mark)
    return before if moment - before < after - moment else after


def month_of(moment: datetime) -> str:
    """2026-11, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m")


@dataclass(frozen=True, order=True)
class Slot:
    """`[start, end)`: back-to-back slots touch and do not overlap."""

    start: datetime
    end: datetime

    def overlaps(self, other: Slot) -> bool:
        return self.start < other.end and other.start < self.end

    def within(self, other: Slot) -> Slot | None:
        """The part of this slot that lies in the other, if any."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Slot(start, end) if start < end else None

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    @property
    def hours(self) -> Fraction:
        return hours(self.length)


def hours_within(slot: Slot, window: Slot) -> Fraction:
    """How many hours of the slot lie in the window."""
    part = slot.within(window)
    return part.hours if part else Fraction(0)


@dataclass(frozen=True, order=True)
class Week:
    """An ISO 8601 week from Monday 00:00 UTC to the next: always 168 hours, whatever local clocks do."""

    year: int
    number: int

    @classmethod
    def of(cls, moment: datetime) -> Week:
        year, number, _ = moment.astimezone(UTC).isocalendar()
        return cls(year, number)

    @classmethod
    def parse(cls, label: str) -> Week:
        """Read `2026-W48`; ValueError where there is no such week."""
        year, separator, number = label.partition("-W")
        if not separator or len(year) != 4 or len(number) != 2 or not (year + number).isdigit():
            raise ValueError(label)
        date.fromisocalendar(int(year), int(number), 1)
        return cls(int(year), int(number))

    @property
    def start(self) -> datetime:
        monday = date.fromisocalendar(self.year, self.number, 1)
        return datetime(monday.year, monday.month, monday.day, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        return self.start + timedelta(days=7)

    @property
    def slot(self) -> Slot:
        return Slot(self.start, self.end)

    @property
    def next(self) -> Week:
        return Week.of(self.end)

    @property
    def previous(self) -> Week:
        return Week.of(self.start - HOUR)

    def __str__(self) -> str:
        return f"{self.year}-W{self.number:02}"


def weeks_of(slot: Slot) -> list[Week]:
    """Every week the slot touches, in order."""
    weeks = [Week.of(slot.start)]
    while weeks[-1].end < slot.end:
        weeks.append(weeks[-1].next)
    return weeks
