"""A project's page, the list of projects, stored decisions and their JSON."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Project, User
from accounts.services import add_to_project
from common import clock, formats
from common.ranges import between
from nodes.models import Device
from reservations.domain.decision import digest
from reservations.domain.policy import Policy as Rules
from reservations.errors import Refused
from reservations.models import Decision
from tests import factories
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab(client: Client) -> Lab:
    node = make_open_node(devices=4)
    lab = make_lab(budget="20", name="Coastal flood atlas")
    lab.book([node.devices.all()[0]], in_days(2))
    with pytest.raises(Refused):
        lab.book(list(node.devices.all()), in_days(3), hours=48)
    client.force_login(lab.member)
    return lab


def test_the_project_page_shows_level_room_budget_slots_and_decisions(client: Client, lab: Lab) -> None:
    response = client.get(f"/projects/{lab.project.slug}/")
    page, text = response.context["page"], response.content.decode()
    assert (page.place.rank, page.place.of) == (1, 1)
    assert page.room.held > 0
    assert 0 < page.budget_left < 20
    assert [slot.title for slot in page.slots] == ["1 × H100 SXM5, 2\N{NO-BREAK SPACE}h"]
    assert [row.is_granted for row in page.decisions] == [False, True]
    assert page.decisions[0].because == "Budget"
    assert "11 rules passed" in text


def test_a_slot_to_come_is_listed_before_later_ones_whenever_it_was_booked(client: Client, lab: Lab) -> None:
    for days in (6, 1, 4):
        lab.book([Device.objects.all()[1]], in_days(days), hours=0.5)
    starts = [slot.start for slot in client.get(f"/projects/{lab.project.slug}/").context["page"].slots]
    assert starts == sorted([in_days(1), in_days(2), in_days(4), in_days(6)])


def test_leads_are_named_before_members(client: Client, lab: Lab) -> None:
    add_to_project(project=lab.project, user=factories.make_user(name="Aaron"))
    add_to_project(project=lab.project, user=factories.make_user(name="Zoe"), role="lead")
    members = client.get(f"/projects/{lab.project.slug}/").context["page"].members
    assert [member.role for member in members] == ["Lead", "Member", "Member"]
    assert [member.name for member in members][:2] == ["Zoe", "Aaron"]


def test_a_grant_that_pays_from_a_later_day_stands_beside_the_budget(client: Client, lab: Lab) -> None:
    at = clock.now()
    begins = at + timedelta(days=9)
    valid = between(begins, at + timedelta(days=99))
    factories.make_grant(lab.project, "80", name="Winter", hours=Decimal(40), valid=valid)
    answer = client.get(f"/projects/{lab.project.slug}/")
    assert "Winter" not in [budget.name for budget in answer.context["page"].budgets]
    text = answer.content.decode()
    with timezone.override(lab.member.time_zone):
        assert f"Pays from {formats.long_day(begins)}." in text
    assert "40.00 device-hours" in text


@pytest.mark.parametrize(("state", "said"), [("suspended_at", "Suspended since"), ("expires_at", "ended on")])
def test_a_project_that_cannot_book_offers_no_booking(
    client: Client, lab: Lab, state: str, said: str
) -> None:
    address = f"/projects/{lab.project.slug}/"
    assert "Book a slot" in client.get(address).content.decode()
    reason = {"suspension_reason": "Audit"} if state == "suspended_at" else {}
    Project.objects.filter(pk=lab.project.pk).update(**{state: clock.now()}, **reason)
    text = client.get(address).content.decode()
    assert said in text
    assert "Book a slot" not in text


def test_the_project_page_costs_at_most_eight_queries(client: Client, lab: Lab) -> None:
    client.get(f"/projects/{lab.project.slug}/")
    with CaptureQueriesContext(connection) as queries:
        client.get(f"/projects/{lab.project.slug}/")
    seen = [str(query["sql"])[:110] for query in queries if "django_session" not in str(query["sql"])]
    assert len(seen) <= 8, seen


def test_a_project_without_a_place_in_the_tree_is_told_so(client: Client) -> None:
    factories.make_policy()
    member = factories.make_user()
    project = factories.make_project(member)
    client.force_login(member)
    page = client.get(f"/projects/{project.slug}/").content.decode()
    assert "This project has no place in the share tree yet." in page


def test_only_own_projects_are_listed(client: Client, lab: Lab, mallory: User) -> None:
    assert "Coastal flood atlas" in client.get("/projects/").content.decode()
    client.force_login(mallory)
    page = client.get("/projects/").content.decode()
    assert "Coastal flood atlas" not in page
    assert "You belong to no project yet." in page


def test_a_refused_decision_shows_every_rule_with_its_numbers_and_a_way_out(client: Client, lab: Lab) -> None:
    decision = Decision.objects.get(outcome="refused")
    page = client.get(decision.get_absolute_url()).content.decode()
    assert "Not booked: one rule stands in the way." in page
    assert "1 refuses, " in page
    assert re.search(r"\b([2-9]|1\d) pass\b", page)
    assert "What would work:" in page
    assert "The shortest way through:" in page
    assert "/book/?project=" in page


def test_the_json_of_a_decision_holds_all_that_its_digest_covers(client: Client, lab: Lab) -> None:
    decision = Decision.objects.get(outcome="granted")
    told = client.get(f"/decisions/{decision.uid}.json").json()
    inputs = {name: told[name] for name in ("request", "snapshot", "answer")}
    recomputed = digest(policy=Rules.from_json(told["policy"]), **inputs)
    assert recomputed == told["digest"] == decision.digest


def test_the_list_tells_class_level_budget_and_next_slot(client: Client, lab: Lab) -> None:
    response = client.get("/projects/")
    line = response.context["projects"][0]
    own = client.get(line.url).context["page"]
    assert (line.name, line.class_name) == (lab.project.name, lab.project.get_project_class_display())
    assert line.level == own.place.level
    assert (line.grants, line.budget_left) == (len(own.budgets), own.budget_left)
    assert line.next_slot.title == own.slots[0].title
    assert (line.next_slot.start, line.next_slot.is_open, line.booked) == (in_days(2), False, 1)
    assert line.next_slot.url in response.content.decode()


def test_the_next_slot_is_the_soonest_that_is_not_over(client: Client, lab: Lab) -> None:
    device = Device.objects.all()[1]
    lab.book([device], in_days(5), hours=0.5)
    lab.book([device], None, hours=0.5)
    line = client.get("/projects/").context["projects"][0]
    assert line.next_slot.is_open
    assert line.booked == 3


def test_a_project_that_can_book_nothing_yet_is_listed_too(client: Client) -> None:
    factories.make_policy()
    member = factories.make_user()
    factories.make_project(member, name="Newcomers")
    client.force_login(member)
    page = client.get("/projects/").content.decode()
    assert "Newcomers" in page
    assert "no share yet" in page
    assert "none booked" in page


def test_the_list_costs_at_most_eight_queries_however_long_it_is(client: Client, lab: Lab) -> None:
    for number in range(4):
        factories.make_project(lab.member, name=f"Another {number}", slug=f"another-{number}")
    client.get("/projects/")
    with CaptureQueriesContext(connection) as queries:
        assert len(client.get("/projects/").context["projects"]) == 5
    seen = [str(query["sql"])[:110] for query in queries if "django_session" not in str(query["sql"])]
    assert len(seen) <= 8, seen
