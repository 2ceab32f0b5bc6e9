"""What can be booked in place of a slot that was taken back: as many like devices on one node, for as long.

The same model before others with at least its memory; what costs no more before what does; then the nearest
in time. Which rules a project meets there, the preview tells that each of them leads to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby

from django.utils.translation import gettext as _

from common import formats
from common.ranges import bounds
from nodes.models import Device, Node
from nodes.selectors import free_time
from pricing.selectors import Rate, rates
from reservations.domain.policy import Policy
from reservations.domain.settlement import price_of
from reservations.domain.slots import Slot, mark_after
from reservations.domain.together import Pool, starts
from reservations.models import Reservation, SlotWithdrawal
from reservations.selectors import policies
from reservations.selectors.links import slot_url

MOST = 3
_READING = timedelta(minutes=5)  # until somebody who reads of it has pressed
_MOST_DEVICES = 512  # that are looked at, of all that would do


@dataclass(frozen=True)
class Instead:
    """One way to have as much elsewhere, as a row of reservations/_offers.html."""

    title: str
    differs: str
    start: datetime
    end: datetime
    total: Decimal
    url: str


@dataclass(frozen=True)
class TakenBack:
    """What a slot's page says of it: by whom, why, and what there is instead."""

    node: str
    reason: str
    at: datetime
    had_begun: bool
    offers: tuple[Instead, ...]


def taken_back(reservation: Reservation, *, at: datetime) -> TakenBack | None:
    """None for a slot that nobody took back: one query."""
    told = SlotWithdrawal.objects.filter(reservation=reservation).select_related("node").first()
    if told is None:
        return None
    return TakenBack(
        node=told.node.name, reason=told.reason, at=told.at, had_begun=told.had_begun,
        offers=tuple(instead(reservation, since=told.at, at=at)),
    )  # fmt: skip


@dataclass(frozen=True)
class _Found:
    devices: list[Device]  # alike, on one node
    start: datetime
    rate: Rate

    @property
    def model_key(self) -> str:
        return self.devices[0].model_key

    @property
    def title(self) -> str:
        """`2 × H100 SXM5 80 GB`"""
        device = self.devices[0]
        return f"{len(self.devices)} × {device.model} {formats.memory(device.memory_bytes)}"


def instead(reservation: Reservation, *, since: datetime, at: datetime) -> Iterator[Instead]:
    """For what was left of the slot when it was taken back; nothing once its own time is over."""
    start, end = bounds(reservation.during)
    held = list(reservation.devices.select_related("device"))
    if at >= end or not held:
        return
    policy = policies.in_force(at)[1]
    length = max(-(-(end - max(start, since)) // policy.mark) * policy.mark, policy.shortest)
    devices = _alike([one.device for one in held])
    priced = rates(device_ids=[device.pk for device in devices], at=at)
    wanted = max(start, mark_after(at + _READING, policy.mark))
    models, paid = {one.device.model_key for one in held}, max(one.price + one.fee for one in held)

    def order(found: _Found) -> tuple[object, ...]:
        is_dearer = found.rate.to_pay > paid
        nearness = abs(found.start - wanted)
        return found.model_key not in models, is_dearer, nearness, found.rate.to_pay, found.devices[0].pk

    every = _found(devices, priced, wanted, length, len(held), policy, at)
    for found in sorted(every, key=order)[:MOST]:
        yield _offer(reservation, found, length, found.start - wanted, paid)


def _alike(held: Sequence[Device]) -> list[Device]:
    """Devices of the same kind with at least as much memory, on nodes that take bookings."""
    rows = Device.objects.filter(
        node__state=Node.State.LISTED,
        kind=held[0].kind,
        memory_bytes__gte=max(device.memory_bytes for device in held),
    ).select_related("node__site")
    same = rows.filter(model_key__in={device.model_key for device in held})
    others = rows.exclude(pk__in=same.values("pk"))
    found = list(same.order_by("node_id", "model_key", "index")[:_MOST_DEVICES])
    return found + list(others.order_by("node_id", "model_key", "index")[: _MOST_DEVICES - len(found)])


def _found(
    devices: Sequence[Device],
    priced: Mapping[int, Rate],
    wanted: datetime,
    length: timedelta,
    number: int,
    policy: Policy,
    at: datetime,
) -> Iterator[_Found]:
    bookable = [device for device in devices if device.pk in priced]
    begin, until = mark_after(at + _READING, policy.mark), at + policy.horizon
    free = free_time(device_ids=[device.pk for device in bookable], start=begin, end=until)
    gaps = {str(device.uid): [Slot(gap.start, gap.end) for gap in free[device.pk]] for device in bookable}
    for _key, group in groupby(bookable, key=lambda device: (device.node_id, device.model_key)):
        its = {str(device.uid): device for device in group}
        pool = Pool(number, {uid: gaps[uid] for uid in its})
        start = starts([pool], length=length, mark=policy.mark).nearest(wanted)
        if start is not None:
            chosen = [its[uid] for uid in pool.free_in(Slot(start, start + length))[:number]]
            yield _Found(chosen, start, priced[chosen[0].pk])


def _offer(
    reservation: Reservation, found: _Found, length: timedelta, later: timedelta, paid: Decimal
) -> Instead:
    node, end = found.devices[0].node, found.start + length
    parts = [f"{node.name}, {formats.country(node.site.country)}"]
    if later:
        said = _("%s later") if later > timedelta(0) else _("%s earlier")
        parts.append(said % formats.duration(abs(later)))
    if found.rate.to_pay > paid:
        parts.append(_("dearer than what you had"))
    return Instead(
        title=f"{found.title}, {formats.duration(length)}",
        differs=", ".join(parts),
        start=found.start,
        end=end,
        total=price_of([found.rate.to_pay] * len(found.devices), length),
        url=slot_url(
            project=reservation.project.slug, devices=[str(device.uid) for device in found.devices],
            start=found.start, end=end,
        ),
    )  # fmt: skip
