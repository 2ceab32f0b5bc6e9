"""What one policy says otherwise than another, number by number, day by day, class by class. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from fractions import Fraction

from reservations.domain.calendar import DAYS_OF_WEEK, PEAK, Calendar, Hours
from reservations.domain.policy import BY_CLASS, CLASSES, ClassNumbers, Policy

Number = int | Fraction | None


@dataclass(frozen=True)
class NumberChange:
    """`class_code`: whose number it is, empty for everybody's. None: no such rule, or as for everybody."""

    name: str
    before: Number
    after: Number
    class_code: str = ""


@dataclass(frozen=True)
class DayChange:
    """The peak hours of a weekday."""

    weekday: int
    before: tuple[Hours, ...]
    after: tuple[Hours, ...]


@dataclass(frozen=True)
class HolidayChange:
    """Whether public holidays are off-peak. None: there were, or will be, no peak hours at all."""

    before: bool | None
    after: bool | None


@dataclass(frozen=True)
class KindChange:
    """Of what kind a class is: "public_interest", "commercial" or neither, which is empty."""

    class_code: str
    before: str
    after: str


Change = NumberChange | DayChange | HolidayChange | KindChange


def changes(before: Policy, after: Policy) -> tuple[Change, ...]:
    """In the order of the policy; nothing where both say the same."""
    return (
        *_of_numbers(before, after),
        *_of_calendar(before.peak, after.peak),
        *_of_classes(before, after),
    )


def _of_numbers(before: Policy, after: Policy) -> Iterator[Change]:
    for field in fields(Policy):
        if field.name not in ("peak", "classes"):
            old, new = getattr(before, field.name), getattr(after, field.name)
            if old != new:
                yield NumberChange(field.name, old, new)


def peak_hours(calendar: Calendar | None, weekday: int) -> tuple[Hours, ...]:
    """Of a weekday that is no holiday; bands that touch are one."""
    found: list[Hours] = []
    for band in calendar.of(weekday) if calendar else ():
        if band.kind != PEAK:
            continue
        if found and found[-1].end_minute == band.start_minute:
            found[-1] = Hours(weekday, found[-1].start_minute, band.end_minute)
        else:
            found.append(Hours(weekday, band.start_minute, band.end_minute))
    return tuple(found)


def _of_calendar(before: Calendar | None, after: Calendar | None) -> Iterator[Change]:
    for weekday in range(DAYS_OF_WEEK):
        old, new = peak_hours(before, weekday), peak_hours(after, weekday)
        if old != new:
            yield DayChange(weekday, old, new)
    off_before = before.holidays_off_peak if before else None
    off_after = after.holidays_off_peak if after else None
    if off_before != off_after:
        yield HolidayChange(off_before, off_after)


def kind_of(numbers: ClassNumbers | None) -> str:
    if numbers is None:
        return ""
    return "public_interest" if numbers.is_public_interest else "commercial" if numbers.is_commercial else ""


def _of_classes(before: Policy, after: Policy) -> Iterator[Change]:
    for code in CLASSES:
        old, new = before.of_class(code), after.of_class(code)
        if kind_of(old) != kind_of(new):
            yield KindChange(code, kind_of(old), kind_of(new))
        for name in BY_CLASS:
            was, becomes = (numbers.own.get(name) if numbers else None for numbers in (old, new))
            if was != becomes:
                yield NumberChange(name, was, becomes, code)
