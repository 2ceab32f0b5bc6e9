"""What became of a node's slots, month by month: kept, late, missed, taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from common import clock
from common.ranges import between, bounds
from nodes.models import Agent, Node
from pricing.models import Charge
from reservations.models import NodeMonth, Reservation, Sweep
from reservations.selectors.reliability import reliability
from reservations.services import booking, reliability as service, taking_back
from tests import factories
from tests.nodes.cast import SigningAgent
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node

pytestmark = pytest.mark.django_db
NOVEMBER = datetime(2026, 11, 10, 12, tzinfo=UTC)


def over(
    lab: Lab, node: Node, at: datetime, *, credited: str = "", seconds: int = 0, agent: bool = True
) -> Reservation:
    """A slot that ended then and was settled, whatever became of it."""
    if agent and not Agent.objects.filter(node=node).exists():
        Agent.objects.filter(pk=SigningAgent(node).row.pk).update(enrolled_at=NOVEMBER - timedelta(days=30))
    slot = lab.book([node.devices.all()[0]], in_days(1 + Reservation.objects.count()), hours=1)
    if credited:
        Charge.objects.create(
            project=lab.project, node=node, reference=slot.reference, position=9, category="credit",
            item=credited, quantity=-1, unit_price=1, amount=-1, posted_at=at,
            period=between(at - timedelta(hours=1), at), detail={"seconds": seconds} if seconds else {},
        )  # fmt: skip
    Reservation.objects.filter(pk=slot.pk).update(
        during=between(at - timedelta(hours=1), at), state="ended", settled_at=at
    )
    return slot


def counts(node: Node) -> list[tuple[str, int, int, int, int, int]]:
    names = ("slots", "kept", "late", "missed", "withdrawn")
    rows = NodeMonth.objects.filter(node=node).order_by("month")
    return [(f"{row.month:%Y-%m}", *(getattr(row, name) for name in names)) for row in rows]


def test_a_slot_counts_once_as_the_worst_that_happened() -> None:
    node, lab = make_open_node(), make_lab()
    over(lab, node, NOVEMBER)
    over(lab, node, NOVEMBER, credited="late_start", seconds=7)
    over(lab, node, NOVEMBER, credited="lost")
    over(lab, node, datetime(2026, 12, 1, tzinfo=UTC))  # half-open: it ends with the first of December
    assert service.count(at=clock.now()) == 2
    assert counts(node) == [("2026-11", 3, 1, 1, 1, 0), ("2026-12", 1, 1, 0, 0, 0)]
    assert NodeMonth.objects.get(month="2026-11-01").late_seconds == 7
    assert service.count(at=clock.now()) == 0, "nothing new: no row is written again"


def test_slots_in_which_no_agent_was_there_are_not_counted_as_kept() -> None:
    node, lab = make_open_node(), make_lab()
    over(lab, node, NOVEMBER, agent=False)
    service.count(at=clock.now())
    assert counts(node) == []
    over(lab, node, NOVEMBER + timedelta(days=1), agent=False)
    agent = Agent.objects.filter(pk=SigningAgent(node).row.pk)
    agent.update(enrolled_at=NOVEMBER + timedelta(hours=1))
    service.count(at=clock.now())
    assert counts(node) == [("2026-11", 1, 1, 0, 0, 0)]
    agent.update(revoked_at=NOVEMBER + timedelta(hours=25))
    over(lab, node, NOVEMBER + timedelta(days=2), agent=False)
    service.count(at=clock.now())
    assert counts(node) == [("2026-11", 1, 1, 0, 0, 0)]


def test_what_its_holder_gave_up_before_it_began_says_nothing_of_the_node() -> None:
    node, lab = make_open_node(), make_lab()
    slot = lab.book([node.devices.all()[0]], in_days(3))
    booking.cancel(reservation=slot, by=lab.member, at=clock.now())
    service.count(at=clock.now())
    assert counts(node) == []


def test_what_an_owner_took_back_counts_for_that_node_alone() -> None:
    node, other, lab = make_open_node(), make_open_node(), make_lab()
    slot = lab.book([node.devices.all()[0], other.devices.all()[0]], in_days(3))
    owner, at = factories.make_user(), clock.now()
    taking_back.close(
        node=node, device_ids=[device.pk for device in node.devices.all()], start=in_days(3),
        end=in_days(4), kind="owner", reason="Mine", taking_back=[slot.uid], by=owner, at=at,
    )  # fmt: skip
    service.count(at=at)
    assert counts(node) == [(f"{at.astimezone(UTC):%Y-%m}", 1, 0, 0, 0, 1)]
    assert counts(other) == []


def test_a_slot_settled_later_is_counted_in_its_own_month() -> None:
    node, lab = make_open_node(), make_lab()
    at = clock.now()
    over(lab, node, NOVEMBER)
    service.count(at=at)
    Sweep.objects.create(name="count_reliability", finished_at=at, took_ms=1)
    late = over(lab, node, NOVEMBER + timedelta(days=1))
    Reservation.objects.filter(pk=late.pk).update(settled_at=at + timedelta(days=3))
    service.count(at=at + timedelta(days=3))
    assert counts(node) == [("2026-11", 2, 2, 0, 0, 0)]


def test_everybody_reads_it_on_the_nodes_page_and_in_its_files() -> None:
    node, lab = make_open_node(), make_lab()
    client = Client()
    assert "No slot on it is counted yet." in client.get(f"/nodes/{node.slug}/").content.decode()
    for seconds in (0, 7):
        over(lab, node, NOVEMBER, credited="late_start" if seconds else "", seconds=seconds)
    service.count(at=clock.now())
    page = client.get(f"/nodes/{node.slug}/").content.decode()
    assert "How it kept its slots" in page
    assert "50.0" in page
    told = client.get(f"/nodes/{node.slug}/reliability.json").json()
    assert told == client.get(f"/api/v1/nodes/{node.slug}/reliability").json()
    assert told["months"][0] | {"counted_at": ""} == {
        "node": node.slug, "month": "2026-11", "slots": 2, "kept": 1, "late": 1, "missed": 0,
        "withdrawn": 0, "late_seconds": 7, "counted_at": "",
    }  # fmt: skip
    lines = client.get(f"/nodes/{node.slug}/reliability.csv").content.decode().splitlines()
    assert lines[0].startswith("node,month,slots,kept")
    assert lines[1].startswith(f"{node.slug},2026-11,2,1,1,0,0,7,")
    assert bounds(Reservation.objects.all()[0].during)[1] == NOVEMBER
    total = reliability(node).total
    assert (total.slots, total.kept, total.ratio) == (2, 1, 0.5)
