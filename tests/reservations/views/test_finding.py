"""Saying what one needs on the booking page, and over the API."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from common import clock
from nodes.models import Agent, Node
from reservations.domain.needs import Order
from reservations.models import Decision, Reservation
from reservations.selectors.needs.page import NeedPage
from tests import factories
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
NEED = {"count": "2", "want": "memory:0", "hours": "6"}


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """What begins at once ends on the mark that follows: no mark goes by between two requests."""
    at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: at)


@pytest.fixture
def node() -> Node:
    return make_open_node(devices=4, model="L40S")


@pytest.fixture
def lab(node: Node) -> Lab:
    return make_lab()


@pytest.fixture
def member(client: Client, lab: Lab) -> Client:
    client.force_login(lab.member)
    return client


def found(member: Client, **need: str) -> NeedPage:
    page: NeedPage = member.get("/book/", NEED | need).context["need"]
    return page


def typed(moment: Any, lab: Lab) -> str:
    with timezone.override(lab.member.time_zone):
        return f"{timezone.localtime(moment):%Y-%m-%dT%H:%M}"


def test_the_form_is_there_for_members_alone(
    client: Client, member: Client, node: Node, mallory: User
) -> None:
    assert "Find slots" in member.get("/book/").content.decode()
    assert "need" not in member.get("/book/").context
    for reader in (Client(), client):
        if reader is client:
            client.force_login(mallory)
        answer = reader.get("/book/", NEED)
        assert answer.status_code == 200
        assert "Find slots" not in answer.content.decode()


def test_an_offer_leads_to_its_preview_and_stays_beside_it(member: Client, lab: Lab, node: Node) -> None:
    page = found(member)
    assert page.title == f"{len(page.lines)} slots fit"
    first = page.lines[0]
    assert (first.title, first.node, first.start) == ("2 × L40S 80\xa0GB", node.name, None)
    answer = member.get(first.url)
    preview = answer.context["preview"]
    assert (preview.is_granted, preview.title, preview.is_now) == (True, first.title, True)
    assert preview.level_after == first.level_after
    assert [line.is_shown for line in answer.context["need"].lines].count(True) == 1
    assert "Shown here" in answer.content.decode()
    assert member.post("/book/", preview.fields and dict_of(preview.fields)).status_code == 302
    assert Reservation.objects.get().quoted_price == first.total


def dict_of(fields: Any) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for name, value in fields:
        told.setdefault(name, []).append(value)
    return told


def test_the_order_is_a_link_that_keeps_the_need(member: Client, lab: Lab) -> None:
    answer = member.get("/book/", NEED | {"most": "900", "order": "price"})
    assert [(link.order, link.is_current) for link in answer.context["need_orders"]] == [
        ("finish", False), ("price", True), ("carbon", False)
    ]  # fmt: skip
    again = member.get("/book/" + answer.context["need_orders"][2].url)
    assert again.context["need"].order == "carbon"
    assert again.context["need_form"]["most"].value() == "900"


def test_what_stands_in_the_way_is_said(member: Client, lab: Lab, node: Node) -> None:
    make_lab().book(list(node.devices.all()), None, hours=20)
    late = found(member, by=typed(clock.now() + 10 * HOUR, lab))
    assert late.title == "Nothing fits; this is nearest"
    assert "too late" in late.lines[0].differs
    dear = found(member, most="0.01")
    assert "too dear" in dear.lines[0].differs
    assert len(dear.lines) == 1  # of one node the cheapest
    none = found(member, count="5")
    assert (none.lines, none.notes) == (
        (), ("No node has 5 devices of this kind that can be booked together.",)
    )  # fmt: skip
    long = found(member, hours="200")  # longer than any slot may be
    assert not long.lines
    assert "refused by a rule: Length" in long.notes[0]
    assert "Length" in [rule.name for rule in member.get(long.refused_url).context["preview"].refused]
    full = found(member, hours="672")
    assert "never free for 28\xa0d within" in full.notes[0]
    assert not Decision.objects.filter(outcome="refused").exists()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("count", "0", "a number of devices from 1 to 64"),
        ("count", "x", "a number of devices from 1 to 64"),
        ("want", "memory:x", "Enter a valid value"),
        ("hours", "0", "Write hours from 0.25 to 672"),
        ("hours", "1.1", "Write hours from 0.25 to 672"),
        ("hours", "1e9", "Write hours from 0.25 to 672"),
        ("after", "soon", "Write a date and a time"),
        ("most", "-1", "Write an amount in EUR"),
        ("most", "NaN", "Write an amount in EUR"),
        ("order", "luck", "Select a valid choice"),
    ],
)
def test_nonsense_is_named_and_finds_nothing(member: Client, name: str, value: str, said: str) -> None:
    answer = member.get("/book/", NEED | {name: value})
    assert answer.status_code == 200
    assert "need" not in answer.context
    assert said in unescape(answer.content.decode())


def test_it_may_not_be_done_before_it_begins(member: Client, lab: Lab) -> None:
    times = {"after": typed(in_days(3), lab), "by": typed(in_days(2), lab)}
    assert "to be done later than it may begin" in member.get("/book/", NEED | times).content.decode()


def test_what_is_to_be_done_by_a_past_time_is_refused_where_it_was_typed(member: Client, lab: Lab) -> None:
    past = clock.now() - HOUR
    answer = member.get("/book/", NEED | {"by": typed(past, lab)})
    assert answer.context["need_form"].errors["by"] == [
        "This time is past. Write a later one, or leave it empty."
    ]
    assert "need" not in answer.context
    body = {"project": lab.project.slug, "devices": 2, "hours": "6", "done_by": past.isoformat()}
    refused = call(lab.member, body)
    assert refused.status_code == 400
    assert "This time is past" in refused.content.decode()


def test_where_no_job_can_run_yet_stands_last_and_says_so(member: Client, lab: Lab, node: Node) -> None:
    other = make_open_node(devices=4, model="L40S")
    Agent.objects.create(node=other, public_key="k", version="1", enrolled_at=clock.now())
    for order in Order:
        lines = found(member, order=order).lines
        assert (lines[0].node, lines[0].differs) == (other.name, "")
        assert {line.differs for line in lines if line.node == node.name} <= {"Runs no jobs yet"}
    body = {"project": lab.project.slug, "devices": 2, "hours": "6"}
    told = call(lab.member, body).json()["offers"]
    assert [one["runs_jobs"] for one in told] == sorted([one["runs_jobs"] for one in told], reverse=True)
    assert {one["runs_jobs"] for one in told} == {True, False}


# --- over the API ----------------------------------------------------------------------
def call(person: User, body: dict[str, Any]) -> Any:
    client = Client()
    client.force_login(person)
    return client.post("/api/v1/offers", body, content_type="application/json")


def test_programs_are_told_the_same(member: Client, lab: Lab, node: Node) -> None:
    factories.make_user()
    body = {"project": lab.project.slug, "devices": 2, "hours": "6", "order": "price"}
    told = call(lab.member, body).json()
    page = found(member, order="price")
    assert [offer["end"] for offer in told["offers"]][0] == page.lines[0].end.strftime("%Y-%m-%dT%H:%M:%SZ")
    first = told["offers"][0]
    assert (first["node"], first["model"], first["reasons"]) == (node.slug, "L40S", [])
    assert (told["count"], told["nodes"], told["are_all"]) == (len(told["offers"]), 1, True)
    booked = Client()
    booked.force_login(lab.member)
    wanted = {"project": lab.project.slug, "devices": first["devices"], "end": first["end"],
              "start": "now" if first["is_now"] else first["start"]}  # fmt: skip
    made = booked.post("/api/v1/reservations", wanted, content_type="application/json")
    assert made.status_code == 201
    dear = call(lab.member, body | {"at_most": "0.01"}).json()
    assert (dear["count"], dear["offers"]) == (0, [])
    assert {"too_dear"} == {reason for one in dear["others"] for reason in one["reasons"]}


def test_only_members_ask_for_a_project_and_bodies_are_checked(lab: Lab, mallory: User) -> None:
    body = {"project": lab.project.slug, "devices": 2, "hours": "6"}
    assert call(mallory, body).status_code == 404
    assert Client().post("/api/v1/offers", body, content_type="application/json").status_code == 401
    for wrong in ({"hours": "1.1"}, {"devices": 0}, {"order": "luck"}, {"at_most": "-1"}, {"color": "red"}):
        assert call(lab.member, body | wrong).status_code == 400, wrong
