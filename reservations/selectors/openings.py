"""When the devices of one node are free in the coming week, for its public page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nodes.models import Device, Node
from nodes.selectors import free_time
from reservations.selectors.links import timetable_url

_AHEAD = timedelta(days=7)
_WORTH = timedelta(minutes=30)  # the shortest slot that can be booked
_SHOWN = 4


@dataclass(frozen=True)
class FreeSlot:
    """Devices that are free over the same time; `start` is None for now, `until` for beyond the week."""

    start: datetime | None
    until: datetime | None
    devices: int
    url: str


@dataclass(frozen=True)
class FreeSlots:
    free: int  # devices free now, for half an hour at least
    devices: int
    days: int
    slots: tuple[FreeSlot, ...]


def free_slots(*, node: Node, devices: Sequence[Device], at: datetime) -> FreeSlots:
    """`devices` are all of the node's, which its page has read already: one query is left."""
    free = free_time(device_ids=[device.pk for device in devices], start=at, end=at + _AHEAD)
    gaps = Counter(
        (one.start, None if one.end == at + _AHEAD else one.end)
        for device in devices
        for one in free[device.pk]
        if one.end == at + _AHEAD or one.end - one.start >= _WORTH
    )
    order = sorted(gaps.items(), key=lambda item: (item[0][0], -item[1]))
    model = devices[0].model_key if devices else ""
    return FreeSlots(
        free=sum(count for (start, _), count in order if start == at),
        devices=len(devices),
        days=_AHEAD.days,
        slots=tuple(
            FreeSlot(
                start if start > at else None,
                until,
                count,
                timetable_url(model=model, site=node.site.slug, at=start),
            )
            for (start, until), count in order[:_SHOWN]
        ),
    )


@dataclass(frozen=True)
class Opening:
    """A stretch in which nobody holds this device."""

    device: Device
    start: datetime
    end: datetime


def openings(
    *, devices: Sequence[Device], start: datetime, end: datetime, shortest: timedelta
) -> list[Opening]:
    """What is free in [start, end) for at least so long, device by device. One query."""
    free = free_time(device_ids=[device.pk for device in devices], start=start, end=end)
    return [
        Opening(device, one.start, one.end)
        for device in devices
        for one in free[device.pk]
        if one.end - one.start >= shortest
    ]
