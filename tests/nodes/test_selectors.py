from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nodes import selectors
from nodes.models import Agent, Device, Node
from nodes.services import leases
from tests import factories
from tests.nodes.cast import SigningAgent

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)
pytestmark = pytest.mark.django_db


def test_a_node_is_reachable_while_its_agent_was_heard_within_three_heartbeats() -> None:
    node = factories.make_node()
    assert not selectors.is_reachable(node, AT)
    agent = SigningAgent(node).row
    assert not selectors.is_reachable(node, AT)
    leases.heartbeat(agent=agent, leases=[], at=AT)
    assert selectors.is_reachable(node, AT + 30 * SECOND)
    assert not selectors.is_reachable(node, AT + 31 * SECOND)


def test_an_agent_that_was_shut_out_makes_no_node_reachable() -> None:
    agent = SigningAgent()
    Agent.objects.update(last_seen_at=AT, revoked_at=AT)
    assert selectors.last_seen([agent.row.node]) == {}
    assert not selectors.is_reachable(agent.row.node, AT)


def test_the_facts_of_many_nodes_take_three_queries(django_assert_num_queries: Any) -> None:
    for _number in range(4):
        SigningAgent()
    Agent.objects.update(last_seen_at=AT)
    with django_assert_num_queries(3):
        facts = selectors.node_facts(Node.objects.listed(), AT)
    assert len(facts) == 4
    assert all(one.is_reachable for one in facts)


def test_devices_that_are_the_same_are_counted_together() -> None:
    node = factories.make_node(devices=3)
    Device.objects.create(
        node=node, index=3, kind="mig", model="H100 MIG 1g.10gb", memory_bytes=10, model_key="mig"
    )
    (facts,) = selectors.node_facts(Node.objects.all(), AT)
    assert [(group.model, group.kind, group.count) for group in facts.devices] == [
        ("H100 SXM5", "gpu", 3), ("H100 MIG 1g.10gb", "mig", 1)
    ]  # fmt: skip
