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
    order = sorted(
        free,
        key=lambda one: (
            not _answers(one.device), one.start, prices[one.device.pk].to_pay, one.device.node_id,
            one.device.index,
        ),
    )  # fmt: skip
    for opening in order:
        if found := _slot(opening, prices[opening.device.pk], project, funds, rules, at):
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
    opening: Opening, rate: Rate, project: str, funds: Sequence[HasFunds], rules: Rules, at: datetime
) -> Soonest | None:
    """An hour from the opening's beginning, or less where it is shorter or the money is."""
    is_now = opening.start <= at
    start = at if is_now else mark_after(opening.start, rules.mark)
    usual = mark_after(start + _USUAL, rules.mark)
    least = mark_after(start + rules.shortest, rules.mark)
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
