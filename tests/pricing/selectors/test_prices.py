from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from common import clock
from common.ranges import between
from nodes.models import Hold, Node
from nodes.services.occupancy import WantedHold, hold_devices
from pricing.selectors.prices import PriceFilter, PriceRow, prices
from tests import factories

pytestmark = pytest.mark.django_db
AT = clock.now().replace(hour=9, minute=5, second=0, microsecond=0)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def node() -> Node:
    node = factories.make_node(devices=2)
    factories.publish_prices(node)
    return node


def held(node: Node, place: int, start: datetime, end: datetime) -> None:
    device = node.devices.order_by("index")[place]
    hold_devices(
        wanted=[WantedHold(device.pk)], during=between(start, end), reference="x", kind=Hold.Kind.OWNER, at=AT
    )


def row(at: datetime = AT) -> PriceRow:
    (found,) = prices(wanted=PriceFilter(), at=at).rows
    return found


def is_free_today(zone: str = "UTC") -> bool:
    with timezone.override(zone):
        return bool(prices(wanted=PriceFilter(is_free_today=True), at=AT).rows)


def test_a_device_that_nobody_holds_is_free(node: Node) -> None:
    held(node, 0, AT - HOUR, AT + HOUR)
    assert (row().devices_free, row().device_count, row().free_from) == (1, 2, None)
    assert is_free_today()


def test_where_none_is_free_the_first_moment_is_told(node: Node) -> None:
    held(node, 0, AT - HOUR, AT + 3 * HOUR)
    held(node, 1, AT - HOUR, AT + 5 * HOUR)
    assert (row().devices_free, row().free_from) == (0, AT + 3 * HOUR)
    assert is_free_today()


def test_a_gap_shorter_than_any_slot_is_none(node: Node) -> None:
    for place in (0, 1):
        held(node, place, AT - HOUR, AT - MINUTE)
        held(node, place, AT + 29 * MINUTE, AT + 2 * HOUR)
    assert (row().devices_free, row().free_from) == (0, AT + 2 * HOUR)


def test_today_is_the_reader_s_own(node: Node) -> None:
    for place in (0, 1):
        held(node, place, AT - HOUR, AT.replace(hour=23, minute=30))
    assert is_free_today("UTC")
    assert not is_free_today("Europe/Paris")  # there it is half past midnight


def test_what_is_taken_for_a_day_has_no_moment(node: Node) -> None:
    for place in (0, 1):
        held(node, place, AT - HOUR, AT + 24 * HOUR)
    assert (row().devices_free, row().free_from) == (0, None)
    assert not is_free_today()
