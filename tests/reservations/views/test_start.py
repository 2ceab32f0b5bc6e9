"""What one can do now: for who has just begun, for who has much, for who has nothing left."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import services as accounts
from accounts.domain import house_rules
from accounts.models import Organisation, Project, ProjectMembership, User
from accounts.services import invitations, notices
from common import clock
from common.ranges import between
from nodes.models import Agent, Node
from pricing.models import FundingLine, Grant
from reservations.domain.slots import mark_after
from reservations.models import Reservation
from reservations.selectors.start import StartPage, start_page
from reservations.services import booking, onboarding, shares
from reservations.services.runs import queue_run
from tests import factories
from tests.reservations.services.worlds import make_lab, make_open_node

pytestmark = pytest.mark.django_db


@pytest.fixture
def node() -> Node:
    return make_open_node(devices=2, model="L40S")


@pytest.fixture
def line() -> FundingLine:
    return factories.make_line("500", allowance_hours=Decimal(20), allowance_amount=Decimal(60))


@pytest.fixture
def mila(line: FundingLine) -> User:
    """She has just said her name and accepted the rules."""
    shares.ensure_independent_account(shares=10)
    user = accounts.create_person(email="mila@example.org", password=None)
    begin(user, "Mila")
    return user


def begin(user: User, name: str) -> Project:
    return onboarding.welcome(
        user=user, name=name, rules_version=house_rules.CURRENT.number, at=clock.now(),
        project_name=f"Sky of {user.pk}",
    )  # fmt: skip


def page_of(user: User) -> StartPage:
    return start_page(user=user, at=clock.now())


def shown(client: Client, user: User) -> str:
    client.force_login(user)
    return client.get("/start/").content.decode()


def test_a_stranger_is_led_to_sign_in(client: Client) -> None:
    assert client.get("/start/")["Location"] == "/accounts/login/?next=/start/"


def test_who_has_not_accepted_the_rules_is_led_to_them(client: Client, db: None) -> None:
    client.force_login(factories.make_user(accepts_rules=False))
    assert client.get("/start/")["Location"] == "/welcome/?next=/start/"


def test_signing_in_leads_there(client: Client, mila: User) -> None:
    mila.set_password("correct horse battery")
    mila.save()
    answer = client.post(
        "/accounts/login/", {"login": "mila@example.org", "password": "correct horse battery"}, follow=True
    )
    assert answer.redirect_chain[-1][0] == "/start/"


def test_who_has_just_begun_is_offered_the_soonest_slot_and_sees_the_whole_allowance(
    client: Client, mila: User, node: Node
) -> None:
    page = page_of(mila)
    assert not page.has_booked
    assert page.allowance is not None
    assert page.allowance.left == page.allowance.hours == Decimal(20)
    assert page.soonest is not None
    assert page.soonest.start is None  # at once
    text = shown(client, mila)
    for sentence in (
        "Book your first slot",
        "20.0 left",
        node.name,
        "Apply for a larger project",
        "List a node",
    ):
        assert sentence in text


def test_the_soonest_slot_is_booked_as_it_is_shown(client: Client, mila: User, node: Node) -> None:
    """The link fills the form: what the preview then holds is granted and costs what was said."""
    client.force_login(mila)
    found = client.get("/start/").context["page"].soonest  # its address says times in the reader's zone
    preview = client.get(found.url).context["preview"]
    assert preview.is_granted, [item.text for item in preview.refused]
    booked = client.post("/book/", dict(preview.fields))
    reservation = Reservation.objects.get(project__personal_to=mila)
    assert booked["Location"] == reservation.get_absolute_url()
    assert abs(reservation.quoted_price - found.price) < Decimal("0.02")  # it began some seconds later
    grant = Grant.objects.get(project=reservation.project, allowance_month=page_of(mila).allowance.month)  # type: ignore[union-attr]
    assert grant.hours_encumbered > 0


def test_a_node_that_answers_is_offered_before_one_that_does_not(mila: User, node: Node) -> None:
    answering = make_open_node(devices=1, model="H100")
    found = page_of(mila).soonest
    assert found is not None
    assert not found.can_run
    Agent.objects.create(
        node=answering, public_key="k", version="1", enrolled_at=clock.now(), last_seen_at=clock.now()
    )
    found = page_of(mila).soonest
    assert found is not None
    assert (found.node, found.can_run) == (answering.name, True)


def test_less_than_an_hour_is_offered_where_the_allowance_has_no_more(mila: User, node: Node) -> None:
    Grant.objects.filter(project__personal_to=mila).update(hours_used=Decimal("19.1"))
    found = page_of(mila).soonest
    assert found is not None
    assert timedelta(minutes=30) <= found.length <= timedelta(minutes=50)


def test_where_the_allowance_is_used_up_one_is_told_when_it_comes_back(
    client: Client, mila: User, node: Node
) -> None:
    Grant.objects.filter(project__personal_to=mila).update(hours_used=20)
    text = shown(client, mila)
    assert "No grant has anything left." in text
    assert "Your allowance is renewed on" in text
    assert "0.0 left" in text


def test_where_everything_is_taken_one_is_told_so(client: Client, mila: User, node: Node) -> None:
    lab = make_lab(budget="100000")
    now = clock.now()
    devices = list(node.devices.all())
    factories.make_slot(
        lab.project, devices, start=now, end=now + timedelta(days=8), by=lab.member, at=now
    )  # fmt: skip
    assert "Nothing free within seven days fits what is left." in shown(client, mila)


def test_without_a_funder_one_is_told_what_to_do(client: Client, mila: User, node: Node) -> None:
    Grant.objects.all().delete()
    text = shown(client, mila)
    assert "This month no funder pays an allowance" in text
    assert "For a grant, apply for a larger project." in text


def test_without_nodes_or_a_policy_the_page_still_stands(client: Client, mila: User) -> None:
    assert "Nothing free within seven days" in shown(client, mila)


def test_who_has_no_project_of_their_own_is_led_to_one(client: Client, ada: User) -> None:
    text = shown(client, ada)
    assert "You have no project of your own yet." in text
    assert 'href="/welcome/"' in text


def test_an_open_slot_stands_first_and_says_whether_a_job_runs(
    client: Client, mila: User, node: Node
) -> None:
    device, other = node.devices.all()
    project = Project.objects.get(personal_to=mila)
    now = clock.now()
    opened = booking.book(
        project=project, devices=[device.uid], start=None, asked_by=mila, at=now,
        end=mark_after(now + timedelta(hours=2)),
    )  # fmt: skip
    assert "Nothing runs" in shown(client, mila)
    queue_run(reservation=opened, node=node, script="true", environment={}, bring_back=[], by=mila, at=now)
    booking.book(
        project=project, devices=[other.uid], start=mark_after(now + timedelta(hours=30)),
        end=mark_after(now + timedelta(hours=32)), asked_by=mila, at=now,
    )  # fmt: skip
    page = page_of(mila)
    assert page.first is not None
    assert (page.first.title, page.first.may_run, page.open_slots) == ("1 × L40S", True, ())
    assert [slot.whole for slot in page.next_slots] == [timedelta(hours=2)]
    text = shown(client, mila)
    assert "A job is waiting" in text
    assert text.index("Open now") < text.index("Next") < text.index("Book a slot now")


def test_what_other_members_booked_is_shown_as_theirs(client: Client, mila: User, node: Node) -> None:
    lab = make_lab(name="Protein shapes")
    ProjectMembership.objects.create(project=lab.project, user=mila)
    lab.book(list(node.devices.all())[:1], None)
    text = shown(client, mila)
    assert "Booked by another member" in text
    assert "Run a job in it" not in text  # only who booked it and leads may


def test_an_invitation_is_shown_to_who_has_the_address_and_to_nobody_else(
    client: Client, mila: User, mallory: User, lena: User
) -> None:
    project = factories.make_project(lead=lena, name="Ocean eddies")
    invitations.invite(to=project, email="Mila@example.org", role="member", by=lena, at=clock.now())
    assert "Lena invites you to Ocean eddies." in shown(client, mila)
    assert "Ocean eddies" not in shown(client, mallory)


def test_an_invitation_is_answered_from_there_by_who_has_the_address_alone(
    client: Client, mila: User, mallory: User, lena: User
) -> None:
    project = factories.make_project(lead=lena, name="Ocean eddies")
    invitations.invite(to=project, email="mila@example.org", role="member", by=lena, at=clock.now())
    address = page_of(mila).invitations[0].url
    client.force_login(mallory)
    assert client.get(address).status_code == client.post(address, {"answer": "accept"}).status_code == 404
    client.force_login(mila)
    assert "Ocean eddies" in client.get(address).content.decode()
    assert client.post(address, {"answer": "accept"})["Location"] == project.get_absolute_url()
    assert project.members.contains(mila)
    assert page_of(mila).invitations == ()


def test_an_address_that_is_not_proved_sees_no_invitation(client: Client, lena: User) -> None:
    eve = factories.make_user("eve")
    project = factories.make_project(lead=lena, name="Ocean eddies")
    invitations.invite(to=project, email="eve@example.org", role="member", by=lena, at=clock.now())
    assert "Ocean eddies" not in shown(client, eve)


def test_the_newest_unread_notices_are_told(client: Client, mila: User) -> None:
    at = clock.now()
    for number in range(5):
        notices.notify(
            users=[mila], kind="project_resumed", params={"project": f"Project number {number}"}, url="",
            dedupe=f"test:{number}", at=at,
        )  # fmt: skip
    text = shown(client, mila)
    assert "5 unread notices" in text
    assert "Project number 4" in text
    assert "Project number 1" not in text


def test_projects_and_organisations_say_what_one_may_do_there(client: Client, mila: User) -> None:
    led = factories.make_project(lead=mila, name="Led")
    joined = factories.make_project(mila, name="Joined")
    Project.objects.filter(pk=joined.pk).update(suspended_at=clock.now(), suspension_reason="Looked into")
    factories.make_organisation(Organisation.Kind.OWNER, lead=mila, name="Nodes of Lyon")
    waiting = factories.make_organisation(Organisation.Kind.FUNDER, lead=mila, name="Fund of all")
    Organisation.objects.filter(pk=waiting.pk).update(verified_at=None)
    page = page_of(mila)
    assert [(one.name, one.state, one.can) for one in page.projects] == [
        (f"Sky of {mila.pk}", "", "Yours alone: book and run jobs."),
        ("Joined", "Suspended", "You are a member: book and run jobs."),
        ("Led", "", "You lead it: book, invite members, set roles and caps."),
    ]
    assert [(one.name, one.state) for one in page.organisations] == [
        ("Fund of all", "Waiting for a steward"),
        ("Nodes of Lyon", "Verified"),
    ]
    assert led.get_absolute_url() in shown(client, mila)


def test_only_stewards_see_their_queues(client: Client, mila: User) -> None:
    organisation = factories.make_organisation()
    Organisation.objects.filter(pk=organisation.pk).update(verified_at=None)
    assert "For you as steward" not in shown(client, mila)
    steward = factories.make_user("stella", is_steward=True)
    queues = page_of(steward).queues
    assert queues is not None
    assert (queues.applications, queues.organisations) == (0, 1)
    assert "For you as steward" in shown(client, steward)


def test_it_costs_at_most_eight_queries_however_much_there_is(client: Client, mila: User, node: Node) -> None:
    client.force_login(mila)
    client.get("/start/")  # what stands in the footer is cached from here on
    poor = _queries(client)
    at = clock.now()
    for number in range(3):
        lab = make_lab(name=f"Project {number}")
        ProjectMembership.objects.create(project=lab.project, user=mila, role="lead")
        factories.make_organisation(lead=mila)
        factories.make_slot(
            lab.project, [node.devices.all()[number % 2]], start=at + timedelta(hours=10 + 3 * number),
            end=at + timedelta(hours=12 + 3 * number), by=lab.member, at=at,
        )  # fmt: skip
    User.objects.filter(pk=mila.pk).update(is_steward=True)
    rich = _queries(client)
    assert len(poor) <= 8, "\n".join(poor)
    assert len(rich) == len(poor), "\n".join(rich)


def _queries(client: Client) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/start/").status_code == 200
    return [str(query["sql"])[:120] for query in queries.captured_queries]


def test_money_that_comes_later_pays_for_later(mila: User, node: Node) -> None:
    Grant.objects.all().delete()
    now = clock.now()
    begins = mark_after(now + timedelta(days=2))
    project = Project.objects.get(personal_to=mila)
    factories.make_grant(project, valid=between(begins, now + timedelta(days=90)))
    found = page_of(mila).soonest
    assert found is not None
    assert found.start == begins
