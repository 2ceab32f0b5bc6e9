"""What a grant of device-hours may cost at most, and how far money goes in device-hours."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

from pricing.domain.cost import MICRO
from pricing.domain.declared import EXACT

_SHOWN = Decimal("0.01")


def ceiling_of(hours: Decimal, *, price: Decimal) -> Decimal:
    """EUR that so many device-hours cost at most, at a price per device-hour. Rounded up: hours promised
    at that price can be used to the last."""
    with localcontext(EXACT):
        return (hours * price).quantize(MICRO, ROUND_CEILING)


def hours_for(amount: Decimal, *, price: Decimal) -> Decimal | None:
    """Device-hours that so much money buys, rounded down to what is shown; None where they cost nothing."""
    if price <= 0:
        return None
    with localcontext(EXACT):
        return (amount / price).quantize(_SHOWN, ROUND_FLOOR)


def first_of_month(at: datetime) -> date:
    """The month of a moment, in UTC, as its first day."""
    return at.astimezone(UTC).date().replace(day=1)


def next_month(month: date) -> date:
    return month + timedelta(days=monthrange(month.year, month.month)[1])


def month_bounds(month: date) -> tuple[datetime, datetime]:
    """`[start, end)` of a month, in UTC."""
    start, end = month.replace(day=1), next_month(month.replace(day=1))
    return datetime(start.year, start.month, 1, tzinfo=UTC), datetime(end.year, end.month, 1, tzinfo=UTC)
