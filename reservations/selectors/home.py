"""The first page: what is free now, what an hour costs, who gets it, and the next free slots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median

from django.db.models import Count, Q, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language

from accounts.models import Project
from common import formats
from common.kept import kept
from common.ranges import between
from nodes.models import Device, Node
from nodes.selectors import free_time
from pricing.selectors import Rate, rates
from reservations.models import Decision, UsageEntry
from reservations.selectors.links import timetable_url

_AHEAD = timedelta(days=7)  # the board looks a week ahead; beyond that there is the timetable
_LOOK_BACK = timedelta(days=28)
_WORTH = timedelta(minutes=30)  # the shortest slot that can be booked
_ON_BOARD = 8
# Above either, reading every hold and request for everybody who looks would be most of the site's work.
_MANY_DEVICES, _MANY_REQUESTS = 200, 10_000
# The classes that the public-interest floor is kept for.
PUBLIC_INTEREST = (Project.Class.STUDENT, Project.Class.CITIZEN, Project.Class.PUBLIC)


@dataclass(frozen=True)
class Opening:
    """Devices of one model on one node that are free together; `start` is None for now."""

    start: datetime | None
    until: datetime | None  # None: further than the board looks
    model: str
    node: str
    place: str
    url: str  # the timetable of its week
    devices: int
    price: Decimal  # before the site's fee, as the cost is
    full_cost: Decimal
    costs_url: str  # how that is worked out


@dataclass(frozen=True)
class HomePage:
    at: datetime
    zone: str
    free: int
    bookable: int
    nodes: int
    owners: int
    fee: Decimal | None
    median_price: Decimal | None  # before the fee
    median_cost: Decimal | None
    public_share: Decimal | None  # of settled cost-weighted hours in 28 days
    granted: int
    asked: int
    board: tuple[Opening, ...]

    @property
    def is_large(self) -> bool:
        return self.bookable > _MANY_DEVICES or self.asked > _MANY_REQUESTS

    @property
    def granted_share(self) -> Decimal | None:
        return Decimal(self.granted) / self.asked if self.asked else None


@dataclass(frozen=True)
class _Gap:
    device: Device
    start: datetime
    until: datetime | None


def home_page(*, at: datetime) -> HomePage:
    """Of this moment; on a large site of a minute ago at most, and it says when."""
    name = f"home:{get_language()}:{timezone.get_current_timezone_name()}"
    return kept(name, lambda: _home_page(at), at=at, is_large=lambda page: page.is_large)


def _home_page(at: datetime) -> HomePage:
    listed = Device.objects.filter(node__state=Node.State.LISTED).select_related("node__site")
    devices = list(listed.order_by("node_id", "index"))
    prices = rates(device_ids=[device.pk for device in devices], at=at)
    bookable = [device for device in devices if device.pk in prices]
    gaps = list(_gaps(bookable, at))
    asked = Decision.objects.filter(decided_at__gte=at - _LOOK_BACK).aggregate(
        asked=Count("pk"), granted=Count("pk", filter=Q(outcome=Decision.Outcome.GRANTED))
    )
    return HomePage(
        at=at,
        zone=timezone.get_current_timezone_name(),
        free=sum(gap.start == at for gap in gaps),
        bookable=len(bookable),
        nodes=len({device.node_id for device in bookable}),
        owners=len({device.node.owner_id for device in bookable}),
        fee=max(rate.fee for rate in prices.values()) if prices else None,
        median_price=median(rate.price for rate in prices.values()) if prices else None,
        median_cost=median(rate.full_delivered for rate in prices.values()) if prices else None,
        public_share=_public_share(at),
        granted=asked["granted"],
        asked=asked["asked"],
        board=tuple(_board(gaps, prices, at)),
    )


def _gaps(devices: Sequence[Device], at: datetime) -> Iterator[_Gap]:
    """The first gap of each device that is long enough to book."""
    ahead = at + _AHEAD
    free = free_time(device_ids=[device.pk for device in devices], start=at, end=ahead)
    for device in devices:
        for gap in free[device.pk]:
            if gap.end == ahead or gap.end - gap.start >= _WORTH:
                yield _Gap(device, gap.start, None if gap.end == ahead else gap.end)
                break


def _board(gaps: Sequence[_Gap], prices: Mapping[int, Rate], at: datetime) -> list[Opening]:
    """Devices of one model and node that become free together, soonest first, then cheapest."""
    together: dict[tuple[int, str, datetime], list[_Gap]] = defaultdict(list)
    for gap in gaps:
        together[gap.device.node_id, gap.device.model_key, gap.start].append(gap)
    openings = [_opening(group, prices, at) for group in together.values()]
    return sorted(openings, key=lambda one: (one.start or at, one.price, one.node))[:_ON_BOARD]


def _opening(group: Sequence[_Gap], prices: Mapping[int, Rate], at: datetime) -> Opening:
    first = group[0]
    node, ends = first.device.node, [gap.until for gap in group if gap.until]
    rate = prices[first.device.pk]
    return Opening(
        start=first.start if first.start > at else None,
        until=min(ends) if ends else None,
        model=f"{first.device.model} {formats.memory(first.device.memory_bytes)}",
        node=node.name,
        place=f"{node.name}, {formats.country(node.site.country)}",
        url=timetable_url(model=first.device.model_key, site=node.site.slug, at=first.start),
        devices=len(group),
        price=rate.price,
        full_cost=rate.full_delivered,
        costs_url=reverse("node_costs", args=[node.slug]),
    )


def _public_share(at: datetime) -> Decimal | None:
    """The part of the cost-weighted hours settled in four weeks that public-interest projects had."""
    recent = UsageEntry.objects.filter(during__overlap=between(at - _LOOK_BACK, at))
    hours = recent.aggregate(
        every=Sum("cost_weighted_hours"),
        public=Sum("cost_weighted_hours", filter=Q(vertex__project__project_class__in=PUBLIC_INTEREST)),
    )
    return (hours["public"] or Decimal(0)) / hours["every"] if hours["every"] else None
