"""When the devices of one node are free in the coming week, for its public page."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.ranges import bounds
from nodes.models import Device, Node
from nodes.selectors import occupancy
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
    taken: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    for hold in occupancy(device_ids=[device.pk for device in devices], start=at, end=at + _AHEAD):
        taken[hold.device_id].append(bounds(hold.during))
    gaps = Counter(gap for device in devices for gap in _gaps(taken[device.pk], at))
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
    if start >= end:
        return []
    taken: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    for hold in occupancy(device_ids=[device.pk for device in devices], start=start, end=end):
        taken[hold.device_id].append(bounds(hold.during))
    return [
        Opening(device, free_from, until)
        for device in devices
        for free_from, until in _free(taken[device.pk], start, end)
        if until - free_from >= shortest
    ]


def _free(
    taken: Iterable[tuple[datetime, datetime]], start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    free_from = start
    for held_from, held_until in sorted(taken):
        if held_from > free_from:
            yield free_from, min(held_from, end)
        free_from = max(free_from, held_until)
    if free_from < end:
        yield free_from, end


def _gaps(
    taken: Iterable[tuple[datetime, datetime]], at: datetime
) -> Iterator[tuple[datetime, datetime | None]]:
    """What one device has free, where it is long enough to book."""
    free_from = at
    for start, end in sorted(taken):
        if start - free_from >= _WORTH:
            yield free_from, start
        free_from = max(free_from, end)
    if free_from < at + _AHEAD:
        yield free_from, None
