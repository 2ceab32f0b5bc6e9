from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nodes import selectors
from nodes.models import Agent, Node
from nodes.services import leases
from tests import factories
from tests.nodes.cast import SigningAgent

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)
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
