"""Listing a node: a draft with a place, the agent that joins it, what is in the machine."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Organisation, User
from common.keys import make_key
from nodes.domain.proposal import proposal_of
from nodes.models import Agent, Node, NodeChange, Site
from tests import factories
from tests.nodes.cast import SigningAgent

pytestmark = pytest.mark.django_db
GIB = 2**30
INVENTORY: dict[str, Any] = {
    "cpu": {"model": "AMD EPYC 9334 32-Core Processor", "cores": 64, "threads": 128},
    "memory_bytes": 512 * GIB,
    "gpus": [
        {"index": 1, "name": "NVIDIA H100 80GB HBM3", "memory_bytes": 80 * GIB},
        {"index": 0, "name": "NVIDIA H100 80GB HBM3", "memory_bytes": 80 * GIB},
    ],
    "runtimes": {"podman": "podman version 4.9", "bubblewrap": "bubblewrap 0.8.0"},
}


@pytest.fixture
def owner() -> Organisation:
    make_key(settings.DISPATCH_KEY_FILE)
    return factories.make_organisation("owner", lead=factories.make_user("omar"))


@pytest.fixture
def omar(owner: Organisation) -> Client:
    client = Client()
    client.force_login(User.objects.get(email="omar@example.org"))
    return client


def new(owner: Organisation) -> str:
    return f"/organisations/{owner.slug}/nodes/new/"


def place(**changes: str) -> dict[str, str]:
    return {
        "name": "Lyon H100", "slug": "lyon-h100", "site": "", "site_name": "Lyon 2", "country": "FR",
        "electricity_zone": "FR", "time_zone": "Europe/Paris", "pue": "1,25",
    } | changes  # fmt: skip


def machine(**changes: Any) -> dict[str, Any]:
    return {
        "cpu_model": "EPYC 9334", "cpu_cores": "64", "memory": "512", "runner": "bubblewrap",
        "number_0": "2", "kind_0": "gpu", "model_0": "H100 SXM5", "gigabytes_0": "80",
    } | changes  # fmt: skip


# --- a name and a place --------------------------------------------------------------------------------
def test_a_draft_is_entered_with_a_new_place_and_nobody_else_sees_it(
    owner: Organisation, omar: Client
) -> None:
    answer = omar.post(new(owner), place())
    assert (answer.status_code, answer["Location"]) == (302, "/nodes/lyon-h100/agent/")
    node = Node.objects.get(slug="lyon-h100")
    assert (node.state, node.site.slug, str(node.site.pue)) == ("draft", "lyon-2", "1.250")
    assert [change.kind for change in node.changes.all()] == ["entered"]
    for address in ("/nodes/lyon-h100/", "/nodes/lyon-h100.json", "/nodes/lyon-h100/reliability.json"):
        assert Client().get(address).status_code == 404
    assert Client().get("/api/v1/nodes/lyon-h100/reliability").status_code == 404
    assert omar.get("/nodes/lyon-h100/operate/").status_code == 200
    assert "Go on listing it" in omar.get("/owner/").content.decode()


def test_a_place_that_there_is_can_be_chosen(owner: Organisation, omar: Client) -> None:
    site = factories.make_site()
    assert f'value="{site.slug}" selected' not in omar.get(new(owner)).content.decode()
    omar.post(new(owner), {"name": "N", "slug": "n-1", "site": site.slug})
    assert f'value="{site.slug}" selected' in omar.get(new(owner)).content.decode(), (
        "where the last one stands"
    )
    assert Node.objects.get(slug="n-1").site == site
    assert Site.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "Say what it is called."),
        ({"slug": "a b"}, "Use small letters, digits and hyphens."),
        ({"site_name": ""}, "Say what the place is called."),
        ({"country": ""}, "Choose its country."),
        ({"pue": ""}, "Write its PUE"),
        ({"pue": "much"}, "is not a number"),
        ({"pue": "0.9"}, "A PUE is 1 or more"),
        ({"site": "nowhere"}, "Select a valid choice"),
        ({"site": "old"}, "You chose Old and wrote of a new place too."),
        ({"site": "old", "site_name": "", "country": "", "electricity_zone": ""}, "You chose Old and wrote"),
        ({"slug": "taken"}, "The address “taken” is taken."),
    ],
)
def test_what_cannot_be_entered_is_said_and_leaves_nothing(
    owner: Organisation, omar: Client, changes: dict[str, str], said: str
) -> None:
    factories.make_node(slug="taken", site=factories.make_site(slug="old", name="Old"))
    before = Site.objects.count()
    answer = omar.post(new(owner), place(**changes))
    assert answer.status_code in (400, 409)
    assert said in answer.content.decode()
    assert (Site.objects.count(), Node.objects.count()) == (before, 1)


def test_leads_of_a_verified_owner_alone_list_nodes(owner: Organisation, omar: Client) -> None:
    member, stranger, outsider = factories.make_user(), Client(), Client()
    owner.memberships.create(user=member, role="member")
    outsider.force_login(factories.make_user())
    by_member = Client()
    by_member.force_login(member)
    statuses = [client.post(new(owner), place()).status_code for client in (stranger, outsider, by_member)]
    assert statuses == [302, 404, 403]
    Organisation.objects.filter(pk=owner.pk).update(verified_at=None)
    assert "is not verified yet" in omar.post(new(owner), place()).content.decode()
    assert not Node.objects.exists()


# --- what is in it -------------------------------------------------------------------------------------
def test_the_form_is_filled_in_with_what_the_agent_found(owner: Organisation, omar: Client) -> None:
    omar.post(new(owner), place())
    node = Node.objects.get(slug="lyon-h100")
    agent = SigningAgent(node).row
    Agent.objects.filter(pk=agent.pk).update(inventory=INVENTORY)
    page = omar.get("/nodes/lyon-h100/machine/").content.decode()
    for value in (
        "AMD EPYC 9334 32-Core Processor",
        "H100 80GB HBM3",
        'value="64"',
        'value="512"',
        'value="80"',
    ):
        assert value in page, value


def test_listing_makes_devices_and_opens_the_way_to_costs(owner: Organisation, omar: Client) -> None:
    omar.post(new(owner), place())
    answer = omar.post("/nodes/lyon-h100/machine/", machine(number_1="1", model_1="B200", gigabytes_1="180"))
    assert answer.status_code == 400, "which kind the second row is was not said"
    answer = omar.post(
        "/nodes/lyon-h100/machine/", machine(number_1="1", kind_1="gpu", model_1="B200", gigabytes_1="180")
    )
    assert (answer.status_code, answer["Location"]) == (302, "/nodes/lyon-h100/statements/")
    node = Node.objects.get(slug="lyon-h100")
    assert (node.state, node.memory_bytes, node.listed_at is not None) == ("listed", 512 * GIB, True)
    assert [(one.index, one.model_key) for one in node.devices.all()] == [
        (0, "h100-sxm5-80"), (1, "h100-sxm5-80"), (2, "b200-180"),
    ]  # fmt: skip
    assert Client().get("/nodes/lyon-h100/").status_code == 200
    again = omar.post("/nodes/lyon-h100/machine/", machine())
    assert "is listed already" in again.content.decode() or again.status_code == 400
    assert node.devices.count() == 3


def test_devices_have_the_numbers_of_the_machine(owner: Organisation, omar: Client) -> None:
    """The first GPU stays the owner's own."""
    omar.post(new(owner), place())
    rows = {"first_0": "1", "number_1": "1", "kind_1": "gpu", "model_1": "B200", "gigabytes_1": "180"}
    omar.post("/nodes/lyon-h100/machine/", machine(**rows))
    assert [one.index for one in Node.objects.get().devices.order_by("index")] == [1, 2, 3]


def test_a_draft_is_discarded_and_its_address_free_again(owner: Organisation, omar: Client) -> None:
    omar.post(new(owner), place())
    agent = SigningAgent(Node.objects.get())
    assert agent.post("heartbeat", {"leases": []}).status_code == 200
    assert Client().post("/nodes/lyon-h100/discard/").status_code == 302
    assert Node.objects.exists()
    assert omar.post("/nodes/lyon-h100/discard/")["Location"] == "/owner/"
    assert not Node.objects.exists()
    assert agent.post("heartbeat", {"leases": []}).status_code == 401
    omar.post(new(owner), place())
    assert omar.delete("/api/v1/nodes/lyon-h100/machine").status_code == 204
    omar.post(new(owner), place())
    node = Node.objects.get()
    node.devices.create(index=0, kind="gpu", model="H100", memory_bytes=GIB, model_key="h100-1")
    factories.publish_prices(node)
    answer = omar.post("/nodes/lyon-h100/discard/", follow=True)
    assert "has a published cost statement" in answer.content.decode()
    omar.post("/nodes/lyon-h100/machine/", machine())
    omar.post("/nodes/lyon-h100/discard/")
    assert omar.delete("/api/v1/nodes/lyon-h100/machine").json()["code"] == "listing_refused"
    assert Node.objects.get().state == "listed"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cpu_cores": "0"}, "greater than or equal to 1"),
        ({"memory": "lots"}, "is not a number"),
        ({"number_0": ""}, "Say at least one kind of device"),
        ({"model_0": ""}, "Say which model."),
        ({"gigabytes_0": ""}, "Say how much memory each has."),
        ({"kind_0": "host"}, "a whole host is its only device"),
        ({"kind_0": "mig"}, "no jobs on parts of a divided GPU yet"),
        ({"number_0": "65"}, "less than or equal to 64"),
    ],
)
def test_a_machine_that_cannot_be_is_said(
    owner: Organisation, omar: Client, changes: dict[str, str], said: str
) -> None:
    omar.post(new(owner), place())
    answer = omar.post("/nodes/lyon-h100/machine/", machine(**changes))
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert Node.objects.get().state == "draft"


# --- by API --------------------------------------------------------------------------------------------
def test_a_program_lists_a_node(owner: Organisation, omar: Client) -> None:
    def call(method: str, path: str, body: object) -> Any:
        return omar.generic(method, f"/api/v1/{path}", json.dumps(body), "application/json")

    where = {
        "name": "Lyon 2",
        "country": "FR",
        "electricity_zone": "FR",
        "time_zone": "Europe/Paris",
        "pue": "1.2",
    }
    told = {"name": "Lyon H100", "slug": "lyon-h100"}
    assert call("POST", f"organisations/{owner.slug}/nodes", told).status_code == 400
    both = told | {"place": where, "site": factories.make_site().slug}
    assert call("POST", f"organisations/{owner.slug}/nodes", both).json()["code"] == "listing_refused"
    for wrong in ({"country": "ZZ"}, {"time_zone": "Moon/Sea"}):
        answer = call("POST", f"organisations/{owner.slug}/nodes", told | {"place": where | wrong})
        assert (answer.status_code, answer.json()["code"]) == (400, "listing_refused")
    made = call("POST", f"organisations/{owner.slug}/nodes", told | {"place": where})
    assert (made.status_code, made.json()["state"]) == (201, "draft")
    device = {"kind": "gpu", "model": "H100 SXM5", "memory_bytes": 80 * GIB, "index": 3}
    body = {"cpu_model": "EPYC", "cpu_cores": 64, "memory_bytes": 512 * GIB, "devices": [device]}
    twice = call("PUT", "nodes/lyon-h100/machine", body | {"devices": [device, device]})
    assert "Two devices have the same number" in twice.json()["detail"]
    listed = call("PUT", "nodes/lyon-h100/machine", body)
    assert (listed.status_code, listed.json()["state"]) == (200, "listed")
    assert Node.objects.get().devices.get().index == 3
    assert call("PUT", "nodes/lyon-h100/machine", body).json()["code"] == "listing_refused"
    assert [change.kind for change in NodeChange.objects.order_by("id")] == ["entered", "listed"]


# --- what an agent found -------------------------------------------------------------------------------
def test_devices_are_proposed_in_their_order_and_alike_together() -> None:
    found = proposal_of(INVENTORY)
    assert [(one.number, one.kind, one.model) for one in found.devices] == [(2, "gpu", "H100 80GB HBM3")]
    assert (found.cpu_cores, found.runner) == (64, "bubblewrap")


def test_a_gap_in_the_numbers_begins_another_row() -> None:
    gpus = [INVENTORY["gpus"][1], {**INVENTORY["gpus"][1], "index": 2}, {**INVENTORY["gpus"][1], "index": 3}]
    found = proposal_of(INVENTORY | {"gpus": gpus})
    assert [(one.number, one.first) for one in found.devices] == [(1, 0), (2, 2)]


def test_a_machine_without_accelerators_is_one_host() -> None:
    found = proposal_of(INVENTORY | {"gpus": []})
    assert [(one.number, one.kind, one.memory_bytes) for one in found.devices] == [(1, "host", 512 * GIB)]


def test_a_divided_gpu_is_its_instances() -> None:
    mig = {
        "enabled": True,
        "instances": [{"index": n, "name": "1g.10gb", "memory_bytes": 10 * GIB} for n in range(7)],
    }
    gpu = {"index": 0, "name": "NVIDIA A100", "memory_bytes": 80 * GIB, "mig": mig}
    found = proposal_of(INVENTORY | {"gpus": [gpu]})
    assert [(one.number, one.kind, one.model) for one in found.devices] == [(7, "mig", "1g.10gb")]


@pytest.mark.parametrize(
    "told",
    [
        None, [], "gpu", {"cpu": 7, "gpus": "many", "memory_bytes": "x"}, {"gpus": [None, 3, {"index": "x"}]},
        {"gpus": [{"index": 0, "name": "\x1b[31mred\x1b[0m" * 50, "memory_bytes": 10**30}]},
        {"cpu": {"model": 3, "cores": -1}, "memory_bytes": True, "runtimes": ["podman"]},
    ],
)  # fmt: skip
def test_whatever_an_agent_told_is_read_as_far_as_it_can_be(told: object) -> None:
    found = proposal_of(told)
    assert all(len(one.model) <= 80 and "\x1b" not in one.model for one in found.devices)
    assert found.memory_bytes == 0
