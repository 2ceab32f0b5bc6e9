"""What a node is, on its page and by its calls: read by all, settled and checked by those who may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import OrganisationMembership, User
from common import clock
from nodes.models import Agent, Closure, Node, NodeCheck, NodeInventory
from nodes.services import comparing
from tests import factories
from tests.api.test_writing import call
from tests.nodes.inventories import GIB, gpu, of_node

pytestmark = pytest.mark.django_db
LESS = {"memory_bytes": 256 * GIB}


class World:
    """A node whose agent has just told an inventory, people of its owner, and a steward."""

    def __init__(self, **told: Any) -> None:
        self.lead, self.member = factories.make_user(), factories.make_user()
        self.steward = factories.give_second_factor(factories.make_user(is_steward=True))
        owner = factories.make_organisation(lead=self.lead)
        OrganisationMembership.objects.create(organisation=owner, user=self.member)
        self.node = factories.make_node(owner=owner, slug="lyon-h100", name="Lyon H100")
        self.agent = Agent.objects.create(
            node=self.node, public_key="key", version="0.1", enrolled_at=clock.now(), last_seen_at=clock.now()
        )
        self.tell(**told)

    def tell(self, **told: Any) -> NodeInventory | None:
        return comparing.take_inventory(
            agent=self.agent, inventory=of_node(self.node, **told), at=clock.now()
        )

    @property
    def current(self) -> NodeInventory:
        return NodeInventory.objects.current().get()


def client_of(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def text_of(answer: Any) -> str:
    text = answer.content.decode().replace("\xa0", " ").replace("\u202f", " ").replace("&#x27;", "'")
    return " ".join(str(text).split())


PAGE, DATA = "/nodes/lyon-h100/conformance/", "/nodes/lyon-h100/conformance.json"
SETTLE, CHECK = f"{PAGE}settle/", f"{PAGE}check/"
CALL = "/api/v1/nodes/lyon-h100/conformance"


def typed(world: World, **changes: object) -> dict[str, object]:
    return {
        "inventory": str(world.current.uid), "settlement": "adopted", "reason": "A module was taken out.",
        **changes,
    }  # fmt: skip


def checked(world: World, purpose: str = "conformance", **fields: Any) -> NodeCheck:
    now = clock.now()
    fields = {
        "state": "passed", "finished_at": now, "asked_at": now,
        "closure": Closure.objects.create(kind="closure", reason="Check", created_at=now),
        "requirements": [{"code": "starts", "is_met": True, "told": ""}],
        "figures": {"matrix_gflops": 1500.0, "matrix_method": "numpy 2.1", "memory_gbps": 21.0,
                    "disk_mbps": 900.0, "gpu_gflops": [], "gpu_method": ""},
    } | fields  # fmt: skip
    return NodeCheck.objects.create(node=world.node, agent=world.agent, purpose=purpose, **fields)


# --- read -------------------------------------------------------------------------------------------
def test_a_node_as_listed_says_so_part_by_part() -> None:
    World()
    page = text_of(Client().get(PAGE))
    for said in ("Level 1: Described", "Its agent found what is listed.", "EPYC 9334", "Device 0",
                 "H100 SXM5, 80 GB", "NVIDIA H100 80GB HBM3", "As listed"):  # fmt: skip
        assert said in page, said
    assert "secret-name" not in page


def test_an_agents_own_words_are_for_its_owner() -> None:
    world = World(faults=["NVML does not start: /opt/secret."])
    assert "/opt/secret" in text_of(client_of(world.lead).get(PAGE))
    assert "/opt/secret" not in text_of(Client().get(PAGE))


def test_a_steward_who_belongs_to_the_owner_does_not_accept() -> None:
    world = World(**LESS)
    OrganisationMembership.objects.create(organisation=world.node.owner, user=world.steward)
    refused = client_of(world.steward).post(SETTLE, typed(world, settlement="accepted"))
    assert "only a steward accepts" in text_of(refused)
    assert world.current.state == "open"


def test_what_differs_is_said_in_a_sentence_each_and_takes_no_bookings() -> None:
    World(**LESS, gpus=[gpu(0, "NVIDIA L4")])
    page = text_of(Client().get(PAGE))
    for said in ("Level 0: Listed", "Takes no new bookings", "The machine is not what is listed.",
                 "Listed are 512 GB of memory; the agent found 256 GB.",
                 "Device 0 is listed as H100 SXM5; the agent found NVIDIA L4.",
                 "Device 1, listed as H100 SXM5, is not in the machine."):  # fmt: skip
        assert said in page, said
    assert "Settle this" not in page


def test_the_same_is_data_for_programs() -> None:
    world = World(**LESS)
    told = Client().get(DATA).json()
    assert (told["level"], told["takes_bookings"], told["inventory"]["state"]) == (0, False, "open")
    (one,) = told["inventory"]["differences"]
    assert (one["code"], one["listed"], one["found"]) == ("memory", 512 * GIB, 256 * GIB)
    assert one["sentence"].replace("\xa0", " ") == "Listed are 512 GB of memory; the agent found 256 GB."
    assert Client().get(CALL).json() == told
    assert "secret-name" not in str(told)
    assert world.node.uid.hex not in str(told["inventory"])


@pytest.mark.parametrize("state", ["draft"])
def test_a_draft_has_no_page(state: str) -> None:
    World()
    Node.objects.update(state=state)
    assert [Client().get(url).status_code for url in (PAGE, DATA, CALL)] == [404, 404, 404]


def test_checks_and_their_figures_are_public_with_the_cost_that_follows() -> None:
    world = World()
    world.node.devices.all().delete()
    world.node.devices.create(
        index=0, kind="host", model="2 × EPYC", memory_bytes=512 * GIB, model_key="2-epyc-512"
    )
    factories.publish_prices(world.node)
    world.tell()
    checked(world)
    checked(world, "spot", deviations={"matrix": 0.021, "memory": -0.3}, state="failed")
    page = text_of(Client().get(PAGE))
    for said in ("Level 2: Conforming", "The job starts", "1,500.0", "numpy 2.1", "Cost of a TFLOP-hour",
                 "matrices +2.1 %, memory −30.0 %", "0 in a row were within 5 %"):  # fmt: skip
        assert said in page, said
    told = Client().get(DATA).json()
    assert told["check"]["figures"]["matrix_gflops"] == 1500.0
    assert float(told["cost_of_teraflop_hour"]) > 0
    assert [one["outcome"] for one in told["spot_checks"]] == ["failed"]


def test_a_speed_of_processors_says_nothing_about_gpus() -> None:
    world = World()
    factories.publish_prices(world.node)
    checked(world)
    assert Client().get(DATA).json()["cost_of_teraflop_hour"] is None


def test_the_page_costs_as_much_with_thirty_checks_as_with_one(
    django_assert_max_num_queries: Any,
) -> None:
    world = World(**LESS)
    for number in range(30):
        checked(world, "spot", finished_at=clock.now() + timedelta(seconds=number), state="failed")
    with django_assert_max_num_queries(18):
        assert Client().get(PAGE).status_code == 200


# --- settled ----------------------------------------------------------------------------------------
def test_a_lead_of_the_owner_settles_and_the_reason_is_public() -> None:
    world = World(**LESS)
    lead = client_of(world.lead)
    assert "Settle this" in text_of(lead.get(PAGE))
    assert "Listed are 512 GB" in text_of(lead.get(SETTLE))
    assert lead.post(SETTLE, typed(world)).status_code == 302
    assert world.current.state == "agrees"
    assert "256 GB" in text_of(Client().get(PAGE))
    assert lead.get(SETTLE).status_code == 302  # nothing is open any more


def test_who_may_not_settle_is_told_as_for_every_node() -> None:
    world = World(**LESS)
    stranger, outsider = client_of(None), client_of(factories.make_user())
    plain_steward = client_of(factories.make_user(is_steward=True))
    assert stranger.post(SETTLE, typed(world)).status_code == 302
    assert outsider.post(SETTLE, typed(world)).status_code == 404
    assert client_of(world.member).post(SETTLE, typed(world)).status_code == 403
    assert plain_steward.post(SETTLE, typed(world)).status_code == 403  # no second factor
    assert world.current.state == "open"


def test_devices_are_accepted_by_a_steward_who_does_not_own_them() -> None:
    world = World(gpus=[gpu(0), gpu(1, "NVIDIA L4")])
    accepted = typed(world, settlement="accepted")
    refused = client_of(world.lead).post(SETTLE, accepted)
    assert "only a steward accepts" in text_of(refused)
    world.lead.is_steward = True
    world.lead.save()
    factories.give_second_factor(world.lead)
    assert "only a steward accepts" in text_of(client_of(world.lead).post(SETTLE, accepted))
    assert client_of(world.steward).post(SETTLE, accepted).status_code == 302
    page = text_of(Client().get(PAGE))
    assert "A steward accepted that it differs." in page
    assert "A module was taken out." in page


def test_what_was_told_meanwhile_is_not_settled_unread() -> None:
    world = World(**LESS)
    old = typed(world)
    world.tell(memory_bytes=128 * GIB)
    answer = client_of(world.lead).post(SETTLE, old)
    assert answer.status_code == 400
    assert "another inventory since" in text_of(answer)
    unknown = client_of(world.lead).post(SETTLE, old | {"inventory": "019306a2-0c4e-7c11-b3f8-2a3b0f6d4e79"})
    assert "another inventory since" in text_of(unknown)


@pytest.mark.parametrize("reason", ["", "Two\nlines", "Ask ada@example.org"])
def test_a_reason_that_cannot_be_public_is_refused_beside_its_field(reason: str) -> None:
    world = World(**LESS)
    answer = client_of(world.lead).post(SETTLE, typed(world, reason=reason))
    assert answer.status_code == 400
    assert 'id="id_reason_error"' in answer.content.decode()
    assert world.current.state == "open"


def test_the_call_settles_like_the_page() -> None:
    world = World(**LESS)
    asked = typed(world)
    told = call(world.lead, "POST", "nodes/lyon-h100/conformance/settle", asked)
    assert (told.status_code, told.json()["inventory"]["state"]) == (200, "agrees")
    assert told.json()["takes_bookings"]
    again = call(world.lead, "POST", "nodes/lyon-h100/conformance/settle", asked)
    assert (again.status_code, again.json()["code"]) == (409, "settling_refused")


# --- checked ----------------------------------------------------------------------------------------
def test_a_check_is_asked_for_by_page_and_by_call() -> None:
    world = World()
    assert client_of(world.member).post(CHECK).status_code == 403
    assert client_of(factories.make_user()).post(CHECK).status_code == 404
    answer = client_of(world.lead).post(CHECK, follow=True)
    assert "as soon as nobody has its devices" in text_of(answer)
    assert "A check waits for ten minutes" in text_of(answer)
    again = client_of(world.steward).post(CHECK, follow=True)
    assert "is being checked already" in text_of(again)
    assert client_of(world.lead).get(CHECK).status_code == 302
    NodeCheck.objects.all().delete()
    told = call(world.lead, "POST", "nodes/lyon-h100/conformance", {})
    assert (told.status_code, told.json()["open_check"]) == (200, "asked")
