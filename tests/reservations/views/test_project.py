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
from pricing.models import Grant
from reservations.domain.decision import digest
from reservations.domain.policy import CLASSES, ClassNumbers, Policy as Rules
from reservations.errors import Refused
from reservations.models import DailyStanding, Decision, Reservation, UsageEntry
from reservations.selectors.project import project_standing
from reservations.services import usage
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
    granted = page.decisions[1]
    passed = client.get(granted.url).context["page"].passed
    assert granted.because == f"{passed} rules passed"
    assert granted.because in text


def test_older_slots_and_decisions_are_led_to(
    client: Client, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.book([Device.objects.all()[1]], in_days(4), hours=0.5)
    for name, number in (("_LATEST", 1), ("SLOTS", 1)):
        monkeypatch.setattr(f"reservations.selectors.project.{name}", number)
    address = f"/projects/{lab.project.slug}/"
    first, second = client.get(address), client.get(f"{address}?slots=2&decisions=3")
    assert 'href="?slots=2#sl"' in first.content.decode()
    assert 'href="?decisions=2#de"' in first.content.decode()
    pages = [one.context["page"] for one in (first, second)]
    assert [slot.start for page in pages for slot in page.slots] == [in_days(2), in_days(4)]
    assert pages[0].room.held == pages[1].room.held
    assert (pages[1].slot_parts.older, pages[1].decision_parts.older) == (0, 0)
    assert 'href="?slots=1#sl"' in second.content.decode()
    for nonsense in ("0", "-1", "x", "99999999999999999999"):
        assert client.get(address, {"slots": nonsense, "decisions": nonsense}).status_code == 200


def test_members_are_shown_with_their_cap_and_what_they_used(client: Client, lab: Lab) -> None:
    other = factories.make_user(name="Capped")
    add_to_project(project=lab.project, user=other, role="lead")
    lab.project.memberships.filter(user=other).update(monthly_cap=12)
    reservation = Reservation.objects.get()
    usage.count_usage(reservation=reservation)
    (used,) = UsageEntry.objects.all()
    members = {one.name: one for one in client.get(f"/projects/{lab.project.slug}/").context["page"].members}
    capped, holder = members.pop("Capped"), next(iter(members.values()))
    assert (capped.cap, capped.used, capped.part) == (12, 0, 0)
    assert (holder.cap, holder.used, holder.part) == (None, used.cost_weighted_hours, 1)
    assert holder.used > 0


def test_device_hours_left_stand_beside_the_money_left(client: Client, lab: Lab) -> None:
    text = client.get(f"/projects/{lab.project.slug}/").content.decode()
    assert "Grants that count device-hours" not in text
    Grant.objects.update(hours=15)
    page = client.get(f"/projects/{lab.project.slug}/")
    (grant,) = Grant.objects.all()
    assert page.context["page"].hours_left == grant.hours_left
    assert "Grants that count device-hours have" in page.content.decode()


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


def queries_of(client: Client, address: str) -> list[str]:
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    return [str(query["sql"])[:110] for query in queries if "django_session" not in str(query["sql"])]


def test_the_project_page_costs_at_most_nine_queries_with_comparison_and_however_much_there_is(
    client: Client, lab: Lab
) -> None:
    other = make_lab(name="Beside", uses_public_money=True)
    for days in (4, 5, 6):
        lab.book([Device.objects.all()[1]], in_days(days), hours=0.5)
    a_week_ago(lab)
    seen = queries_of(client, f"/projects/{lab.project.slug}/?beside={other.project.name}")
    assert len(seen) <= 9, seen
    seen = queries_of(client, f"/projects/{lab.project.slug}/level.json")
    assert len(seen) <= 6, seen


# --- level, what moved it, room and path ---
def a_week_ago(lab: Lab, **sums: object) -> DailyStanding:
    """Where the project stood eight days ago: half of everything promised, nothing used by anybody."""
    at = clock.now() - timedelta(days=8)
    standing = {
        "promised": "1/2", "stored": 0, "committed": 0, "stored_by_all": 0, "committed_by_all": 0,
        "half_life_hours": Rules().half_life_hours,
    } | sums  # fmt: skip
    return DailyStanding.objects.create(vertex=lab.vertex, day=at.date(), at=at, **standing)


def test_what_moved_the_level_is_told_cause_by_cause(client: Client, lab: Lab) -> None:
    weight = lab.project.reservations.first().devices.first().weight
    a_week_ago(lab, committed=4 * weight, committed_by_all=16 * weight)  # a half of 16, to 4: a level of 2
    make_lab(shares=3)
    response = client.get(f"/projects/{lab.project.slug}/")
    week, text = response.context["page"].history.week, response.content.decode()
    # Now 2 are booked by the project, and by nobody else; a quarter of all is promised.
    assert (week.before, week.after) == ("2.00", "0.25")
    assert [(cause.name, cause.change) for cause in week.causes] == [
        ("You used and booked", "+1.50"),  # a half of 14, to 2
        ("Others used and booked", "\N{MINUS SIGN}3.00"),
        ("Shares changed", "\N{MINUS SIGN}0.25"),
    ]
    assert "fewer booked than then" in text
    assert "50.00" in text
    assert "25.00" in text


def test_on_the_first_day_there_is_nothing_to_compare_with(client: Client, lab: Lab) -> None:
    text = client.get(f"/projects/{lab.project.slug}/").content.decode()
    assert "There is no earlier day to compare with yet." in text
    assert "data-chart=" not in text


def test_the_chart_and_its_figures_are_those_of_the_table(client: Client, lab: Lab) -> None:
    a_week_ago(lab, committed=1, committed_by_all=8)
    a_week_ago_with_another_half_life = a_week_ago(make_lab())
    a_week_ago_with_another_half_life.day -= timedelta(days=1)
    a_week_ago_with_another_half_life.vertex, a_week_ago_with_another_half_life.half_life_hours = (
        lab.vertex,
        168,
    )
    a_week_ago_with_another_half_life.save()
    page = client.get(f"/projects/{lab.project.slug}/").context["page"]
    twin = client.get(f"/projects/{lab.project.slug}/level.json").json()
    assert [Decimal(day["entitled"]) for day in twin["days"]] == [
        pytest.approx(day.entitled, abs=Decimal("0.000001")) for day in page.history.days
    ]
    assert len(twin["days"]) == 2
    assert (twin["days"][0]["used"], twin["days"][0]["booked"], twin["days"][0]["level"]) == (
        "0.000000", "1.000000", "4.000000"
    )  # fmt: skip
    assert [trace["type"] for trace in twin["charts"]["level"]["data"]] == ["bar", "bar", "scatter"]


def test_the_room_says_which_reservations_fill_it(client: Client, lab: Lab) -> None:
    later = lab.book([Device.objects.all()[1]], in_days(5), hours=3)
    lab.book([Device.objects.all()[2]], None, hours=1)  # within the next day: needs no room
    page = client.get(f"/projects/{lab.project.slug}/").context["page"]
    weight = later.devices.first().weight
    assert [(part.hours, part.url) for part in page.room.parts] == [
        (2 * weight, page.slots[1].url), (3 * weight, later.get_absolute_url())
    ]  # fmt: skip
    assert sum(part.hours for part in page.room.parts) == page.room.held


def test_the_room_counts_the_hours_that_the_projects_class_needs_room_for(client: Client) -> None:
    classes = tuple(ClassNumbers(code, exempt_hours=1 if code == "research" else None) for code in CLASSES)
    factories.make_policy(classes=classes)
    node, lab = make_open_node(devices=2), make_lab()
    lab.book([node.devices.all()[0]], in_days(0.5))  # nearer than a day, which is for everybody
    client.force_login(lab.member)
    room = client.get(f"/projects/{lab.project.slug}/").context["page"].room
    assert room.held > 0
    assert sum(part.hours for part in room.parts) == room.held
    told = project_standing(project=lab.project, at=clock.now()).room
    assert told is not None
    assert abs(told.held - room.held) < Decimal("0.1")


def test_a_project_without_shares_is_told_what_it_may_hold_all_the_same(client: Client) -> None:
    """And does: nothing of everything is not nothing at all."""
    node = make_open_node(devices=2)
    make_lab()
    lab = make_lab(shares=0)
    client.force_login(lab.member)
    page = client.get(f"/projects/{lab.project.slug}/")
    room = page.context["page"].room
    assert (room.limit, room.least) == (0, "One node for 8 hours")
    text = page.content.decode()
    assert "0.0 of 0.0" not in text
    assert text.count("One node for 8 hours") == 2
    lab.book(list(node.devices.all()), in_days(3), hours=8)
    page = client.get(f"/projects/{lab.project.slug}/")
    assert page.context["page"].room.held > 0
    assert "What fills it" in page.content.decode()


def test_room_and_budget_come_before_the_long_lists_of_the_page(client: Client, lab: Lab) -> None:
    """On a phone the page is read in this order."""
    text = client.get(f"/projects/{lab.project.slug}/").content.decode()
    found = re.findall(r'<h2 id="(\w\w)">', text)
    assert found == ["mv", "rm", "bu", "sl", "de", "me", "pa", "nm"]


def test_every_step_of_the_path_has_its_level(client: Client, lab: Lab) -> None:
    make_lab(shares=3)
    (step,) = client.get(f"/projects/{lab.project.slug}/").context["page"].place.path
    assert (step.shares, step.of_all, step.share, step.part) == (1, 4, Decimal("0.25"), 1)
    assert step.level.figure == "0.25"


def test_why_them_and_not_me_is_answered_for_whoever_is_asked_about(client: Client, lab: Lab) -> None:
    name = "Glacier archive"
    ahead = make_lab(name=name, uses_public_money=True)
    hidden = make_lab(name="Secret")
    address = f"/projects/{lab.project.slug}/"
    place = client.get(address).context["page"].place
    assert place.beside.name == place.neighbours.ahead[0]
    place = client.get(address, {"beside": name}).context["page"].place
    assert place.beside.sentences == (
        "Glacier archive goes before you.",
        "No account but the whole is common to both of you; one step below it, levels are compared.",
        "There, Coastal flood atlas has level 0.33 and Glacier archive \N{INFINITY}; the higher one, which"
        " got less of its share, goes first.",
    )
    assert ahead.project.name in place.neighbours.names
    response = client.get(address, {"beside": hidden.project.name})
    assert response.context["page"].place.beside is None  # nor is it found by the name that it hides
    assert hidden.project.name not in place.neighbours.names
    assert "No other project shows that name this month." in response.content.decode()


def test_the_level_is_for_members_alone(client: Client, lab: Lab, mallory: User) -> None:
    address = f"/projects/{lab.project.slug}/level.json"
    assert client.get(address).status_code == 200
    client.force_login(mallory)
    assert client.get(address).status_code == 404
    client.logout()
    assert client.get(address).status_code == 302


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
    assert f'href="/policy/{decision.policy.version}/"' in page
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
