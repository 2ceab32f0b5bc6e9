"""Around the wizard's steps: the draft, and what others published that it can take over."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Avg, Count, Max

from nodes.models import Node
from pricing.domain.declared import DayAheadMean, Kind, PoolKey, PoolPart
from pricing.models import HourlySeries, HourlyValue, PoolShare, StatementDraft

YEAR = timedelta(days=365)
HOURS = 24 * YEAR.days


def draft_of(node: Node) -> StatementDraft | None:
    return StatementDraft.objects.filter(node=node).select_related("saved_by", "corrects", "node").first()


def pools_of(*, node: Node, at: datetime) -> tuple[PoolPart, ...]:
    """The node's parts of its owner's cost pools, as they are in force."""
    shares = PoolShare.objects.filter(node=node, statement__effective__contains=at)
    return tuple(
        PoolPart(
            pool=str(share.statement.pool.uid),
            statement=str(share.statement.uid),
            name=share.statement.name,
            digest=share.statement.digest,
            kind=Kind(share.statement.kind),
            key=PoolKey(share.statement.key),
            share=share.share,
            amount_year=share.amount_year,
        )
        for share in shares.select_related("statement__pool").order_by("statement__pool")
    )


def day_ahead_of(*, zone: str) -> DayAheadMean | None:
    """The mean of the last 365 whole days with prices in this zone; hours without one are counted."""
    known = HourlyValue.objects.filter(series__zone=zone, series__quantity=HourlySeries.Quantity.PRICE)
    last = known.aggregate(last=Max("hour"))["last"]
    if last is None:
        return None
    until = (last + timedelta(hours=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    since = until - YEAR
    found = known.filter(hour__gte=since, hour__lt=until).aggregate(mean=Avg("value"), count=Count("pk"))
    if not found["count"]:
        return None
    mean = Decimal(found["mean"]).quantize(Decimal("0.00000001"))
    return DayAheadMean(zone, since.date(), until.date(), mean, found["count"], HOURS - found["count"])
