"""The hours of a period: of the calendar, available, booked, delivered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, localcontext

from pricing.domain.exact import EXACT, ONE, ZERO

MICROSECONDS_AN_HOUR = 3_600_000_000


class ImpossibleHours(ValueError):
    """More hours than the period has."""


@dataclass(frozen=True)
class Period:
    """Half-open; its length is that of elapsed time, whatever clocks were changed in it."""

    start: datetime
    end: datetime

    @property
    def hours(self) -> Decimal:
        elapsed = self.end.astimezone(UTC) - self.start.astimezone(UTC)
        with localcontext(EXACT):
            seconds = elapsed.days * 86_400 + elapsed.seconds
            return Decimal(seconds * 1_000_000 + elapsed.microseconds) / MICROSECONDS_AN_HOUR


@dataclass(frozen=True)
class Hours:
    """Node-hours of a period, or device-hours: whichever all of them are."""

    calendar: Decimal
    planned_outage: Decimal = ZERO
    unplanned_outage: Decimal = ZERO
    booked: Decimal = ZERO
    not_delivered: Decimal = ZERO  # booked, but the node was out of service or the hour was refunded

    def __post_init__(self) -> None:
        if min(self.calendar, self.planned_outage, self.unplanned_outage, self.booked) < 0:
            raise ImpossibleHours("hours below zero")
        if self.available < 0 or not ZERO <= self.not_delivered <= self.booked:
            raise ImpossibleHours("more hours out of service than there are")
        if self.delivered > self.available:
            raise ImpossibleHours("more hours delivered than were available")

    @property
    def available(self) -> Decimal:
        with localcontext(EXACT):
            return self.calendar - self.planned_outage - self.unplanned_outage

    @property
    def delivered(self) -> Decimal:
        with localcontext(EXACT):
            return self.booked - self.not_delivered

    @property
    def idle(self) -> Decimal:
        with localcontext(EXACT):
            return self.available - self.delivered

    @property
    def availability(self) -> Decimal:
        """Available over calendar hours; of a period without hours, nothing."""
        with localcontext(EXACT):
            return self.available / self.calendar if self.calendar else ZERO

    @property
    def utilisation(self) -> Decimal:
        """Delivered over available hours."""
        with localcontext(EXACT):
            return self.delivered / self.available if self.available else ZERO

    @property
    def idle_share(self) -> Decimal:
        with localcontext(EXACT):
            return ONE - self.utilisation


def month(year: int, number: int, zone: tzinfo = UTC) -> Period:
    """A calendar month; months of closes and bills are UTC."""
    following = (year + 1, 1) if number == 12 else (year, number + 1)
    return Period(datetime(year, number, 1, tzinfo=zone), datetime(*following, 1, tzinfo=zone))


def year(number: int, zone: tzinfo = UTC) -> Period:
    return Period(datetime(number, 1, 1, tzinfo=zone), datetime(number + 1, 1, 1, tzinfo=zone))
