"""The soonest free slot that somebody's grants pay for: what a first booking is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef

from common import formats
from common.ranges import between
from nodes.models import Agent, Device, Node
from nodes.selectors import UNREACHABLE_AFTER, free_time
from pricing.domain.grants import HasFunds, cover
from pricing.selectors import Rate, rates
from reservations.domain.policy import Policy as Rules
from reservations.domain.slots import mark_after
from reservations.selectors.links import slot_url

_AHEAD = timedelta(days=7)  # beyond that there is the timetable
_USUAL = timedelta(hours=1)
_READING = timedelta(minutes=5)


@dataclass(frozen=True)
class Soonest:
    """One device for about an hour. `start` is None for now."""

    start: datetime | None
    end: datetime
    length: timedelta
    device: str
    node: str
    place: str
    price: Decimal
    can_run: bool  # its node answers; elsewhere no job starts until the owner connects it
    url: str  # the booking page with this slot filled in


class _Candidate(NamedTuple):
    """A device that could be it. All devices of the site are looked at, so no more is read of each."""

    id: int
    uid: UUID
    model: str
    position: int
    node_id: int
    node: str
    country: str
    answers: bool


def soonest(*, project: str, funds: Sequence[HasFunds], rules: Rules, at: datetime) -> Soonest | None:
    """On nodes that answer first, then the earliest, then the cheapest. Three queries; None without funds."""
    if not funds:
        return None
    devices = _devices(at)
    prices = rates(device_ids=[device.id for device in devices], at=at)
    bookable = [device for device in devices if device.id in prices]
    until = at + _AHEAD
    free = free_time(device_ids=[device.id for device in bookable], start=at, end=until)
    # Money that comes later, the next month's allowance say, pays in the middle of free time, too.
    later = [fund.valid.lower for fund in funds if fund.valid.lower is not None and fund.valid.lower > at]
    begins = [
        (device, start, gap.end)
        for device in bookable
        for gap in free[device.id]
        for start in (gap.start, *later)
        if gap.start <= start <= gap.end - rules.shortest
    ]
    begins.sort(
        key=lambda one: (
            not one[0].answers, one[1], prices[one[0].id].to_pay, one[0].node_id, one[0].position,
        )
    )  # fmt: skip
    for device, start, free_until in begins:
        if found := _slot(device, start, free_until, prices[device.id], project, funds, rules, at):
            return found
    return None


def _devices(at: datetime) -> list[_Candidate]:
    agents = Agent.objects.filter(
        node=OuterRef("node"), revoked_at=None, last_seen_at__gte=at - UNREACHABLE_AFTER
    )
    listed = Device.objects.filter(node__state=Node.State.LISTED).annotate(answers=Exists(agents))
    rows = listed.order_by("node_id", "index").values_list(
        "id", "uid", "model", "index", "node_id", "node__name", "node__site__country", "answers"
    )
    return [_Candidate(*row) for row in rows]


def _slot(
    device: _Candidate, start: datetime, free_until: datetime, rate: Rate, project: str,
    funds: Sequence[HasFunds], rules: Rules, at: datetime,
) -> Soonest | None:  # fmt: skip
    """An hour from then on, or less where the opening is shorter or the money is."""
    is_now = start <= at
    start = at if is_now else mark_after(start, rules.mark)
    usual = mark_after(start + _USUAL, rules.mark)
    # What begins at once is shorter by the time somebody has read and pressed.
    least = mark_after(start + rules.shortest + (_READING if is_now else timedelta(0)), rules.mark)
    for end in (usual, least):
        paid = cover(funds, hours=between(start, end), price_per_hour=rate.to_pay)
        if end <= free_until and paid.is_full:
            begins = None if is_now else start
            return Soonest(
                start=begins,
                end=end,
                length=end - start,
                device=device.model,
                node=device.node,
                place=f"{device.node}, {formats.country(device.country)}",
                price=paid.total,
                can_run=device.answers,
                url=slot_url(project=project, devices=[str(device.uid)], start=begins, end=end),
            )
    return None
