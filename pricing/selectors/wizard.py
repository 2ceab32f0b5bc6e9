"""Around the wizard's steps: the draft, and the day-ahead price that it can take over."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Avg, Count, Max, QuerySet

from nodes.models import Node
from pricing.domain.declared import DayAheadMean
from pricing.models import HourlySeries, HourlyValue, StatementDraft

YEAR = timedelta(days=365)


def draft_of(node: Node) -> StatementDraft | None:
    return StatementDraft.objects.filter(node=node).select_related("saved_by", "corrects", "node").first()


def moment_of(draft: StatementDraft | None, node: Node, at: datetime) -> datetime:
    """From when the draft shall hold: at once, where no later day was chosen."""
    if draft is None or draft.first_day is None:
        return at
    return max(at, datetime.combine(draft.first_day, time(), tzinfo=ZoneInfo(node.site.time_zone)))


def day_ahead_of(*, zone: str) -> DayAheadMean | None:
    """The mean of the last 365 whole days with prices in this zone; hours without one are counted."""
    last = _prices(zone).aggregate(last=Max("hour"))["last"]
    if last is None:
        return None
    until = (last + timedelta(hours=1)).date()
    return mean_between(zone=zone, since=until - YEAR, until=until)


def mean_between(*, zone: str, since: date, until: date) -> DayAheadMean | None:
    """The mean over the days from `since` to `until` (not included), in UTC; None where no price is known."""
    start, end = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (since, until))
    found = (
        _prices(zone).filter(hour__gte=start, hour__lt=end).aggregate(mean=Avg("value"), count=Count("pk"))
    )
    if not found["count"]:
        return None
    mean = Decimal(found["mean"]).quantize(Decimal("0.00000001"))
    return DayAheadMean(zone, since, until, mean, found["count"], 24 * (until - since).days - found["count"])


def _prices(zone: str) -> QuerySet[HourlyValue]:
    return HourlyValue.objects.filter(series__zone=zone, series__quantity=HourlySeries.Quantity.PRICE)
