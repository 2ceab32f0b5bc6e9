"""The soonest free slot that somebody's grants pay for: what a first booking is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Exists, OuterRef

from common import formats
from common.ranges import between
from nodes.models import Agent, Device, Node
from nodes.selectors import UNREACHABLE_AFTER
from pricing.domain.grants import HasFunds, cover
from pricing.selectors import Rate, rates
from reservations.domain.policy import Policy as Rules
from reservations.domain.slots import mark_after
from reservations.selectors.links import slot_url
from reservations.selectors.openings import Opening, openings

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


def soonest(*, project: str, funds: Sequence[HasFunds], rules: Rules, at: datetime) -> Soonest | None:
    """On nodes that answer first, then the earliest, then the cheapest. Three queries; None without funds."""
    if not funds:
        return None
    devices = _devices(at)
    prices = rates(device_ids=[device.pk for device in devices], at=at)
    bookable = [device for device in devices if device.pk in prices]
    free = openings(devices=bookable, start=at, end=at + _AHEAD, shortest=rules.shortest)
    # Money that comes later, the next month's allowance say, pays in the middle of free time, too.
    later = [fund.valid.lower for fund in funds if fund.valid.lower is not None and fund.valid.lower > at]
    begins = [
        (one, start)
        for one in free
        for start in (one.start, *later)
        if one.start <= start <= one.end - rules.shortest
    ]
    begins.sort(
        key=lambda pair: (
            not _answers(pair[0].device), pair[1], prices[pair[0].device.pk].to_pay,
            pair[0].device.node_id, pair[0].device.index,
        )
    )  # fmt: skip
    for opening, start in begins:
        if found := _slot(opening, start, prices[opening.device.pk], project, funds, rules, at):
            return found
    return None


def _devices(at: datetime) -> list[Device]:
    agents = Agent.objects.filter(
        node=OuterRef("node"), revoked_at=None, last_seen_at__gte=at - UNREACHABLE_AFTER
    )
    listed = Device.objects.filter(node__state=Node.State.LISTED).select_related("node__site")
    return list(listed.annotate(node_answers=Exists(agents)).order_by("node_id", "index"))


def _answers(device: Device) -> bool:
    answers: bool = device.node_answers  # type: ignore[attr-defined]  # annotated above
    return answers


def _slot(
    opening: Opening, start: datetime, rate: Rate, project: str, funds: Sequence[HasFunds], rules: Rules,
    at: datetime,
) -> Soonest | None:  # fmt: skip
    """An hour from then on, or less where the opening is shorter or the money is."""
    is_now = start <= at
    start = at if is_now else mark_after(start, rules.mark)
    usual = mark_after(start + _USUAL, rules.mark)
    # What begins at once is shorter by the time somebody has read and pressed.
    least = mark_after(start + rules.shortest + (_READING if is_now else timedelta(0)), rules.mark)
    for end in (usual, least):
        paid = cover(funds, hours=between(start, end), price_per_hour=rate.to_pay)
        if end <= opening.end and paid.is_full:
            node = opening.device.node
            begins = None if is_now else start
            return Soonest(
                start=begins,
                end=end,
                length=end - start,
                device=opening.device.model,
                node=node.name,
                place=f"{node.name}, {formats.country(node.site.country)}",
                price=paid.total,
                can_run=_answers(opening.device),
                url=slot_url(project=project, devices=[str(opening.device.uid)], start=begins, end=end),
            )
    return None
