"""An organisation's accounts in the share tree, as everybody who might come there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import (
    ClassGrant,
    Invitation,
    Notice,
    Organisation,
    OrganisationMembership,
    Project,
    User,
)
from accounts.services import invitations, members
from common import clock
from common.access import NotAllowed
from reservations.models import Vertex
from reservations.selectors.inside import Lapsed, shares_page
from reservations.services import inside, shares
from tests import factories
from tests.races import one_after_the_other
from tests.reservations.services.worlds import in_days

pytestmark = pytest.mark.django_db
NASTY = "<b onclick=alert(1)>Bats</b> {{ 7|add:7 }}"


@dataclass(frozen=True)
class Funder:
    organisation: Organisation
    lead: User
    member: User
    outsider: User
    steward: User
    account: Vertex  # 30 of 40 shares of everything
    project: Project  # 1 of 4 shares of the account
    other: Vertex

    @property
    def address(self) -> str:
        return f"/organisations/{self.organisation.slug}/shares/"

    def signed_in(self, who: str) -> Client:
        client = Client()
        if who != "stranger":
            client.force_login(getattr(self, who))
        return client

    def statuses(self, method: str, address: str, data: dict[str, Any] | None = None) -> dict[str, int]:
        everybody = ("stranger", "outsider", "steward", "member", "lead")
        return {
            who: getattr(self.signed_in(who), method)(address, data or {}).status_code for who in everybody
        }

    def typed(self, **fields: Any) -> dict[str, Any]:
        return {
            "account": str(self.account.pk), "name": "Bats of Brittany", "summary": "", "shares": "4",
            "lead_email": "grace@example.org", "project_class": "independent", "class_expires_at": "",
            "reason": "",
        } | fields  # fmt: skip


@pytest.fixture
def funder(db: None) -> Funder:
    return make_funder()


def make_funder(kind: str = "funder") -> Funder:
    lead, member = factories.make_user("leo"), factories.make_user("mila")
    EmailAddress.objects.create(user=lead, email=lead.email, verified=True, primary=True)
    organisation = factories.make_organisation(kind, lead=lead)
    OrganisationMembership.objects.create(organisation=organisation, user=member)
    root = shares.create_root(name="All")
    account = shares.create_account(parent=root, name="Programme", shares=30)
    Vertex.objects.filter(pk=account.pk).update(organisation=organisation)
    account.refresh_from_db()
    elsewhere = shares.create_account(parent=root, name="Elsewhere", shares=10)
    project = factories.make_project(lead=factories.make_user("pia"), name="Atlas")
    shares.create_project_vertex(parent=account, project=project, shares=1)
    shares.create_project_vertex(parent=account, project=factories.make_project(), shares=3)
    other = shares.create_project_vertex(parent=elsewhere, project=factories.make_project(), shares=5)
    outsider = factories.make_user("otto")
    factories.make_organisation("lab", lead=outsider)
    steward = factories.give_second_factor(factories.make_user("stella", is_steward=True))
    return Funder(organisation, lead, member, outsider, steward, account, project, other)


def only(lead: int) -> dict[str, int]:
    return {"stranger": 302, "outsider": 404, "steward": 404, "member": 403, "lead": lead}


# --- who may come ---
def test_only_leads_of_the_organisation_see_and_part_its_share(funder: Funder) -> None:
    vertex = funder.project.vertex
    assert funder.statuses("get", funder.address) == only(200)
    assert funder.statuses("post", funder.address, funder.typed()) == only(302)
    assert funder.statuses("get", f"{funder.address}{vertex.pk}/") == only(200)
    assert funder.statuses("post", f"{funder.address}{vertex.pk}/", {"shares": "9"}) == only(302)
    end = {"ends": f"{in_days(9):%Y-%m-%d}"}
    assert funder.statuses("post", f"{funder.address}{vertex.pk}/end/", end) == only(302)
    vertex.refresh_from_db()
    funder.project.refresh_from_db()
    assert vertex.shares == 9
    assert funder.project.expires_at is not None


def test_what_stands_elsewhere_is_not_found(funder: Funder) -> None:
    client = funder.signed_in("lead")
    for rest in ("", "end/", "resend/"):
        assert client.post(f"{funder.address}{funder.other.pk}/{rest}", {"shares": "9"}).status_code == 404
    answer = client.post(funder.address, funder.typed(account=str(funder.other.parent_id)))
    assert answer.status_code == 400
    with pytest.raises(NotAllowed):
        inside.change_shares(organisation=funder.organisation, vertex=funder.other, count=9, by=funder.lead)


def test_an_organisation_that_is_not_verified_changes_nothing(funder: Funder) -> None:
    Organisation.objects.update(verified_at=None)
    client = funder.signed_in("lead")
    assert "has not verified this organisation yet" in client.get(funder.address).content.decode()
    for address, data in (
        (funder.address, funder.typed()), (f"{funder.address}{funder.project.vertex.pk}/", {"shares": "9"}),
    ):  # fmt: skip
        assert client.post(address, data).status_code == 403
    assert not Project.objects.filter(name="Bats of Brittany").exists()


# --- parts ---
def test_every_part_is_said_and_they_add_up(funder: Funder) -> None:
    rows = shares_page(organisation=funder.organisation, at=clock.now()).rows
    told = {row.name: (row.of_account, row.of_all) for row in rows}
    assert told["Programme"] == (0.75, 0.75)
    assert told["Atlas"] == (0.25, 0.1875)
    assert sum(row.of_account or 0 for row in rows if row.is_project) == 1
    assert [row.depth for row in rows] == [0, 1, 1]


def test_the_account_s_own_shares_are_the_steward_s(funder: Funder) -> None:
    client = funder.signed_in("lead")
    answer = client.post(f"{funder.address}{funder.account.pk}/", {"shares": "99"})
    assert answer.status_code == 400
    assert "is set by stewards" in answer.content.decode()
    assert client.post(f"{funder.address}{funder.project.vertex.pk}/", {"shares": "-1"}).status_code == 400
    assert client.post(f"{funder.address}{funder.account.pk}/end/", {"ends": ""}).status_code == 404


# --- opening ---
def test_a_project_opened_inside_waits_for_the_lead_who_is_invited(funder: Funder) -> None:
    funder.signed_in("lead").post(funder.address, funder.typed(lead_email="Grace@example.org"))
    project = Project.objects.get(name="Bats of Brittany")
    assert (project.vertex.parent, project.vertex.shares) == (funder.account, 4)
    assert (project.organisation, project.project_class) == (funder.organisation, "independent")
    assert not project.memberships.exists()
    invitation = Invitation.objects.get()
    assert (invitation.project, invitation.role, invitation.invited_by) == (project, "lead", funder.lead)
    assert "Grace@example.org is invited" in funder.signed_in("lead").get(funder.address).content.decode()


@pytest.mark.django_db(transaction=True)
def test_what_a_lead_sends_in_the_moment_of_being_removed_is_passed_on() -> None:
    """Else it would stand in the name of somebody who leads nothing, and nobody could send it again."""
    world = make_funder()
    other = factories.make_user("other")
    factories.lead(world.organisation, other)

    def open_it() -> Project:
        return inside.open_inside(
            organisation=world.organisation, account=world.account, name="Owls", summary="",
            shares_among_siblings=1, project_class="independent", class_expires_at=None, reason="",
            lead_email="grace@example.org", by=world.lead, at=clock.now(),
        )  # fmt: skip

    def remove() -> None:
        members.remove(of=world.organisation, member=world.lead, by=other, at=clock.now())

    answers = one_after_the_other(open_it, remove, held_up_at=Vertex)
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert Invitation.objects.get(project__name="Owls").invited_by == other


def test_a_lead_who_gives_their_own_address_leads_at_once(funder: Funder) -> None:
    funder.signed_in("lead").post(funder.address, funder.typed(lead_email=funder.lead.email.upper()))
    project = Project.objects.get(name="Bats of Brittany")
    assert project.memberships.get().user == funder.lead
    assert not Invitation.objects.exists()


def test_the_invitation_is_sent_again_by_who_sent_it(funder: Funder) -> None:
    project = inside.open_inside(
        organisation=funder.organisation, account=funder.account, name="Owls", summary="",
        shares_among_siblings=1, project_class="independent", class_expires_at=None, reason="",
        lead_email="grace@example.org", by=funder.lead, at=clock.now() - timedelta(hours=1),
    )  # fmt: skip
    address = f"{funder.address}{project.vertex.pk}/resend/"
    assert funder.statuses("post", address) == only(302)
    assert Invitation.objects.filter(revoked_at=None).count() == 1
    answer = funder.signed_in("lead").post(address)
    assert answer.status_code == 409
    assert "A mail went out at" in answer.content.decode()
    with pytest.raises(NotAllowed):  # nor has the lead of an account any right inside the project
        invitations.invite(to=project, email="x@example.org", role="member", by=funder.lead, at=clock.now())


def test_what_is_sent_again_is_the_invitation_to_lead_and_no_other(funder: Funder) -> None:
    client = funder.signed_in("lead")
    client.post(funder.address, funder.typed(lead_email=funder.lead.email))
    project = Project.objects.get(name="Bats of Brittany")
    for name in ("ned", "zoe"):
        invitations.invite(
            to=project, email=f"{name}@example.org", role="member", by=funder.lead,
            at=clock.now() - timedelta(hours=1),
        )  # fmt: skip
    assert client.post(f"{funder.address}{project.vertex.pk}/resend/").status_code == 409
    assert Invitation.objects.unanswered().filter(role="member").count() == Invitation.objects.count() == 2


def test_a_funder_vouches_for_a_class_with_a_reason_and_an_end(funder: Funder) -> None:
    client = funder.signed_in("lead")
    answer = client.post(funder.address, funder.typed(project_class="citizen"))
    assert answer.status_code == 400
    assert not Project.objects.filter(name="Bats of Brittany").exists()
    data = funder.typed(
        project_class="citizen", class_expires_at=f"{in_days(200):%Y-%m-%d}", reason="Call 2026, line 7"
    )
    assert client.post(funder.address, data).status_code == 302
    kept = ClassGrant.objects.get()
    assert (kept.project_class, kept.on_behalf_of, kept.given_by) == (
        "citizen", funder.organisation, funder.lead,
    )  # fmt: skip


@pytest.mark.parametrize(("kind", "offered"), [("owner", 1), ("operator", 1), ("lab", 3), ("funder", 7)])
def test_the_kind_decides_which_classes_are_offered(kind: str, offered: int) -> None:
    funder = make_funder(kind)
    client = funder.signed_in("lead")
    form = client.get(funder.address).context["form"]
    assert len(form.fields["project_class"].choices) == offered
    if offered < 7:
        answer = client.post(funder.address, funder.typed(project_class="industry", reason="We say so"))
        assert answer.status_code == 400


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Bats\r\nBcc: eve@x.org"},
        {"name": ""},
        {"lead_email": "no address"},
        {"shares": "x"},
        {"account": "1"},
    ],
)
def test_what_is_wrong_is_said_in_place_and_nothing_is_opened(funder: Funder, change: dict[str, str]) -> None:
    if change.get("account") == "1":
        change = {"account": str(funder.project.vertex.pk)}  # a project is no account
    before = Project.objects.count()
    assert funder.signed_in("lead").post(funder.address, funder.typed(**change)).status_code == 400
    assert Project.objects.count() == before


def test_names_are_shown_as_text(funder: Funder) -> None:
    client = funder.signed_in("lead")
    client.post(funder.address, funder.typed(name=NASTY))
    pk = Vertex.objects.get(name=NASTY).pk
    for address in (funder.address, f"{funder.address}{pk}/"):
        text = client.get(address).content.decode()
        assert "&lt;b onclick=alert(1)&gt;Bats&lt;/b&gt; {{ 7|add:7 }}" in text
        assert "<b onclick" not in text


def test_an_end_is_asked_about_first(funder: Funder) -> None:
    client, address = funder.signed_in("lead"), f"{funder.address}{funder.project.vertex.pk}/"
    text = client.get(address, {"ends": f"{in_days(9):%Y-%m-%d}"}).content.decode()
    assert "The project would end on" in text
    assert "No slot is cancelled." in text
    assert client.post(f"{address}end/", {"ends": "2020-01-01"}).status_code == 409


def test_the_queries_do_not_grow_with_the_tree(funder: Funder) -> None:
    for number in range(6):
        account = shares.create_account(parent=funder.account, name=f"Account {number}", shares=1)
        project = factories.make_project(lead=factories.make_user())
        shares.create_project_vertex(parent=account, project=project, shares=1)
    client = funder.signed_in("lead")
    for address in (funder.address, f"{funder.address}{funder.project.vertex.pk}/"):
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        seen = [query["sql"][:90] for query in queries if "django_session" not in query["sql"]]
        assert len(seen) <= 8, (address, seen)


# --- a project without a lead ---
def opened(funder: Funder, email: str = "grace@example.org") -> Project:
    """Below the account, with its invitation sent an hour ago."""
    return inside.open_inside(
        organisation=funder.organisation, account=funder.account, name="Owls", summary="",
        shares_among_siblings=1, project_class="independent", class_expires_at=None, reason="",
        lead_email=email, by=funder.lead, at=clock.now() - timedelta(hours=1),
    )  # fmt: skip


def make_grace() -> User:
    grace = factories.make_user("grace")
    EmailAddress.objects.create(user=grace, email=grace.email, verified=True, primary=True)
    return grace


def decline(project: Project) -> None:
    invitation = Invitation.objects.get(project=project, revoked_at=None)
    invitations.decline(secret=str(invitation.uid), user=make_grace(), at=clock.now())


def test_only_leads_of_the_organisation_find_another_lead(funder: Funder) -> None:
    project = opened(funder)
    decline(project)
    address = f"{funder.address}{project.vertex.pk}/"
    page = funder.signed_in("lead").get(address).content.decode()
    assert "grace@example.org declined on" in page
    assert funder.statuses("post", f"{address}invite/", {"email": "ida@example.org"}) == only(302)
    newest = Invitation.objects.get(email="ida@example.org")
    assert (newest.project, newest.role, newest.invited_by) == (project, "lead", funder.lead)
    page = funder.signed_in("lead").get(address).content.decode()
    assert "ida@example.org is invited to lead it, may answer until" in page
    assert "Can be sent again at" in page
    assert funder.statuses("post", f"{address}withdraw/") == only(302)
    newest.refresh_from_db()
    assert newest.ending == Invitation.Ending.WITHDRAWN
    assert "The invitation to ida@example.org was withdrawn" in (
        funder.signed_in("lead").get(address).content.decode()
    )
    assert "no lead" in funder.signed_in("lead").get(funder.address).content.decode()


def test_who_declined_may_be_asked_once_more_and_who_did_not_answer_too(funder: Funder) -> None:
    client, project = funder.signed_in("lead"), opened(funder)
    address = f"{funder.address}{project.vertex.pk}/"
    decline(project)
    assert client.post(f"{address}invite/", {"email": "grace@example.org"}).status_code == 302
    assert Invitation.objects.filter(email="grace@example.org").unanswered().count() == 1
    long_ago = clock.now() - timedelta(days=20)
    Invitation.objects.update(created_at=long_ago - timedelta(days=1))
    Invitation.objects.unanswered().update(created_at=long_ago, expires_at=long_ago + timedelta(days=14))
    assert "grace@example.org did not answer: the invitation expired on" in (
        client.get(address).content.decode()
    )
    _require_told_as_expired(funder, project)
    assert client.post(f"{address}invite/", {"email": "ida@example.org"}).status_code == 302
    assert [one.email for one in Invitation.objects.unanswered()] == ["ida@example.org"]


def _require_told_as_expired(funder: Funder, project: Project) -> None:
    """In the list of shares, too: with the day, and that nobody leads it."""
    row = next(
        row
        for row in shares_page(organisation=funder.organisation, at=clock.now()).rows
        if row.slug == project.slug
    )
    expired_at = Invitation.objects.unanswered().get().expires_at
    assert (row.invited, row.is_led_by_nobody) == ((), True)
    assert row.lapsed == (Lapsed("grace@example.org", expired_at),)
    page = funder.signed_in("lead").get(funder.address).content.decode()
    assert "grace@example.org did not answer: expired on" in page
    assert "grace@example.org is invited" not in page
    assert "no lead" in page


def test_with_their_own_address_the_lead_of_the_account_leads_it(funder: Funder) -> None:
    client, project = funder.signed_in("lead"), opened(funder)
    decline(project)
    answer = client.post(
        f"{funder.address}{project.vertex.pk}/invite/", {"email": funder.lead.email.upper()}, follow=True
    )
    assert "You lead Owls now." in answer.content.decode()
    assert (project.memberships.get().user, project.memberships.get().role) == (funder.lead, "lead")


def test_a_refusal_says_why_nobody_is_invited(funder: Funder) -> None:
    client, project = funder.signed_in("lead"), opened(funder)
    address = f"{funder.address}{project.vertex.pk}/"

    def refused(rest: str, email: str = "ida@example.org", status: int = 409) -> str:
        answer = client.post(f"{address}{rest}/", {"email": email})
        assert answer.status_code == status
        return answer.content.decode()

    assert "grace@example.org is invited to lead Owls until" in refused("invite")
    decline(project)
    assert "Write the address of who is to lead it." in refused("invite", email="", status=400)
    assert "Nobody is invited to lead Owls." in refused("withdraw")
    assert "Nobody is invited to lead Owls." in refused("resend")
    Project.objects.filter(pk=project.pk).update(expires_at=clock.now())
    assert "Owls ended on" in refused("invite")
    Project.objects.filter(pk=project.pk).update(expires_at=None)
    project.memberships.create(user=factories.make_user("pam"), role="lead")
    for rest in ("invite", "withdraw", "resend"):
        assert "leads Owls, and invites whom it takes." in refused(rest)
    assert not Invitation.objects.unanswered().exists()


def test_a_project_that_others_opened_is_theirs_to_find_a_lead_for(funder: Funder) -> None:
    client, project = funder.signed_in("lead"), opened(funder)
    decline(project)
    Project.objects.filter(pk=project.pk).update(organisation=factories.make_organisation("lab"))
    address = f"{funder.address}{project.vertex.pk}/"
    assert "did not open this project" in client.get(address).content.decode()
    assert client.post(f"{address}invite/", {"email": "ida@example.org"}).status_code == 403


def test_another_lead_of_the_organisation_sends_it_again_and_takes_it_back(funder: Funder) -> None:
    colleague = factories.make_user("cora")
    OrganisationMembership.objects.create(organisation=funder.organisation, user=colleague, role="lead")
    project, client = opened(funder), Client()
    client.force_login(colleague)
    address = f"{funder.address}{project.vertex.pk}/"
    assert client.post(f"{address}resend/").status_code == 302
    assert Invitation.objects.unanswered().get().invited_by == colleague
    assert client.post(f"{address}withdraw/").status_code == 302
    assert not Invitation.objects.unanswered().exists()


def test_who_had_it_opened_is_told_the_answer_where_they_can_act(funder: Funder) -> None:
    project = opened(funder)
    decline(project)
    told = Notice.objects.get(user=funder.lead, kind="invitation_answered")
    assert told.url == funder.address
    assert funder.signed_in("lead").get(told.url).status_code == 200


def test_a_program_finds_another_lead_as_the_page_does(funder: Funder) -> None:
    project = opened(funder)
    decline(project)
    client = funder.signed_in("lead")
    address = f"/api/v1{funder.address}{project.vertex.pk}/invitation"
    assert client.get(address).json()["state"] == "declined"
    answer = client.post(address, {"email": "ida@example.org"}, content_type="application/json")
    assert answer.status_code == 201
    assert (answer.json()["email"], answer.json()["state"]) == ("ida@example.org", "open")
    again = client.post(address, {"email": "ira@example.org"}, content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "invitation_refused")
    assert again.json()["errors"][0]["pointer"] == "#/email"
    assert client.delete(address).status_code == 204
    assert client.get(address).json() | {"sent_at": "", "expires_at": ""} == {
        "leads": [], "email": "ida@example.org", "state": "withdrawn", "sent_at": "", "expires_at": "",
    }  # fmt: skip
    for who, status in (("outsider", 404), ("steward", 404), ("member", 403)):
        assert funder.signed_in(who).delete(address).status_code == status
    assert funder.signed_in("stranger").get(address).status_code == 401
