"""The booking page: who may see and do what, previews, bookings, refusals, times that are not one moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Project, User
from common import clock, formats
from nodes.models import Agent, Hold, Node
from pricing.models import Grant
from pricing.selectors import rates
from reservations.domain.policy import CLASSES, ClassNumbers
from reservations.models import Decision, Reservation
from reservations.selectors.decision import decision_page, decisions_of
from reservations.selectors.frame import Frame
from reservations.selectors.links import slot_fields
from tests import factories
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node

pytestmark = pytest.mark.django_db

PREVIEW_QUERIES = 22  # of them one for the place that a booking would lead to, four for its carbon


@pytest.fixture
def node() -> Node:
    return make_open_node(devices=3, model="L40S")


@pytest.fixture
def lab(node: Node) -> Lab:
    return make_lab()


@pytest.fixture
def member(client: Client, lab: Lab) -> Client:
    client.force_login(lab.member)
    return client


def asked(lab: Lab, node: Node, *, devices: int = 1, days: float = 2, hours: float = 2) -> dict[str, Any]:
    uids = [str(device.uid) for device in node.devices.all()[:devices]]
    start = in_days(days)
    with timezone.override(lab.member.time_zone):  # as on the member's own page
        fields = slot_fields(
            project=lab.project.slug, devices=uids, start=start, end=start + timedelta(hours=hours)
        )
    with_devices: dict[str, Any] = dict(fields)
    return with_devices | {"device": uids}


def test_a_visitor_sees_the_timetable_and_no_form(client: Client, node: Node) -> None:
    page = client.get("/book/").content.decode()
    assert node.name in page
    assert "Sign in to book" in page
    assert 'name="device"' not in page


def test_a_person_without_a_project_is_told_the_next_step(client: Client, node: Node, mallory: User) -> None:
    client.force_login(mallory)
    assert "You belong to no project yet." in client.get("/book/").content.decode()


def test_a_member_sees_free_cells_as_buttons(member: Client, node: Node) -> None:
    page = member.get("/book/").content.decode()
    assert page.count('class="slot slot--free"') == 3
    assert 'id="slot"' in page


@pytest.mark.parametrize(
    ("now", "week", "first_link"),
    [
        (datetime(2026, 11, 21, 22, 59, tzinfo=UTC), "2026-W47", "This week"),
        (datetime(2026, 11, 21, 23, 1, tzinfo=UTC), "2026-W48", "This week"),  # 00:01 on Sunday in Paris
        (datetime(2026, 11, 22, 23, 0, tzinfo=UTC), "2026-W48", "This week"),
    ],
)
def test_a_week_that_is_nearly_over_makes_way_for_the_next(
    client: Client, node: Node, monkeypatch: pytest.MonkeyPatch, now: datetime, week: str, first_link: str
) -> None:
    monkeypatch.setattr(clock, "now", lambda: now)
    context = client.get("/book/").context
    assert context["timetable"].frame.name == week
    assert context["weeks"][0].text == first_link
    assert [link.is_current for link in context["weeks"]].count(True) == 1
    assert "2026-W47" in client.get("/book/", {"week": "2026-W47"}).content.decode()


def test_a_preview_says_where_no_job_can_run_yet(member: Client, lab: Lab, node: Node) -> None:
    said = f"No job runs on {node.name} until its owner connects it to this site."
    assert said in member.get("/book/preview/", asked(lab, node)).content.decode()
    Agent.objects.create(node=node, public_key="k", version="1", enrolled_at=clock.now())
    assert said not in member.get("/book/preview/", asked(lab, node)).content.decode()


def test_the_timetable_page_costs_at_most_eight_queries(member: Client, node: Node, lab: Lab) -> None:
    lab.book(list(node.devices.all()), in_days(0.2))
    member.get("/book/")  # the checkpoint is cached from here on
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert member.get("/book/").status_code == 200
    assert len(queries) <= 8 + _session(queries), [str(query["sql"])[:110] for query in queries]


def _session(queries: CaptureQueriesContext) -> int:
    """Sessions are read from the cache outside tests."""
    assert settings.SESSION_ENGINE.endswith(".db")
    return sum("django_session" in str(query["sql"]) for query in queries.captured_queries)


def test_the_preview_shows_price_rules_and_who_reads_data_there(member: Client, lab: Lab, node: Node) -> None:
    page = member.get("/book/preview/", asked(lab, node)).content.decode()
    assert "You pay, EUR" in page
    assert "All 11 rules pass" in page
    assert "The administrators of the node, in France." in page
    assert "Book for EUR" in page


def test_the_preview_says_after_whom_one_would_come_for_the_next_contested_slot(
    member: Client, lab: Lab, node: Node
) -> None:
    """Equal shares: one who used nothing goes first as it is, one who booked half an hour only then."""
    make_lab(name="Idle", uses_public_money=True)
    light = make_lab(name="Glacier archive", uses_public_money=True)
    light.book([node.devices.all()[1]], in_days(3), hours=0.5)
    before = "For the next contested slot you come at place 3 of 3 instead of 1: after Glacier archive, Idle."
    assert member.get("/book/preview/", asked(lab, node)).context["preview"].place == before
    lab.book([node.devices.all()[2]], in_days(3), hours=1)
    again = member.get("/book/preview/", asked(lab, node))
    stays = "For the next contested slot you stay at place 3 of 3, after Glacier archive."
    assert again.context["preview"].place == stays
    assert stays in again.content.decode()


def test_a_preview_asks_the_database_for_the_tree_once_and_for_names_not_at_all(
    member: Client, lab: Lab, node: Node
) -> None:
    member.get("/book/preview/", asked(lab, node))
    with CaptureQueriesContext(connection) as queries:
        member.get("/book/preview/", asked(lab, node))
    seen = [str(query["sql"])[:110] for query in queries.captured_queries]
    trees = [query for query in queries if "vertex LEFT JOIN accounts_project" in str(query["sql"])]
    assert len(trees) == 1
    assert len(seen) <= PREVIEW_QUERIES + _session(queries), seen


def test_without_scripts_the_whole_page_holds_the_preview(member: Client, lab: Lab, node: Node) -> None:
    page = member.get("/book/", asked(lab, node)).content.decode()
    assert "All 11 rules pass" in page
    assert "<h1>Book</h1>" in page


def test_the_receipt_lines_add_up_to_what_is_paid(member: Client, lab: Lab, node: Node) -> None:
    response = member.get("/book/preview/", asked(lab, node, devices=3, hours=2.75))
    *lines, total = response.context["preview"].receipt
    assert sum(line.amount for line in lines) == total.amount


def test_a_stranger_has_no_preview(client: Client, lab: Lab, node: Node, mallory: User) -> None:
    client.force_login(mallory)
    page = client.get("/book/preview/", asked(lab, node)).content.decode()
    assert "You pay" not in page
    assert client.post("/book/", asked(lab, node)).status_code == 400
    assert not Decision.objects.exists()


def test_a_visitor_who_posts_is_sent_to_sign_in(client: Client, lab: Lab, node: Node) -> None:
    response = client.post("/book/", asked(lab, node))
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_booking_leads_to_the_reservation(member: Client, lab: Lab, node: Node) -> None:
    response = member.post("/book/", asked(lab, node, devices=2))
    reservation = Reservation.objects.get()
    assert response["Location"] == f"/reservations/{reservation.uid}/"
    assert Hold.objects.count() == 2


def test_a_slot_that_starts_at_once_starts_when_it_is_booked(member: Client, lab: Lab, node: Node) -> None:
    fields = asked(lab, node, days=0, hours=2) | {"now": "on", "start": ""}
    assert member.post("/book/", fields).status_code == 302
    reservation = Reservation.objects.get()
    assert reservation.during.lower == reservation.created_at


@pytest.mark.parametrize("at_once", [False, True])
def test_a_form_sent_twice_books_once_and_leads_to_the_reservation(
    member: Client, lab: Lab, node: Node, at_once: bool
) -> None:
    fields = asked(lab, node, devices=2, days=0.1 if at_once else 2)
    fields |= {"now": "on", "start": ""} if at_once else {}
    first, second = member.post("/book/", fields), member.post("/book/", fields, follow=True)
    assert second.redirect_chain == [(first["Location"], 302)]
    assert "You have this slot already." in second.content.decode()
    assert Reservation.objects.count() == 1


def test_a_slot_that_only_overlaps_ones_own_is_refused(member: Client, lab: Lab, node: Node) -> None:
    member.post("/book/", asked(lab, node, devices=2))
    for fields in (asked(lab, node, devices=1), asked(lab, node, devices=2, hours=1)):
        assert member.post("/book/", fields).status_code == 409


def test_a_taken_slot_is_refused_with_who_until_when_and_the_next_free_one(
    member: Client, lab: Lab, node: Node
) -> None:
    other = make_lab(name="Glacier mass balance", uses_public_money=True)
    taken = other.book([node.devices.all()[0]], in_days(2))
    response = member.post("/book/", asked(lab, node))
    page = response.content.decode()
    assert response.status_code == 409
    assert "Held by Glacier mass balance until" in page
    assert "Not booked: one rule stands in the way." in page
    way, offers = response.context["page"].nearest, response.context["page"].offers
    assert {way.url, *(offer.url for offer in offers)} <= set(
        re.findall(r'href="([^"]+)"', page.replace("&amp;", "&"))
    )
    answer = member.get(way.url)
    assert answer.context["preview"].is_granted
    assert answer.context["preview"].start == taken.during.lower  # on the node's other device
    (next_free,) = [offer for offer in offers if offer.start == taken.during.upper]
    assert member.get(next_free.url).context["preview"].is_granted


def test_a_refusal_keeps_the_contents_of_the_form(member: Client, node: Node) -> None:
    poor = make_lab(budget="0.01")
    member.force_login(poor.member)
    fields = asked(poor, node, devices=2)
    page = member.post("/book/", fields).context["page"]
    again = member.get(page.again_url)
    assert sorted(again.context["chosen"]) == sorted(fields["device"])
    assert f'value="{fields["start"]}"' in again.content.decode()


def test_a_name_is_never_that_of_a_person(member: Client, lab: Lab, node: Node) -> None:
    other = make_lab(name="Secret start-up")
    soon = in_days(0.1)
    other.book(list(node.devices.all()), soon)
    week = Frame.of_moment(soon, ZoneInfo(lab.member.time_zone)).name
    page = member.get("/book/", {"week": week}).content.decode()
    assert "Secret start-up" not in page
    assert "project t" in page
    assert other.member.name not in page


def test_a_time_that_clocks_skip_is_refused_in_place(member: Client, lab: Lab, node: Node) -> None:
    # Europe/Paris, 29 March 2026: 02:00 becomes 03:00.
    fields = asked(lab, node) | {"start": "2026-03-29T02:30", "end": "2026-03-29T04:00"}
    page = member.get("/book/preview/", fields).content.decode()
    assert "jump over 02:30" in page
    assert "The next time that does is 03:00." in page


def test_a_time_that_clocks_show_twice_is_asked_about(member: Client, lab: Lab, node: Node) -> None:
    # Europe/Paris, 25 October 2026: 03:00 becomes 02:00.
    fields = asked(lab, node) | {"start": "2026-10-25T02:30", "end": "2026-10-25T04:00"}
    fields.pop("start_second")
    page = member.get("/book/preview/", fields).content.decode()
    assert "show 02:30 twice" in page
    assert "02:30 UTC+02:00" in page
    assert "02:30 UTC+01:00" in page
    assert page.count('name="start_second"') == 2
    answered = member.get("/book/preview/", fields | {"start_second": "1"})
    assert answered.context["preview"].start.astimezone(timezone.get_fixed_timezone(60)).hour == 2
    assert answered.content.decode().count("checked") == 1


def test_a_free_cell_pressed_without_scripts_asks_for_an_hour(member: Client, lab: Lab, node: Node) -> None:
    start = in_days(1)
    pick = f"{node.devices.all()[0].uid}@{start:%Y-%m-%dT%H:%M:%SZ}"
    preview = member.get("/book/", {"pick": pick, "project": lab.project.slug}).context["preview"]
    assert (preview.start, preview.length) == (start, timedelta(hours=1))


@pytest.mark.parametrize(
    "broken",
    [
        {"device": "not-a-uid"},
        {"device": "01900000-0000-7000-8000-000000000000"},
        {"start": "yesterday"},
        {"end": ""},
        {"project": "nobodys"},
        {"pick": "x@2026-13-45T00:00:00Z"},
        {"start": "0001-01-01T00:00"},
        {"end": "9999-12-31T23:59"},
        {"end": "2190-01-01T00:00"},
        {"device": "\0"},
        {"project": "\0", "site": "\0", "model": "\0"},
        {"pick": "x@0001-01-01T00:00:00Z"},
        {"pick": "x@9999-12-31T23:59:59Z"},
        {"week": "2026-W99"},
        {"week": "0001-W01"},
        {"week": "9999-W52"},
        {"page": "9" * 30},
        {"page": "9" * 5000},
        {"page": "²"},
    ],
)
def test_nonsense_in_the_address_is_answered_with_a_page(
    member: Client, lab: Lab, node: Node, broken: dict[str, str]
) -> None:
    for address in ("/book/", "/book/preview/"):
        assert member.get(address, asked(lab, node) | broken).status_code == 200


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"start": "0001-01-01T00:00"}, "Write a date and a time"),
        ({"end": "9999-12-31T23:59"}, "Write a date and a time"),
        ({"end": "2190-01-01T00:00"}, "A slot starts and ends within 10 years of today."),
        ({"end": "half past"}, "Write a date and a time"),
        ({"end": ""}, "Say when it ends."),
        ({"project": "nobodys"}, "Choose one of your projects."),
        ({"device": ["not-a-uid"]}, "One of these devices is not listed any more."),
    ],
)
def test_what_cannot_be_read_is_said_and_what_was_typed_stays(
    member: Client, lab: Lab, node: Node, broken: dict[str, Any], said: str
) -> None:
    fields = asked(lab, node) | broken
    response = member.post("/book/", fields)
    assert response.status_code == 400
    page = response.content.decode()
    assert said in page
    assert f'value="{fields["start"]}"' in page
    assert response.context["chosen"] == {*fields["device"]}
    assert not Decision.objects.exists()


def test_a_booking_without_a_policy_is_refused_on_the_page(client: Client) -> None:
    lab_member = factories.make_user()
    factories.make_project(lab_member, slug="early")
    node = factories.make_node()
    client.force_login(lab_member)
    start = in_days(1)
    fields = dict(
        slot_fields(
            project="early",
            devices=[str(node.devices.all()[0].uid)],
            start=start,
            end=start + timedelta(hours=1),
        )
    )
    response = client.post("/book/", fields)
    assert response.status_code == 409
    assert not Reservation.objects.exists()


def test_a_slot_that_ends_before_it_starts_has_no_length(member: Client, lab: Lab, node: Node) -> None:
    page = member.get("/book/preview/", asked(lab, node, hours=-2))
    text = page.content.decode()
    assert page.context["preview"].length is None
    assert "The end is not later than the start." in text
    assert "\N{MINUS SIGN}2" not in text
    assert "need no room" not in text
    assert "do not count" not in text
    assert "Cancelling" not in text
    assert "Ask all the same" not in text


def test_a_preview_says_how_its_cost_weighted_hours_are_worked_out(
    member: Client, lab: Lab, node: Node
) -> None:
    ids = list(node.devices.values_list("pk", flat=True)[:2])
    weight = next(iter(rates(device_ids=ids, at=clock.now()).values())).weight
    one = member.get("/book/preview/", asked(lab, node)).content.decode()
    two = member.get("/book/preview/", asked(lab, node, devices=2)).content.decode()
    hours, by_device = formats.number(2 * weight, 4), formats.number(weight, 4)
    assert f"{hours} cost-weighted hours = 2\N{NO-BREAK SPACE}h × {by_device}, the full cost" in one
    assert f"= 2\N{NO-BREAK SPACE}h × 2 × {by_device}, the full cost" in two
    assert 'href="/policy/#ar"' in one


def test_what_lies_in_the_past_counts_no_days_and_promises_no_cancelling(
    member: Client, lab: Lab, node: Node
) -> None:
    text = member.get("/book/preview/", asked(lab, node, days=-2)).content.decode()
    assert "The start is" in text
    assert "of 28 days" not in text
    assert "ancelling is" not in text


def test_a_preview_speaks_by_the_numbers_of_the_projects_class(client: Client) -> None:
    own = ClassNumbers("research", free_cancel_hours=60, exempt_hours=4)
    classes = tuple(own if code == own.code else ClassNumbers(code) for code in CLASSES)
    factories.make_policy(classes=classes)
    node = make_open_node(devices=3)
    client.force_login((lab := make_lab()).member)
    text = client.get("/book/preview/", asked(lab, node)).content.decode()  # in two days
    assert "It starts within 60 hours, so cancelling is not free" in text
    near = client.get("/book/preview/", asked(lab, node, days=1 / 24, hours=1)).content.decode()
    assert "Room: Hours within the next 4 need no room." in near
    Project.objects.update(class_expires_at=clock.now() - timedelta(days=1))
    assert "Cancelling is free until" in client.get("/book/preview/", asked(lab, node)).content.decode()


def test_a_form_sent_back_shows_the_week_it_asked_for(member: Client, lab: Lab, node: Node) -> None:
    fields = asked(lab, node, days=16)
    week = Frame.of_moment(in_days(16), ZoneInfo(lab.member.time_zone)).name
    sent_back = member.post("/book/", fields | {"project": "nobodys"})
    assert sent_back.status_code == 400
    assert sent_back.context["timetable"].frame.name == week
    assert member.get("/book/", fields).context["timetable"].frame.name == week


def test_on_a_phone_the_node_of_a_chosen_device_is_open_and_others_are_folded(
    member: Client, lab: Lab, node: Node
) -> None:
    make_open_node(devices=2, model="A40")
    nodes = member.get("/book/", asked(lab, node)).context["timetable"].nodes
    assert {one.name: one.is_open for one in nodes}[node.name]
    assert [one.is_open for one in nodes].count(True) == 1
    alone = member.get("/book/", {"model": node.devices.all()[0].model_key}).context["timetable"].nodes
    assert [one.is_open for one in alone] == [True]


def test_a_folded_node_says_when_it_is_free(member: Client, lab: Lab, node: Node) -> None:
    week = Frame.of_moment(in_days(9), ZoneInfo(lab.member.time_zone))
    (row,) = member.get("/book/", {"week": week.name}).context["timetable"].nodes
    assert row.free == "3 of 3 free from Mon 00:00"


def test_a_price_that_fits_stands_beside_what_the_grants_have_left(
    member: Client, lab: Lab, node: Node
) -> None:
    preview = member.get("/book/preview/", asked(lab, node)).context["preview"]
    before = next(rule for rule in preview.rules if rule.code == "budget")
    grant = Grant.objects.get(project=lab.project)
    assert before.outcome == "passed"
    assert before.figures == (f"{formats.money(preview.receipt[-1].amount)} of {formats.money(grant.left)}",)
    decided = lab.book([node.devices.all()[0]], in_days(2), hours=2).decision
    kept = next(
        rule
        for rule in decision_page(decision=decisions_of(lab.member).get(pk=decided.pk)).rules
        if rule.code == "budget"
    )
    assert kept.figures == before.figures  # what was left then, not what is now
