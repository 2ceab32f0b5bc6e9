"""What nodes tell of themselves is kept a minute each, and thinned out as it gets old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nodes.models import Node, NodeSample
from nodes.services import samples
from tests import factories
from tests.nodes.cast import SigningAgent
from tests.races import at_once

AT = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.django_db
def test_a_minute_is_one_row_with_what_was_told_last() -> None:
    agent = SigningAgent().row
    for second, percent in enumerate((5, 50, 95)):
        samples.record(agent=agent, load={"cpu_percent": percent}, at=AT + timedelta(seconds=second))
    samples.record(agent=agent, load={}, at=AT + MINUTE)
    rows = list(NodeSample.objects.order_by("minute").values_list("heartbeats", "cpu_percent"))
    assert rows == [(3, 95.0), (1, None)]


@pytest.mark.django_db
def test_a_heartbeat_is_kept_with_its_load() -> None:
    agent = SigningAgent()
    answer = agent.post("heartbeat", {"leases": [], "load": {"gpus": [{"index": 0, "power_w": 90}]}})
    assert answer.status_code == 200
    kept = NodeSample.objects.get()
    assert (kept.node, kept.heartbeats, kept.gpus[0]["power_w"]) == (agent.row.node, 1, 90.0)


@pytest.mark.django_db(transaction=True)
def test_heartbeats_of_one_moment_are_all_counted() -> None:
    """Seen failing where the row is read, raised and written."""
    agent = SigningAgent().row
    answers = at_once(*[lambda: samples.record(agent=agent, load={}, at=AT)] * 6, meeting_at=NodeSample)
    assert answers == [None] * 6
    assert NodeSample.objects.get().heartbeats == 6


@pytest.mark.django_db
def test_old_minutes_are_thinned_out_once_and_for_good() -> None:
    node, other = factories.make_node(), factories.make_node()
    day = [AT - timedelta(days=2) + n * MINUTE for n in range(60)]
    month = [AT - timedelta(days=30) + n * MINUTE for n in range(120)]
    gone = [AT - timedelta(days=91)]
    fresh = [AT - n * MINUTE for n in range(30)]
    for one in (node, other):
        _keep(one, [*day, *month, *gone, *fresh])
    samples.thin(at=AT)
    left = _minutes(node)
    assert sum(minute >= AT - timedelta(days=1) for minute in left) == 30
    quarters = [minute for minute in left if timedelta(days=1) < AT - minute < timedelta(days=3)]
    # The hour begins half a minute before a quarter: four whole quarters and the begun one before them.
    assert len(quarters) == len({(minute - timedelta(minutes=minute.minute % 15)) for minute in day})
    hours = [minute for minute in left if AT - minute > timedelta(days=20)]
    assert len(hours) == len({minute.replace(minute=0, second=0) for minute in month})
    assert _minutes(other) == left
    assert samples.thin(at=AT) == 0


def _keep(node: Node, minutes: list[datetime]) -> None:
    NodeSample.objects.bulk_create(NodeSample(node=node, minute=minute) for minute in minutes)


def _minutes(node: Node) -> list[datetime]:
    return list(NodeSample.objects.filter(node=node).order_by("minute").values_list("minute", flat=True))
