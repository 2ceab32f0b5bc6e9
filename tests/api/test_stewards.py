"""What stewards and leads of an organisation's share do on pages, done by programs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client

from accounts.models import (
    Announcement,
    Invitation,
    Notice,
    Organisation,
    OrganisationMembership,
    Project,
    StewardAct,
    User,
)
from common import clock
from reservations.models import Vertex
from reservations.services import shares
from tests import factories
from tests.api.test_writing import call
from tests.config.cast import make_secret
from tests.reservations.services.worlds import Lab, make_lab

pytestmark = pytest.mark.django_db


@pytest.fixture
def steward() -> User:
    return factories.give_second_factor(factories.make_user(is_steward=True))


@pytest.fixture
def lab() -> Lab:
    return make_lab()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    UserSession.objects.get_or_create(
        session_key=client.session.session_key,
        defaults={"user": user, "ip": "192.0.2.7", "user_agent": "Firefox"},
    )
    return client


# --- people ---
def test_a_steward_finds_a_person_and_reads_what_was_done(steward: User) -> None:
    grace = factories.make_user("grace")
    factories.make_user("otto")
    assert call(grace, "GET", "people").status_code == 404
    found = call(steward, "GET", "people?q=grac").json()["items"]
    assert [one["uid"] for one in found] == [str(grace.uid)]
    detail = call(steward, "GET", f"people/{grace.uid}").json()
    assert (detail["email"], detail["sessions"], detail["acts"]) == (grace.email, 0, [])
    assert call(grace, "GET", f"people/{grace.uid}").status_code == 404


def test_an_account_is_closed_and_opened_with_a_reason(steward: User) -> None:
    grace = factories.make_user()
    signed_in(grace)
    address = f"people/{grace.uid}"
    assert call(grace, "POST", f"{address}/close", {"reason": "x"}).status_code == 404
    assert call(steward, "POST", f"{address}/close", {}).json()["errors"][0]["pointer"] == "#/reason"
    closed = call(steward, "POST", f"{address}/close", {"reason": "Shared its password"}).json()
    assert (closed["is_open"], closed["sessions"]) == (False, 0)
    assert closed["acts"][0]["reason"] == "Shared its password"
    again = call(steward, "POST", f"{address}/close", {"reason": "x"})
    assert (again.status_code, again.json()["code"]) == (409, "steward_act_refused")
    assert call(steward, "POST", f"{address}/reopen", {"reason": "Talked"}).json()["is_open"] is True
    assert StewardAct.objects.filter(person=grace).count() == 2


def test_the_same_close_sent_twice_is_done_once(steward: User) -> None:
    grace = factories.make_user()
    send = {"Idempotency-Key": "close-grace"}
    first = call(steward, "POST", f"people/{grace.uid}/close", {"reason": "x"}, **send)
    second = call(steward, "POST", f"people/{grace.uid}/close", {"reason": "x"}, **send)
    assert (first.status_code, second.json()) == (200, first.json())
    assert second.headers["Idempotency-Replayed"] == "true"
    assert StewardAct.objects.count() == 1


def test_somebody_is_signed_out_everywhere(steward: User) -> None:
    grace = factories.make_user()
    signed_in(grace)
    address = f"people/{grace.uid}/end-sessions"
    assert call(steward, "POST", address, {"reason": "Lost laptop"}).json()["sessions"] == 0
    assert call(steward, "POST", address, {"reason": "Lost laptop"}).json()["code"] == "steward_act_refused"


def test_a_steward_without_a_second_factor_only_reads() -> None:
    steward, grace = factories.make_user(is_steward=True), factories.make_user()
    assert call(steward, "GET", f"people/{grace.uid}").status_code == 200
    for address in (f"people/{grace.uid}/close", f"people/{grace.uid}/end-sessions"):
        assert call(steward, "POST", address, {"reason": "x"}).status_code == 403
    assert call(steward, "POST", "mail/again").status_code == 403


def test_mail_that_was_given_up_is_tried_again(steward: User) -> None:
    grace, at = factories.make_user(), clock.now()
    Notice.objects.create(
        user=grace, kind="role_changed", params={}, dedupe="1", created_at=at, mail_due_at=at, mail="failed"
    )
    assert call(grace, "POST", "mail/again").status_code == 404
    assert call(steward, "POST", "mail/again").json() == {"mails": 1}
    assert call(steward, "POST", "mail/again").json() == {"mails": 0}


# --- announcements ---
def test_an_announcement_is_written_listed_and_ended(
    steward: User, django_capture_on_commit_callbacks: Any
) -> None:
    at = clock.now()
    said: dict[str, Any] = {
        "text_en": "Closed on Sunday.", "text_fr": "Fermé dimanche.", "level": "warning",
        "since": (at - timedelta(hours=1)).isoformat(), "until": (at + timedelta(days=1)).isoformat(),
    }  # fmt: skip
    assert call(None, "POST", "announcements", said).status_code == 401
    assert call(factories.make_user(), "POST", "announcements", said).status_code == 404
    made = call(steward, "POST", "announcements", said)
    assert (made.status_code, made.json()["texts"]["fr"]) == (201, "Fermé dimanche.")
    assert call(None, "GET", "announcements").json()["items"] == [made.json()]
    assert [one["uid"] for one in call(steward, "GET", "announcements/all").json()["items"]] == [
        made.json()["uid"]
    ]
    address = f"announcements/{made.json()['uid']}"
    assert call(factories.make_user(), "DELETE", address).status_code == 404
    with django_capture_on_commit_callbacks(execute=True):  # the page's cache is cleared then
        assert call(steward, "DELETE", address).status_code == 204
    assert call(None, "GET", "announcements").json()["items"] == []
    assert call(steward, "DELETE", address).json()["code"] == "steward_act_refused"


def test_an_announcement_needs_both_languages_and_a_time_to_come(steward: User) -> None:
    at = clock.now()
    said = {"text_en": "Closed.", "text_fr": " ", "level": "warning",
            "since": at.isoformat(), "until": (at + timedelta(days=1)).isoformat()}  # fmt: skip
    assert call(steward, "POST", "announcements", said).json()["errors"][0]["pointer"] == "#/text_fr"
    over = said | {"text_fr": "Fermé.", "until": (at - timedelta(days=1)).isoformat()}
    assert call(steward, "POST", "announcements", over).json()["code"] == "steward_act_refused"
    assert not Announcement.objects.exists()


# --- one's own sessions ---
def test_sessions_are_listed_and_ended_by_their_person() -> None:
    grace = factories.make_user()
    here, there = signed_in(grace), signed_in(grace)
    listed = here.get("/api/v1/me/sessions").json()["items"]
    assert [one["is_this_one"] for one in listed] == [True, False]
    other = listed[1]["session"]
    assert call(factories.make_user(), "DELETE", f"me/sessions/{other}").status_code == 404
    assert here.delete(f"/api/v1/me/sessions/{other}").status_code == 204
    assert there.get("/me/").status_code == 302
    assert here.get("/me/").status_code == 200


def test_all_others_end_and_a_token_ends_them_all() -> None:
    grace = factories.make_user()
    here, there = signed_in(grace), signed_in(grace)
    assert here.delete("/api/v1/me/sessions").status_code == 204
    assert (there.get("/me/").status_code, here.get("/me/").status_code) == (302, 200)
    secret = _secret(grace, "me")
    assert Client().get("/api/v1/me/sessions", headers=secret).json()["items"][0]["is_this_one"] is False
    assert Client().delete("/api/v1/me/sessions", headers=secret).status_code == 204
    assert here.get("/me/").status_code == 302


def _secret(user: User, *scopes: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {make_secret(user, *scopes)}"}


# --- an organisation's share ---
class Share:
    """A laboratory with an account, and its lead."""

    def __init__(self) -> None:
        self.lead, self.member = factories.make_user(), factories.make_user()
        self.organisation = factories.make_organisation(Organisation.Kind.LAB, lead=self.lead)
        OrganisationMembership.objects.create(organisation=self.organisation, user=self.member, role="member")
        root = Vertex.objects.filter(parent=None).first() or shares.create_root(name="All")
        self.account = shares.create_account(parent=root, name="Lab", shares=4)
        Vertex.objects.filter(pk=self.account.pk).update(organisation=self.organisation)
        self.address = f"organisations/{self.organisation.slug}/shares"

    def body(self, **changes: object) -> dict[str, object]:
        return {"account": self.account.pk, "name": "Below", "lead_email": "head@example.org"} | changes


def test_a_project_is_opened_in_a_share_by_its_lead_alone() -> None:
    share = Share()
    for who, status in ((None, 401), (factories.make_user(), 404), (share.member, 403)):
        assert call(who, "POST", share.address, share.body()).status_code == status
    made = call(share.lead, "POST", share.address, share.body(shares=2))
    assert made.status_code == 201
    opened = made.json()
    assert (opened["project"], opened["shares"], opened["of_account"], opened["invited"]) == (
        "below", 2, 1.0, ["head@example.org"]
    )  # fmt: skip
    assert call(share.lead, "GET", made.headers["Location"].removeprefix("/api/v1/")).json() == opened
    listed = call(share.lead, "GET", f"{share.address}?limit=1").json()
    assert [one["share"] for one in listed["items"]] == [share.account.pk]
    following = call(share.lead, "GET", listed["next"].removeprefix("/api/v1/")).json()
    assert following == {"items": [opened], "next": None}


def test_another_s_account_takes_no_project() -> None:
    share, other = Share(), make_lab()
    body = share.body(account=other.vertex.pk)
    assert call(share.lead, "POST", share.address, body).status_code == 404
    classed = share.body(project_class="student")
    refused = call(share.lead, "POST", share.address, classed)
    assert (refused.status_code, refused.json()["code"]) == (400, "class_refused")
    assert not Project.objects.filter(name="Below").exists()


def test_shares_are_parted_by_who_has_read_them() -> None:
    share = Share()
    opened = call(share.lead, "POST", share.address, share.body()).json()
    address = f"{share.address}/{opened['share']}"
    seen = call(share.lead, "GET", address).headers["ETag"]
    assert call(share.member, "PATCH", address, {"shares": 3}).status_code == 403
    assert call(share.lead, "PATCH", address, {"shares": 3}, **{"If-Match": seen}).json()["shares"] == 3
    late = call(share.lead, "PATCH", address, {"shares": 9}, **{"If-Match": seen})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    own = call(share.lead, "PATCH", f"{share.address}/{share.account.pk}", {"shares": 9})
    assert (own.status_code, own.json()["code"]) == (400, "share_refused")


def test_a_project_below_is_given_an_end_and_its_lead_invited_again() -> None:
    share = Share()
    opened = call(share.lead, "POST", share.address, share.body()).json()
    address = f"{share.address}/{opened['share']}"
    ends = (clock.now() + timedelta(days=30)).replace(microsecond=0)
    assert call(share.member, "POST", f"{address}/end", {"expires_at": ends.isoformat()}).status_code == 403
    told = call(share.lead, "POST", f"{address}/end", {"expires_at": ends.isoformat()}).json()
    assert (told["project"], told["cancelled_slots"]) == ("below", 0)
    assert Project.objects.get(slug="below").expires_at == ends
    its_account = f"{share.address}/{share.account.pk}/end"
    assert call(share.lead, "POST", its_account, {"expires_at": None}).status_code == 404
    Invitation.objects.update(created_at=clock.now() - timedelta(days=2))
    assert call(share.member, "POST", f"{address}/resend").status_code == 403
    assert call(share.lead, "POST", f"{address}/resend").json()["email"] == "head@example.org"


# --- a project's place ---
def test_a_steward_moves_a_project(lab: Lab, steward: User) -> None:
    root = Vertex.objects.get(parent=None)
    account = shares.create_account(parent=root, name="Universities", shares=3)
    address, body = f"projects/{lab.project.slug}/place", {"account": account.pk, "shares": 2, "reason": "R"}
    for who in (lab.member, lab.join("lead")):
        assert call(who, "POST", address, body).status_code == 404
    assert call(factories.make_user(is_steward=True), "POST", address, body).status_code == 403
    assert account.pk in [one["account"] for one in call(steward, "GET", "share-accounts").json()["items"]]
    moved = call(steward, "POST", address, body).json()
    assert (moved["account"], moved["path"], moved["shares"]) == (account.pk, "Universities", 2)
    assert moved["acts"][0]["reason"] == "All (1) → Universities (2). R"
    assert call(steward, "GET", address).json() == moved
    again = call(steward, "POST", address, body)
    assert (again.status_code, again.json()["code"]) == (400, "share_refused")


def test_an_invitation_is_sent_again_by_a_lead(lab: Lab) -> None:
    lead = lab.join("lead")
    address = f"projects/{lab.project.slug}/invitations"
    sent = call(lead, "POST", address, {"email": "new@example.org"}).json()
    early = call(lead, "POST", f"{address}/{sent['uid']}/resend")
    assert (early.status_code, early.json()["code"]) == (409, "invitation_refused")
    Invitation.objects.update(created_at=clock.now() - timedelta(days=2))
    assert call(lab.member, "POST", f"{address}/{sent['uid']}/resend").status_code == 403
    again = call(lead, "POST", f"{address}/{sent['uid']}/resend").json()
    assert (again["email"], again["state"]) == ("new@example.org", "open")
    assert again["uid"] != sent["uid"]


# --- an organisation's accounts ---
def test_a_steward_gives_an_organisation_an_account(steward: User) -> None:
    lead, member = factories.make_user(), factories.make_user()
    funder = factories.make_organisation("funder", lead=lead)
    OrganisationMembership.objects.create(organisation=funder, user=member, role="member")
    shares.create_root(name="All")
    address, body = f"organisations/{funder.slug}/accounts", {"name": "Agency", "shares": 4, "reason": "R"}
    for who, status in ((None, 401), (factories.make_user(), 404), (member, 404), (lead, 404)):
        assert call(who, "POST", address, body).status_code == status
    assert call(factories.make_user(is_steward=True), "POST", address, body).status_code == 403
    made = call(steward, "POST", address, body)
    assert (made.status_code, made.json()["path"], made.json()["of_all"]) == (201, "Agency", 1.0)
    assert call(steward, "GET", made.headers["Location"].removeprefix("/api/v1/")).json() == made.json()
    assert call(steward, "GET", address).json() == {"items": [made.json()], "next": None}
    assert [
        one["share"] for one in call(lead, "GET", f"organisations/{funder.slug}/shares").json()["items"]
    ] == [made.json()["account"]]
    again = call(steward, "POST", address, body)
    assert (again.status_code, again.json()["code"]) == (400, "share_refused")
    nowhere = call(steward, "POST", address, body | {"name": "New", "below": 2**60})
    assert nowhere.status_code == 404
    unsaid = call(steward, "POST", address, body | {"name": "New", "shares": None})
    assert unsaid.json()["errors"][0]["pointer"] == "#/shares"


def test_an_account_s_shares_are_changed_and_it_is_taken_back_by_stewards(steward: User) -> None:
    share = Share()
    address = f"organisations/{share.organisation.slug}/accounts/{share.account.pk}"
    seen = call(steward, "GET", address).headers["ETag"]
    body = {"shares": 7, "reason": "R"}
    assert call(share.lead, "PATCH", address, body).status_code == 404
    assert call(factories.make_user(is_steward=True), "PATCH", address, body).status_code == 403
    assert call(steward, "PATCH", address, {"shares": 7}).json()["errors"][0]["pointer"] == "#/reason"
    assert call(steward, "PATCH", address, body, **{"If-Match": seen}).json()["shares"] == 7
    late = call(steward, "PATCH", address, {"shares": 9, "reason": "R"}, **{"If-Match": seen})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert call(share.lead, "POST", f"{address}/take-back", {"reason": "R"}).status_code == 404
    assert call(steward, "POST", f"{address}/take-back", {"reason": "R"}).status_code == 204
    assert call(steward, "GET", address).status_code == 404
    assert call(steward, "POST", f"{address}/take-back", {"reason": "R"}).status_code == 404
    kept = StewardAct.objects.filter(organisation=share.organisation).order_by("id")
    assert [one.reason for one in kept] == ["Lab (4) → Lab (7). R", "Lab (7) → –. R"]
