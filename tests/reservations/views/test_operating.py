"""An owner runs a node: pages, calls, who may, what each shows."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Notice, User
from common import clock
from common.keys import make_key
from common.ranges import between, bounds
from nodes.models import Agent, Node, NodeChange
from nodes.services import enrolment, occupancy, samples
from pricing.selectors.flags.reading import in_force
from pricing.selectors.statement_state import to_review
from reservations.models import Reservation, SlotWithdrawal
from tests import factories
from tests.nodes.cast import SigningAgent
from tests.reservations.services.worlds import in_days, make_lab, make_open_node

pytestmark = pytest.mark.django_db
LOCAL = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True)
class Owned:
    node: Node
    lead: User
    member: User
    outsider: User

    def client(self, who: str) -> Client:
        client = Client()
        if who != "stranger":
            client.force_login(getattr(self, who))
        return client

    def post(self, page: str, data: dict[str, Any] | None = None, *, who: str = "lead") -> Any:
        return self.client(who).post(f"/nodes/{self.node.slug}/{page}/", data or {})

    def get(self, page: str, *, who: str = "lead") -> Any:
        return self.client(who).get(f"/nodes/{self.node.slug}/{page}")

    def call(self, method: str, path: str, body: object = None, *, who: str = "lead") -> Any:
        return self.client(who).generic(
            method, f"/api/v1/nodes/{self.node.slug}/{path}", json.dumps(body or {}), "application/json"
        )


@pytest.fixture
def owned() -> Owned:
    make_key(settings.DISPATCH_KEY_FILE)
    node = make_open_node(devices=2)
    lead, member = (factories.make_user(time_zone="UTC") for _who in range(2))
    factories.lead(node.owner, lead)
    node.owner.memberships.create(user=member, role="member")
    return Owned(node, lead, member, factories.make_user())


def closing(node: Node, days: float = 2, hours: float = 3, **changes: Any) -> dict[str, Any]:
    start = in_days(days)
    return {
        "kind": "closure", "device": [str(device.uid) for device in node.devices.all()],
        "start": f"{start:{LOCAL}}", "end": f"{start + timedelta(hours=hours):{LOCAL}}",
        "reason": "A fan is broken.",
    } | changes  # fmt: skip


# --- who may -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("page", "data"),
    [
        ("drain", {"reason": "Sold soon"}),
        ("resume", {}),
        ("close", None),
        ("stop", {"end": "2027-01-01T10:00", "reason": "Water"}),
        ("withdraw", {"reason": "Sold"}),
        ("agent/revoke", {"reason": "Stolen"}),
        ("agent", {}),
        ("machine", {}),
    ],
)
def test_leads_alone_change_their_node(owned: Owned, page: str, data: dict[str, Any] | None) -> None:
    told = closing(owned.node) if data is None else data
    statuses = [owned.post(page, told, who=who).status_code for who in ("stranger", "outsider", "member")]
    assert statuses == [302, 404, 403]
    owned.node.refresh_from_db()
    assert (owned.node.state, NodeChange.objects.count()) == ("listed", 0)


def test_members_see_and_leads_are_offered_to_act(owned: Owned) -> None:
    seen, offered = owned.get("operate/", who="member"), owned.get("operate/")
    assert (seen.status_code, offered.status_code) == (200, 200)
    assert b"/drain/" not in seen.content
    assert b"/drain/" in offered.content
    assert [owned.get("operate/", who=who).status_code for who in ("stranger", "outsider")] == [302, 404]


# --- what the page shows -------------------------------------------------------------------------------
def test_the_page_shows_what_is_booked_closed_and_told_and_never_who(
    owned: Owned, django_assert_max_num_queries: Any
) -> None:
    lab = make_lab(uses_public_money=True)
    slot = lab.book([owned.node.devices.all()[0]], in_days(1))
    occupancy.close_devices(
        device_ids=[owned.node.devices.all()[1].pk], during=between(in_days(3), in_days(4)), kind="owner",
        reason="My own thesis", at=clock.now(),
    )  # fmt: skip
    agent = SigningAgent(owned.node).row
    Agent.objects.filter(pk=agent.pk).update(last_seen_at=clock.now())
    gpus = [{"index": 0, "temperature_c": 61.0, "power_w": 310.5}, {"index": 1, "power_w": 90}]
    samples.record(agent=agent, load={"cpu_percent": 12, "gpus": gpus}, at=clock.now())
    client = owned.client("lead")
    with django_assert_max_num_queries(32):
        page = client.get(f"/nodes/{owned.node.slug}/operate/").content.decode()
    for text in ("My own thesis", "Answers", "61", "401", lab.project.name, "device 0"):
        assert text in page, text
    for person in (lab.member.name, lab.member.email, str(slot.uid)):
        assert person not in page


def test_slots_on_a_node_without_an_agent_are_warned_of(owned: Owned) -> None:
    said = "No agent is connected: no job can run here."
    assert said in owned.get("operate/").content.decode()
    make_lab(uses_public_money=True).book([owned.node.devices.all()[0]], in_days(1))
    lead, member = (owned.get("operate/", who=who).content.decode() for who in ("lead", "member"))
    for page in (lead, member):
        assert "1 slot is booked and nothing can run here." in page
        assert "without the fee of this site" in page
    assert ("Connect its agent" in lead, "Connect its agent" in member) == (True, False)
    agent = SigningAgent(owned.node).row
    page = owned.get("operate/").content.decode()
    assert "nothing can run here" not in page
    samples.record(agent=agent, load={"cpu_percent": 41}, at=clock.now())
    page = owned.get("operate/").content.decode()
    for text in ("no temperature told", "no power told", "Load of the processor", "41"):
        assert text in page, text


def test_the_part_that_changes_is_a_fragment(owned: Owned) -> None:
    fragment = owned.get("operate/now/").content.decode()
    assert "<html" not in fragment
    assert "None" in fragment
    SigningAgent(owned.node)
    assert "Has not called yet" in owned.get("operate/now/").content.decode()


def test_the_figures_of_a_day_and_of_a_fortnight(owned: Owned) -> None:
    agent, at = SigningAgent(owned.node).row, clock.now()
    for ago in (timedelta(days=3), timedelta(minutes=10), timedelta(minutes=1)):
        samples.record(agent=agent, load={"gpus": [{"index": 0, "temperature_c": 50}]}, at=at - ago)
    day = owned.get("operate.json").json()
    assert len(day["samples"]) == 2
    assert len(owned.get("operate.json?span=fortnight").json()["samples"]) == 3
    heard = day["charts"]["heartbeats"]["data"][0]
    assert None in heard["y"], "nine silent minutes break the line"
    assert day["charts"]["temperature"]["data"][0]["name"] == "Device 0"


# --- closing -------------------------------------------------------------------------------------------
def test_closing_asks_before_it_takes_a_slot_back(owned: Owned) -> None:
    lab = make_lab(uses_public_money=True)
    slot = lab.book([owned.node.devices.all()[0]], in_days(2))
    asked = owned.post("close", closing(owned.node))
    assert asked.status_code == 409
    page = asked.content.decode()
    assert f'name="taking_back" value="{slot.uid}"' in page
    assert lab.project.name in page
    assert Reservation.objects.get(pk=slot.pk).state == "booked"
    done = owned.post("close", closing(owned.node, taking_back=[str(slot.uid)]))
    assert (done.status_code, done.url) == (302, f"/nodes/{owned.node.slug}/operate/")
    assert Reservation.objects.get(pk=slot.pk).state == "cancelled"
    assert Notice.objects.filter(user=lab.member, kind="slot_taken_back").count() == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reason": ""}, "Write why."),
        ({"device": []}, "Choose at least one device."),
        ({"device": ["nothing"]}, "Choose devices of this node."),
        ({"end": ""}, "Say when it ends."),
        ({"start": ""}, "Say when it starts."),
        ({"end": "2026-01-01T00:00"}, "The end is not later than the start."),
        ({"reason": "one\ntwo"}, "Write it on one line"),
        ({"taking_back": ["' OR 1=1"], "end": "2026-01-01T00:00"}, "The end is not later"),
    ],
)
def test_what_cannot_be_closed_is_said(owned: Owned, changes: dict[str, Any], said: str) -> None:
    answer = owned.post("close", closing(owned.node, **changes))
    assert answer.status_code in (400, 409)
    assert said in answer.content.decode()


def test_a_closure_is_called_off(owned: Owned) -> None:
    owned.post("close", closing(owned.node))
    page = owned.get("operate/").content.decode()
    address = re.search(r'action="(/nodes/[^"]+/closures/[^"]+/end/)"', page)
    assert address is not None
    assert owned.client("member").post(address[1]).status_code == 403
    assert owned.client("lead").post(address[1]).status_code == 302
    assert "A fan is broken." not in owned.get("operate/").content.decode()
    assert owned.client("lead").post(address[1]).status_code == 404


def test_a_closure_of_another_node_is_not_found(owned: Owned) -> None:
    other = make_open_node()
    closure = occupancy.close_devices(
        device_ids=[other.devices.all()[0].pk], during=between(in_days(1), in_days(2)), kind="owner",
        reason="Theirs", at=clock.now(),
    )  # fmt: skip
    assert owned.post(f"closures/{closure.uid}/end").status_code == 404
    assert owned.call("DELETE", f"closures/{closure.uid}").status_code == 404


# --- bookings, stopping, withdrawing -------------------------------------------------------------------
def test_no_new_bookings_and_bookings_again(owned: Owned) -> None:
    lab = make_lab(uses_public_money=True)
    slot = lab.book([owned.node.devices.all()[0]], in_days(1))
    assert owned.post("drain", {"reason": ""}).status_code == 400
    client = owned.client("lead")
    drained = client.post(f"/nodes/{owned.node.slug}/drain/", {"reason": "Sold soon"}, follow=True)
    assert drained.content.decode().count("It takes no new bookings.") == 1
    page = Client().get(f"/nodes/{owned.node.slug}/").content.decode()
    assert "Takes no new bookings" in page
    assert "/book/?model" not in page
    assert Reservation.objects.get(pk=slot.pk).state == "booked"
    again = owned.post("drain", {"reason": "Sold soon"})
    assert again.status_code == 409
    assert owned.post("resume").status_code == 302
    assert owned.post("resume").status_code == 409
    kinds = [change.kind for change in NodeChange.objects.order_by("id")]
    assert kinds == ["drained", "resumed"]


def test_a_drained_node_keeps_its_place_in_public(owned: Owned) -> None:
    """Nothing that is published of it, and nothing that is looked at, ceases because it is drained."""
    client, slug = Client(), owned.node.slug
    lab = make_lab()
    slot = lab.book([owned.node.devices.all()[0]], in_days(1))
    pool = factories.make_pool({owned.node: "1"}, by=owned.lead)

    def public() -> dict[str, bool]:
        review = to_review(at=clock.now() + timedelta(days=400))
        return {
            "prices": slug in client.get("/prices.json").content.decode(),
            "as_of": slug in client.get(f"/prices.json?as_of={clock.now():%Y-%m-%d}").content.decode(),
            "node": client.get(f"/api/v1/nodes/{slug}").status_code == 200,
            "pool": slug in client.get(f"/pools/{pool.pool.uid}.json").content.decode(),
            "review": owned.node.pk in {row.node_id for row in review},
            "flags": owned.node.statements.get().pk in in_force(at=clock.now()),
        }

    before = public()
    owned.post("drain", {"reason": "Sold soon"})
    assert public() == before
    assert all(before.values()), before
    # Whoever has a slot there is told why it cannot be longer, and not that there is no such device.
    mine = Client()
    mine.force_login(lab.member)
    end = (bounds(slot.during)[1] + timedelta(hours=1)).isoformat()
    answer = mine.post(
        f"/api/v1/reservations/{slot.uid}/extend", json.dumps({"end": end}), content_type="application/json"
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "no_new_bookings")
    page = mine.get(f"/reservations/{slot.uid}/extend/", {"end": f"{bounds(slot.during)[1]:{LOCAL}}"})
    assert page.status_code in (200, 400, 409)


def test_stopping_shows_whom_it_concerns(owned: Owned) -> None:
    lab = make_lab(uses_public_money=True)
    slot = lab.book([owned.node.devices.all()[0]], in_days(1))
    page = owned.get("stop/").content.decode()
    assert page.index("Stop everything now") < page.index(lab.project.name), "no list stands before the form"
    assert "end_second" not in page
    past = owned.post("stop", {"end": "2020-01-01T10:00", "reason": "Water"})
    assert (past.status_code, "not in the past" in past.content.decode()) == (400, True)
    owned.lead.time_zone = "Europe/Paris"
    owned.lead.save()
    twice = owned.post("stop", {"end": "2099-10-25T02:30", "reason": "Water"}).content.decode()
    assert twice.count('type="radio" name="end_second"') == 2
    owned.lead.time_zone = "UTC"
    owned.lead.save()
    end = f"{in_days(2):{LOCAL}}"
    assert owned.post("stop", {"end": end, "reason": ""}).status_code == 400
    assert owned.post("stop", {"end": end, "reason": "Water"}).status_code == 302
    assert Reservation.objects.get(pk=slot.pk).state == "cancelled"
    owned.node.refresh_from_db()
    assert owned.node.state == "drained"


def test_withdrawing_takes_back_what_was_seen_alone(owned: Owned) -> None:
    lab = make_lab(uses_public_money=True)
    seen = lab.book([owned.node.devices.all()[0]], in_days(1))
    page = owned.get("withdraw/").content.decode()
    assert str(seen.uid) in page
    new = lab.book([owned.node.devices.all()[1]], in_days(1))
    refused = owned.post("withdraw", {"reason": "Sold", "taking_back": [str(seen.uid)]})
    assert refused.status_code == 409
    assert str(new.uid) in refused.content.decode(), "seen now, for the next press"
    both = [str(seen.uid), str(new.uid)]
    assert owned.post("withdraw", {"reason": "Sold", "taking_back": both}).status_code == 302
    assert "Withdrawn from booking" in Client().get(f"/nodes/{owned.node.slug}/").content.decode()
    assert owned.post("withdraw", {"reason": "Sold"}).status_code == 409


def test_a_slot_that_was_taken_back_tells_why_and_what_there_is_instead(owned: Owned) -> None:
    lab, same = make_lab(uses_public_money=True), make_open_node(devices=2)
    slot = lab.book([owned.node.devices.all()[0]], in_days(2))
    owned.post("close", closing(owned.node, taking_back=[str(slot.uid)]))
    client = Client()
    client.force_login(lab.member)
    page = client.get(slot.get_absolute_url()).content.decode()
    for text in ("Taken back by the node’s owner", "A fan is broken.", same.name, "/book/?project="):
        assert text in page, text
    assert owned.lead.name not in page


# --- the agent -----------------------------------------------------------------------------------------
def test_the_command_holds_a_token_that_works_once_and_the_sites_key(owned: Owned) -> None:
    before = owned.get("agent/").content.decode()
    assert "eqn_" not in before
    page = owned.post("agent").content.decode()
    token = re.search(r"EQUINODE_TOKEN=(eqn_\S+) equinode-agent enrol --site (\S+) --fingerprint (\w+)", page)
    assert token is not None
    assert token[3] in before
    assert "pip install ./clients/agent" in page
    agent = enrolment.enrol(
        token=token[1], public_key="A" * 43 + "=", version="0.2.0", inventory={}, at=clock.now()
    )
    assert agent.node == owned.node
    assert "eqn_" not in owned.get("agent/").content.decode()


def test_the_page_changes_when_the_agent_comes(owned: Owned) -> None:
    assert b"Waiting for the agent" in owned.get("agent/state/").content
    SigningAgent(owned.node)
    assert b"The agent is here." in owned.get("agent/state/").content


def test_a_revoked_agent_is_shut_out_and_its_reason_is_public(owned: Owned) -> None:
    agent = SigningAgent(owned.node)
    assert agent.post("heartbeat", {"leases": []}).status_code == 200
    assert owned.post("agent/revoke", {"reason": ""}).status_code == 400
    assert owned.post("agent/revoke", {"reason": "Stolen"}).status_code == 302
    assert agent.post("heartbeat", {"leases": []}).status_code == 401
    assert owned.post("agent/revoke", {"reason": "Stolen"}).status_code == 409


# --- by API --------------------------------------------------------------------------------------------
def test_a_program_does_the_same(owned: Owned) -> None:
    lab, start = make_lab(uses_public_money=True), in_days(2)
    slot = lab.book([owned.node.devices.all()[0]], start)
    wanted = {
        "kind": "owner", "start": start.isoformat(), "end": (start + timedelta(hours=2)).isoformat(),
        "reason": "Mine",
    }  # fmt: skip
    refused = owned.call("POST", "closures", wanted)
    assert (refused.status_code, refused.json()["code"]) == (409, "slots_in_the_way")
    assert refused.json()["slots"][0]["reservation"] == str(slot.uid)
    made = owned.call("POST", "closures", wanted | {"taking_back": [str(slot.uid)]})
    assert (made.status_code, made.json()["kind"]) == (201, "owner")
    assert SlotWithdrawal.objects.get().reservation == slot
    listed = owned.call("GET", "closures").json()["items"]
    assert [one["closure"] for one in listed] == [made.json()["closure"]]
    assert owned.call("DELETE", f"closures/{made.json()['closure']}").status_code == 204
    assert owned.call("GET", "closures").json()["items"] == []
    assert owned.call("POST", "drain", {"reason": "Soon"}).json()["state"] == "drained"
    assert owned.call("POST", "resume").json()["state"] == "listed"
    until = (clock.now() + timedelta(hours=1)).isoformat()
    assert owned.call("POST", "stop", {"until": until, "reason": "Water"}).json()["state"] == "drained"
    assert owned.call("GET", "operation").json()["closures"][0]["reason"] == "Water"
    assert owned.call("POST", "withdraw", {"reason": "Sold"}).json()["state"] == "withdrawn"
    for who, status in (("stranger", 401), ("outsider", 404), ("member", 403)):
        assert owned.call("POST", "drain", {"reason": "x"}, who=who).status_code == status


def test_devices_of_another_node_are_refused_to_a_program(owned: Owned) -> None:
    other = make_open_node()
    wanted = {
        "kind": "owner", "end": in_days(1).isoformat(), "reason": "Mine",
        "devices": [str(other.devices.all()[0].uid)],
    }  # fmt: skip
    answer = owned.call("POST", "closures", wanted)
    assert (answer.status_code, answer.json()["code"]) == (409, "change_refused")


def test_a_token_for_an_agent_is_told_once(owned: Owned) -> None:
    key = {"Idempotency-Key": "once"}
    client = owned.client("lead")
    address = f"/api/v1/nodes/{owned.node.slug}/enrolment-tokens"
    first, second = (
        client.post(address, "{}", content_type="application/json", headers=key).json() for _ in range(2)
    )
    assert first["token"].startswith("eqn_")
    assert second["token"] is None
    assert first["site_key_sha256"] in owned.get("agent/").content.decode()
    assert owned.call("GET", "agent").status_code == 409
    SigningAgent(owned.node)
    assert owned.call("GET", "agent").json()["is_answering"] is False
    assert owned.call("POST", "agent/revoke", {"reason": "Stolen"}).status_code == 204
