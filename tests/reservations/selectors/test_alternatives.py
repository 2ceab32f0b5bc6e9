"""What is offered instead of what is refused, on what holds, prices and other projects are then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import clock
from nodes.models import Device, Node
from reservations.domain.decision import Answer, Offer
from reservations.domain.policy import standard
from reservations.errors import Refused
from reservations.management.commands.replay_decisions import difference_of
from reservations.services import booking, capacity
from tests import factories
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node

pytestmark = pytest.mark.django_db


def answer_to(lab: Lab, devices: Sequence[Device], start: datetime, hours: float = 2) -> Answer:
    return booking.preview(
        project=lab.project, devices=[device.uid for device in devices], start=start,
        end=start + timedelta(hours=hours), asked_by=lab.member, at=clock.now(),
    )  # fmt: skip


def offered(answer: Answer) -> dict[str, Offer]:
    return {offer.kind: offer for offer in answer.alternatives}


def first(node: Node, count: int) -> list[Device]:
    return list(node.devices.order_by("index")[:count])


def uids(devices: Sequence[Device]) -> set[str]:
    return {str(device.uid) for device in devices}


def test_who_is_granted_is_offered_nothing() -> None:
    lab, node = make_lab(), make_open_node()
    assert answer_to(lab, first(node, 1), in_days(2)).alternatives == ()


def test_other_devices_of_the_node_at_the_same_time() -> None:
    lab, other, node = make_lab(), make_lab(), make_open_node(devices=4)
    other.book(first(node, 1), in_days(2))
    found = offered(answer_to(lab, first(node, 2), in_days(2)))["devices"]
    assert uids(first(node, 4)[1:3]) == set(found.devices)
    assert (found.start, found.end) == (in_days(2), in_days(2) + timedelta(hours=2))


def test_the_same_devices_right_before_and_right_after() -> None:
    lab, other, node = make_lab(), make_lab(), make_open_node(devices=2)
    other.book(first(node, 2), in_days(2), hours=3)
    found = offered(answer_to(lab, first(node, 2), in_days(2) + timedelta(hours=1)))
    assert "devices" not in found
    assert found["earlier"].end == in_days(2)
    assert found["later"].start == in_days(2) + timedelta(hours=3)
    assert set(found["later"].devices) == uids(first(node, 2))


def test_until_somebody_elses_time_and_fewer_devices() -> None:
    lab, other, node = make_lab(), make_lab(), make_open_node(devices=3)
    other.book(first(node, 1), in_days(2) + timedelta(hours=4))
    found = offered(answer_to(lab, first(node, 3), in_days(2), hours=8))
    assert (found["shorter"].start, found["shorter"].end) == (
        in_days(2), in_days(2) + timedelta(hours=4),
    )  # fmt: skip
    assert set(found["fewer"].devices) == uids(first(node, 3)[1:])


def test_as_many_devices_as_the_budget_pays() -> None:
    node = make_open_node(devices=4)
    plenty = make_lab()
    price = answer_to(plenty, first(node, 1), in_days(2)).quote
    assert price is not None
    lab = make_lab(budget=str(price.total * 3 - Decimal("0.01")))
    found = offered(answer_to(lab, first(node, 4), in_days(2)))
    assert len(found["fewer"].devices) == 2
    assert found["fewer"].total == 2 * price.total
    assert "later" not in found  # no time of that length is cheaper


def test_another_node_of_the_same_model_and_another_model_with_at_least_the_memory() -> None:
    lab, other, node = make_lab(), make_lab(), make_open_node(devices=1)
    alike, larger, smaller = (
        factories.make_node(devices=2),
        factories.make_node(devices=2, model="H200"),
        factories.make_node(devices=2, model="L4"),
    )
    Device.objects.filter(node=smaller).update(memory_bytes=24 * factories.GIB, model_key="l4-24")
    for one in (alike, larger, smaller):
        factories.publish_prices(one)
    capacity.measure(at=clock.now())
    other.book(first(node, 1), in_days(2))
    found = offered(answer_to(lab, first(node, 1), in_days(2)))
    assert set(found["elsewhere"].devices) == uids(first(alike, 1))
    assert set(found["model"].devices) == uids(first(larger, 1))
    assert found["model"].start == in_days(2)


def test_what_costs_no_more_goes_before_what_does_though_it_starts_later() -> None:
    factories.make_policy()
    lab, other = make_lab(), make_lab()
    node, cheap, dear = (factories.make_node(devices=1, model=model) for model in ("H100", "H200", "B200"))
    for one, below_cost in ((node, "-0.02"), (cheap, "-0.03"), (dear, "0")):
        factories.publish_prices(one, owner_adjustment=below_cost)
    other.book(first(node, 1), in_days(2))
    other.book(first(cheap, 1), in_days(2), hours=5)
    found = offered(answer_to(lab, first(node, 1), in_days(2)))
    assert set(found["model"].devices) == uids(first(cheap, 1))
    assert found["model"].start != in_days(2)


def test_every_offer_is_granted_when_it_is_asked_for() -> None:
    """On a node full of others' slots, under every rule of the standard policy."""
    factories.make_policy(**vars(standard()))
    node, elsewhere = make_open_node(devices=4), make_open_node(devices=4, model="H200")
    others = make_lab(shares=20)
    capacity.measure(at=clock.now())
    for number in range(6):
        others.book(first(node, 3), in_days(2) + timedelta(hours=6 * number), hours=5)
    others.book(first(elsewhere, 2), in_days(2), hours=3)
    lab = make_lab()
    with pytest.raises(Refused) as refusal:
        lab.book(first(node, 2), in_days(2) + timedelta(hours=1), hours=4)
    offers = refusal.value.answer.alternatives
    assert {offer.kind for offer in offers} >= {"earlier", "later", "fewer", "model"}
    at = clock.now()
    for offer in offers:
        again = booking.preview(
            project=lab.project, devices=[_uid(uid) for uid in offer.devices], start=offer.start,
            end=offer.end, asked_by=lab.member, at=at,
        )  # fmt: skip
        assert again.is_granted, (offer, [rule.code for rule in again.refusing])
        assert again.quote is not None
        assert again.quote.total == offer.total


def test_a_refusal_with_offers_replays_from_what_is_stored() -> None:
    lab, other, node = make_lab(), make_lab(), make_open_node(devices=2)
    other.book(first(node, 2), in_days(2), hours=3)
    with pytest.raises(Refused) as refusal:
        lab.book(first(node, 2), in_days(2))
    decision = refusal.value.decision
    decision.refresh_from_db()
    assert decision.quote["alternatives"]
    assert difference_of(decision) == ""
    stored = str([decision.snapshot, decision.quote])
    assert other.project.name not in stored or other.project.is_public


@pytest.mark.parametrize("fields", [{"hours": 400}, {"hours": -1}, {"hours": 0.2}])
def test_a_slot_that_no_device_could_have_is_not_looked_for(fields: dict[str, Any]) -> None:
    lab, node = make_lab(), make_open_node()
    answer = answer_to(lab, first(node, 1), in_days(2), **fields)
    assert not answer.is_granted
    assert answer.alternatives == ()


def test_beyond_the_horizon_the_same_length_within_it_is_offered() -> None:
    lab, other, node = make_lab(), make_lab(), make_open_node()
    other.book(first(node, 1), in_days(26), hours=30)
    found = offered(answer_to(lab, first(node, 1), in_days(30), hours=4))
    assert found.keys() == {"earlier"}
    assert found["earlier"].end - found["earlier"].start == timedelta(hours=4)
    latest = clock.now() + timedelta(days=28)
    assert latest - timedelta(minutes=15) <= found["earlier"].end <= latest


def test_after_the_end_of_the_project_the_same_length_before_it_is_offered() -> None:
    lab, node = make_lab(), make_open_node()
    lab.project.expires_at = in_days(5)
    lab.project.save()
    found = offered(answer_to(lab, first(node, 1), in_days(6), hours=4))
    assert (found["earlier"].start, found["earlier"].end) == (in_days(5) - timedelta(hours=4), in_days(5))


def test_what_begins_now_may_have_other_devices_now() -> None:
    lab, other, node, at = make_lab(), make_lab(), make_open_node(devices=2), clock.now()
    other.book(first(node, 1), None, at=at)
    end = in_days(0.2)
    answer = booking.preview(
        project=lab.project, devices=[first(node, 1)[0].uid], start=None, end=end, asked_by=lab.member, at=at
    )
    found = offered(answer)["devices"]
    assert found.start == at
    assert set(found.devices) == uids(first(node, 2)[1:])


def test_queries_do_not_depend_on_how_much_there_is_to_choose_from() -> None:
    factories.make_policy(**vars(standard()))
    lab, other, node = make_lab(), make_lab(), make_open_node(devices=2)
    other.book(first(node, 2), in_days(2), hours=3)
    answer_to(lab, first(node, 2), in_days(2))
    with CaptureQueriesContext(connection) as few:
        answer_to(lab, first(node, 2), in_days(2))
    for number in range(3):
        more = make_open_node(devices=8, model=f"H{200 + number}")
        other.book(first(more, 1), in_days(2 + number), hours=5)
    with CaptureQueriesContext(connection) as many:
        answer = answer_to(lab, first(node, 2), in_days(2))
    assert offered(answer).keys() >= {"model", "earlier", "later"}
    assert len(many) <= len(few) + 1  # what the project holds of other models


def _uid(text: str) -> Any:
    return Device.objects.get(uid=text).uid
