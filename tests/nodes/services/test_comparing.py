"""An agent's word against its owner's: who may book meanwhile, who settles it, and what stays public."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from common.ranges import between
from ledger.errors import EntryRefused
from ledger.models import Entry
from nodes.errors import BodyInvalid, SettlingRefused, StandingRefused, TooManyInventories
from nodes.models import Agent, Node, NodeInventory, ToldGpu
from nodes.services import comparing, occupancy, standing
from tests import factories, races
from tests.nodes.inventories import GIB, gpu, of_node

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


def new_agent(node: Node | None = None) -> Agent:
    node = node or factories.make_node()
    return Agent.objects.create(node=node, public_key=f"key of {node.pk}"[:44], version="0.1", enrolled_at=AT)


def tell(agent: Agent, *, at: datetime = AT, **members: Any) -> NodeInventory:
    told = comparing.take_inventory(agent=agent, inventory=of_node(agent.node, **members), at=at)
    assert told is not None
    return told


def settle(inventory: NodeInventory, how: str = "accepted", **options: Any) -> NodeInventory:
    options = {
        "reason": "A memory module is being replaced.",
        "is_steward": how == "accepted",
        "at": AT + HOUR,
    } | options
    options["by"] = options.get("by") or factories.make_user()
    return comparing.settle(inventory=inventory, settlement=how, **options)


def standing_of(agent: Agent) -> tuple[str, datetime | None]:
    node = Node.objects.get(pk=agent.node_id)
    return node.state, node.differs_since


def told_in_ledger() -> list[tuple[str, int]]:
    bodies = [entry.fact["body"] for entry in Entry.objects.filter(kind="inventory").order_by("id")]
    return [(body["action"], body["differences"]) for body in bodies]


LESS = {"memory_bytes": 256 * GIB}
OTHER: dict[str, Any] = {"gpus": [gpu(0, "NVIDIA L4", uuid="GPU-l4"), gpu(1)]}


def test_a_machine_as_listed_can_be_booked_and_is_nobodys_news() -> None:
    agent = new_agent()
    told = tell(agent)
    assert (told.state, told.differences) == ("agrees", [])
    assert standing_of(agent) == ("listed", None)
    assert told_in_ledger() == []


def test_less_than_listed_takes_no_bookings_until_the_agent_tells_what_is_listed() -> None:
    agent = new_agent()
    assert tell(agent, **OTHER).state == "open"
    assert standing_of(agent) == ("drained", AT)
    tell(agent, **OTHER, at=AT + HOUR)
    assert standing_of(agent) == ("drained", AT)  # since it began
    assert tell(agent, at=AT + 2 * HOUR).state == "agrees"
    assert standing_of(agent) == ("listed", None)
    assert told_in_ledger() == [("differs", 1), ("agrees", 0)]


def test_more_than_listed_is_kept_and_takes_bookings() -> None:
    agent = new_agent()
    told = tell(agent, memory_bytes=1024 * GIB)
    assert (told.state, [one["code"] for one in told.differences]) == ("agrees", ["more_memory"])
    assert standing_of(agent) == ("listed", None)


def test_the_same_inventory_again_is_one_row() -> None:
    agent = new_agent()
    first = tell(agent)
    again = tell(agent, at=AT + HOUR)
    assert again == first
    assert NodeInventory.objects.get().last_told_at == AT + HOUR


def test_an_owner_lists_what_was_found() -> None:
    agent = new_agent()
    settled = settle(tell(agent, **LESS), "adopted")
    assert settled.state == "agrees"
    assert standing_of(agent) == ("listed", None)
    assert Node.objects.get().memory_bytes == 256 * GIB
    assert told_in_ledger() == [("differs", 1), ("settled", 1)]
    entry = Entry.objects.filter(kind="inventory").order_by("id").last()
    assert entry is not None
    body = entry.fact["body"]
    assert (body["settlement"], body["by"]) == ("adopted", "owner")
    assert body["reason"] == "A memory module is being replaced."


def test_less_is_not_adopted_while_people_have_booked_more() -> None:
    agent = new_agent()
    device = agent.node.devices.all()[0]
    occupancy.hold_devices(
        wanted=[occupancy.WantedHold(device.pk)], during=between(AT, AT + 4 * HOUR), reference="run-1",
        kind="reservation", at=AT,
    )  # fmt: skip
    told = tell(agent, **LESS)
    with pytest.raises(SettlingRefused, match="People have booked this node as it is listed, until"):
        settle(told, "adopted")
    assert Node.objects.get().memory_bytes == 512 * GIB
    assert settle(told, "adopted", at=AT + 5 * HOUR).state == "agrees"


def test_a_steward_may_have_less_listed_at_once() -> None:
    agent = new_agent()
    device = agent.node.devices.all()[0]
    occupancy.hold_devices(
        wanted=[occupancy.WantedHold(device.pk)], during=between(AT, AT + 4 * HOUR), reference="run-1",
        kind="reservation", at=AT,
    )  # fmt: skip
    assert settle(tell(agent, **LESS), "adopted", is_steward=True).state == "agrees"


def test_a_whole_host_that_is_corrected_is_booked_as_what_it_is() -> None:
    node = factories.make_node(devices=0)
    host = node.devices.create(
        index=0, kind="host", model="2 × EPYC", memory_bytes=512 * GIB, model_key="2-epyc-512"
    )
    settle(tell(new_agent(node), **LESS), "adopted")
    host.refresh_from_db()
    assert (host.memory_bytes, host.model_key) == (256 * GIB, "2-epyc-256")


def test_what_was_accepted_stays_accepted_while_it_is_told_just_so() -> None:
    agent = new_agent()
    settle(tell(agent, **LESS))
    assert standing_of(agent) == ("listed", None)
    later = tell(agent, **LESS, kernel="6.9.0", at=AT + 2 * HOUR)
    assert (later.state, later.reason) == ("settled", "A memory module is being replaced.")
    assert standing_of(agent) == ("listed", None)
    worse = tell(agent, memory_bytes=128 * GIB, at=AT + 3 * HOUR)
    assert worse.state == "open"
    assert standing_of(agent) == ("drained", AT + 3 * HOUR)


def test_less_is_listed_by_its_owner_and_accepted_by_stewards_alone() -> None:
    agent = new_agent()
    with pytest.raises(SettlingRefused, match="only a steward accepts"):
        settle(tell(agent, **LESS), is_steward=False)
    assert standing_of(agent)[0] == "drained"


def test_the_name_of_a_host_is_not_in_the_digest() -> None:
    agent = new_agent()
    first = tell(agent)
    assert tell(agent, hostname="another").digest == first.digest


def test_what_devices_are_not_is_accepted_by_stewards_alone() -> None:
    agent = new_agent()
    told = tell(agent, **OTHER)
    with pytest.raises(SettlingRefused, match="only a steward accepts"):
        settle(told, is_steward=False)
    with pytest.raises(SettlingRefused, match="cannot be another device"):
        settle(told, "adopted")
    assert standing_of(agent) == ("drained", AT)
    assert settle(told, is_steward=True).settled_by_steward
    assert standing_of(agent) == ("listed", None)


def test_adopting_what_can_be_leaves_the_rest_open() -> None:
    agent = new_agent()
    left = settle(tell(agent, **LESS, **OTHER), "adopted")
    assert (left.state, [one["code"] for one in left.differences]) == ("open", ["gpu_model"])
    assert standing_of(agent) == ("drained", AT)


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_a_settlement_says_why(reason: str) -> None:
    with pytest.raises(SettlingRefused) as refused:
        settle(tell(new_agent(), **LESS), reason=reason)
    assert refused.value.field == "reason"


def test_a_reason_with_an_address_in_it_is_not_made_public() -> None:
    agent = new_agent()
    told = tell(agent, **LESS)
    with pytest.raises(EntryRefused) as refused, transaction.atomic():
        settle(told, reason="Ask ada@example.org")
    assert refused.value.field == "reason"
    assert standing_of(agent)[0] == "drained"


def test_what_was_replaced_or_settled_is_not_settled_again() -> None:
    agent = new_agent()
    first = tell(agent, **LESS)
    tell(agent, memory_bytes=128 * GIB)
    with pytest.raises(SettlingRefused, match="Look again"):
        settle(first)


def test_a_drained_node_stays_drained_whatever_its_agent_tells() -> None:
    agent = new_agent()
    owner = factories.make_user()
    standing.drain(node=agent.node, reason="Moving", by=owner, at=AT)
    tell(agent, **LESS)
    with pytest.raises(StandingRefused, match="finds something else"):
        standing.resume(node=agent.node, by=owner, at=AT)
    tell(agent)
    assert standing_of(agent) == ("drained", None)
    standing.resume(node=agent.node, by=owner, at=AT)
    assert standing_of(agent) == ("listed", None)


def test_the_database_lists_no_node_that_differs() -> None:
    agent = new_agent()
    tell(agent, **LESS)
    with pytest.raises(IntegrityError), transaction.atomic():
        Node.objects.update(state="listed")


def codes(inventory: NodeInventory) -> set[str]:
    return {one["code"] for one in inventory.differences}


def test_a_gpu_is_in_the_machine_that_told_it_first() -> None:
    told = of_node(factories.make_node())["gpus"]
    first, second = new_agent(), new_agent()
    tell(first, gpus=told)
    assert codes(tell(second, gpus=told)) == {"gpu_elsewhere"}
    # Told again by the first, after a restart: it keeps what it has.
    assert codes(tell(first, gpus=told, kernel="6.9", at=AT + HOUR)) == set()
    # A driver that does not answer gives nothing up.
    tell(first, gpus=None, at=AT + HOUR)
    assert codes(tell(second, gpus=told, kernel="6.8.1", at=AT + HOUR)) == {"gpu_elsewhere"}
    # Moved for good: it is free for the other.
    tell(first, at=AT + HOUR)
    assert codes(tell(second, gpus=told, kernel="6.9", at=AT + 2 * HOUR)) == set()


def test_a_draft_takes_no_gpu_off_anybody() -> None:
    victim = new_agent()
    told = of_node(victim.node)["gpus"]
    draft = new_agent(factories.make_node(state="draft", listed_at=None))
    tell(draft, gpus=told)
    assert codes(tell(victim)) == set()
    Node.objects.filter(pk=draft.node_id).update(state="listed")
    again = comparing.look_again(node=draft.node, at=AT)
    assert again is not None
    assert codes(again) == {"gpu_elsewhere"}
    assert standing_of(victim) == ("listed", None)


def test_a_gpu_of_a_withdrawn_node_may_be_anywhere() -> None:
    gone = new_agent()
    tell(gone)
    told = of_node(gone.node)["gpus"]
    standing.withdraw(node=gone.node, reason="Sold", by=None, at=AT)
    assert codes(tell(new_agent(), gpus=told)) == set()


def test_an_agent_that_tells_nothing_changes_nothing() -> None:
    agent = new_agent()
    tell(agent, **LESS)
    assert comparing.take_inventory(agent=agent, inventory={}, at=AT) is None
    assert standing_of(agent)[0] == "drained"


def test_a_draft_is_compared_when_it_is_listed() -> None:
    node = factories.make_node(state="draft", listed_at=None)
    assert tell(new_agent(node), **LESS).state == "agrees"
    Node.objects.update(state="listed")
    again = comparing.look_again(node=node, at=AT)
    assert again is not None
    assert again.state == "open"
    assert Node.objects.get().state == "drained"


def nested(levels: int) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for _ in range(levels):
        told = {"deeper": [told]}
    return told


@pytest.mark.parametrize("inventory", [[], "text", None, 5, nested(11), nested(400)])
def test_an_inventory_is_an_object_of_few_levels(inventory: object) -> None:
    with pytest.raises(BodyInvalid, match="is a JSON object of at most 20 levels"):
        comparing.take_inventory(agent=new_agent(), inventory=inventory, at=AT)


def test_an_inventory_without_end_is_refused() -> None:
    with pytest.raises(BodyInvalid, match="at most 262144 bytes"):
        comparing.take_inventory(agent=new_agent(), inventory={"faults": ["x" * 300_000]}, at=AT)


def test_an_agent_that_tells_another_machine_each_second_is_told_to_stop() -> None:
    agent = new_agent()
    for number in range(comparing.MOST_AN_HOUR):
        tell(agent, memory_bytes=(100 - number) * GIB)
    tell(agent, memory_bytes=(101 - comparing.MOST_AN_HOUR) * GIB)  # the same again is not counted
    with pytest.raises(TooManyInventories, match="at most 12 new inventories an hour"):
        tell(agent, memory_bytes=GIB)
    assert told_in_ledger() == [("differs", 1)]  # it began to differ once
    assert tell(agent, memory_bytes=GIB, at=AT + 2 * HOUR).state == "open"
    assert told_in_ledger() == [("differs", 1)]


def test_what_an_agent_tells_in_a_day_of_changes_is_bounded() -> None:
    agent = new_agent()
    for number in range(comparing.MOST_KEPT + 5):
        tell(agent, kernel=f"6.{number}", at=AT + number * HOUR)
    assert NodeInventory.objects.count() == comparing.MOST_KEPT + 1
    assert NodeInventory.objects.current().count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_inventories_at_once_leave_one_that_counts() -> None:
    agent = new_agent()
    told = [of_node(agent.node, kernel=f"6.{number}") for number in range(4)]
    calls = [partial(comparing.take_inventory, agent=agent, inventory=one, at=AT) for one in told]
    answers = races.at_once(*calls, meeting_at=NodeInventory)
    assert all(isinstance(answer, NodeInventory) for answer in answers), answers
    assert NodeInventory.objects.current().count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_settle_at_once_settle_once() -> None:
    agent = new_agent()
    told = tell(agent, **LESS)
    people = [factories.make_user() for _ in range(4)]
    answers = races.at_once(*[partial(settle, told, by=person) for person in people])
    refused = [answer for answer in answers if isinstance(answer, SettlingRefused)]
    assert len(refused) == 3, answers
    assert told_in_ledger() == [("differs", 1), ("settled", 1)]


@pytest.mark.django_db(transaction=True)
def test_two_nodes_that_tell_the_same_gpu_at_once_do_not_both_have_it() -> None:
    agents = [new_agent(), new_agent()]
    told = of_node(agents[0].node)["gpus"]
    calls = [
        partial(comparing.take_inventory, agent=agent, inventory=of_node(agent.node, gpus=told), at=AT)
        for agent in agents
    ]
    answers = races.at_once(*calls, meeting_at=ToldGpu)
    assert sorted(answer.state for answer in answers) == ["agrees", "open"], answers
