"""What a node's page says of its free time: devices free together, and nothing too short to book."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from common import clock
from common.ranges import between
from nodes.models import Device, Hold, Node
from reservations.selectors.openings import free_slots
from tests.reservations.services.worlds import make_open_node

pytestmark = pytest.mark.django_db


@pytest.fixture
def node() -> Node:
    return make_open_node(devices=3, model="L40S")


def devices(node: Node) -> list[Device]:
    return list(node.devices.order_by("index"))


def hold(device: Device, start: datetime, end: datetime) -> None:
    Hold.objects.create(
        device=device, during=between(start, end), reference=f"closure-{device.pk}", kind=Hold.Kind.CLOSURE
    )


def test_an_empty_node_is_free_now_and_beyond_the_week(node: Node) -> None:
    found = free_slots(node=node, devices=devices(node), at=clock.now())
    assert (found.free, found.devices) == (3, 3)
    assert [(slot.start, slot.until, slot.devices) for slot in found.slots] == [(None, None, 3)]
    assert f"site={node.site.slug}" in found.slots[0].url


def test_devices_with_the_same_free_time_are_told_together(node: Node) -> None:
    now = clock.now()
    first, second, third = node.devices.order_by("index")
    starts, ends = now + timedelta(hours=5), now + timedelta(hours=9)
    hold(first, starts, ends)
    hold(second, starts, ends)
    hold(third, now - timedelta(hours=1), now + timedelta(days=8))
    found = free_slots(node=node, devices=devices(node), at=now)
    assert found.free == 2
    assert [(slot.start, slot.until, slot.devices) for slot in found.slots] == [
        (None, starts, 2),
        (ends, None, 2),
    ]


def test_time_too_short_to_book_is_not_told(node: Node) -> None:
    now = clock.now()
    for device in node.devices.all():
        hold(device, now + timedelta(minutes=29), now + timedelta(days=8))
    found = free_slots(node=node, devices=devices(node), at=now)
    assert (found.free, found.slots) == (0, ())
