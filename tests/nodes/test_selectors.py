from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from common.ranges import between
from nodes import selectors
from nodes.domain.intervals import Interval
from nodes.models import Agent, Hold, Node
from nodes.services import leases
from nodes.services.occupancy import WantedHold, hold_devices
from tests import factories
from tests.nodes.cast import SigningAgent

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
pytestmark = pytest.mark.django_db


def is_reachable(node: Node, now: datetime) -> bool:
    return selectors.is_recent(selectors.last_seen([node]).get(node.pk), now)


def test_a_node_is_reachable_while_its_agent_was_heard_within_three_heartbeats() -> None:
    node = factories.make_node()
    assert not is_reachable(node, AT)
    agent = SigningAgent(node).row
    assert not is_reachable(node, AT)
    leases.heartbeat(agent=agent, leases=[], at=AT)
    assert is_reachable(node, AT + 30 * SECOND)
    assert not is_reachable(node, AT + 31 * SECOND)


def test_an_agent_that_was_shut_out_makes_no_node_reachable() -> None:
    agent = SigningAgent()
    Agent.objects.update(last_seen_at=AT, revoked_at=AT)
    assert selectors.last_seen([agent.row.node]) == {}
    assert not is_reachable(agent.row.node, AT)


def held(node: Node, place: int, start: datetime, end: datetime) -> None:
    device = node.devices.order_by("index")[place]
    hold_devices(
        wanted=[WantedHold(device.pk)], during=between(start, end), reference="x", kind=Hold.Kind.OWNER, at=AT
    )


def test_free_time_is_what_no_hold_takes_of_the_span() -> None:
    node = factories.make_node(devices=3)
    held(node, 0, AT - HOUR, AT + HOUR)
    held(node, 0, AT + HOUR, AT + 2 * HOUR)
    held(node, 0, AT + 3 * HOUR, AT + 9 * HOUR)
    held(node, 1, AT - HOUR, AT + 9 * HOUR)
    first, second, third = (device.pk for device in node.devices.order_by("index"))
    free = selectors.free_time(device_ids=[first, second, third], start=AT, end=AT + 8 * HOUR)
    assert free == {
        first: [Interval(AT + 2 * HOUR, AT + 3 * HOUR)],
        second: [],
        third: [Interval(AT, AT + 8 * HOUR)],
    }


def test_no_time_is_free_in_a_span_without_length() -> None:
    device = factories.make_node(devices=1).devices.get()
    assert selectors.free_time(device_ids=[device.pk], start=AT, end=AT) == {device.pk: []}
