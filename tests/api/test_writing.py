"""What pages do, done by programs: as a stranger, as a member, as the right person."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts.models import Organisation, OrganisationMembership, ProjectMembership, User
from accounts.services import invitations
from accounts.services.mail import send_due
from common import clock
from nodes.models import Node
from reservations.models import Application, Vertex
from tests import factories
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node
from tests.reservations.views.running import Job

V1 = "/api/v1"


@pytest.fixture
def lab(db: None) -> Lab:
    return make_lab()


@pytest.fixture
def lead(lab: Lab) -> User:
    return lab.join("lead")


@pytest.fixture
def steward(db: None) -> User:
    steward = factories.make_user(is_steward=True)
    factories.give_second_factor(steward)
    return steward


def call(by: User | None, method: str, path: str, body: Any = None, **headers: str) -> Any:
    client = Client()
    if by is not None:
        client.force_login(by)
    return client.generic(
        method, f"{V1}/{path}", "" if body is None else json.dumps(body), content_type="application/json",
        headers=headers,
    )  # fmt: skip


def test_a_job_is_queued_by_who_booked_and_stopped_by_a_lead(lab: Lab, lead: User) -> None:
    node: Node = make_open_node()
    reservation = lab.book([node.devices.first()], in_days(1))
    address = f"reservations/{reservation.uid}/runs"
    job = {"script": "true", "bring_back": ["out/*"]}
    assert call(make_lab().member, "POST", address, job).status_code == 404
    assert call(lab.join(), "POST", address, job).json()["code"] == "not_a_keeper"
    made = call(lab.member, "POST", address, job)
    assert (made.status_code, made.json()["state"], made.json()["node"]) == (201, "queued", node.slug)
    assert call(lab.member, "GET", address).json()["items"] == [made.json()]
    run = f"runs/{made.json()['uid']}"
    assert call(lab.join(), "POST", f"{run}/stop").status_code == 403
    assert call(lead, "POST", f"{run}/stop").json()["state"] == "not_run"
    for change, pointer in (
        ({"script": 5}, "#/script"), ({"script": ["true"]}, "#/script"),
        ({"environment": {"SEED": 7}}, "#/environment/SEED"), ({"bring_back": [1]}, "#/bring_back/0"),
    ):  # fmt: skip
        fault = call(lab.member, "POST", address, job | change)
        (error,) = fault.json()["errors"]
        assert (fault.status_code, error["pointer"]) == (400, pointer)
        assert error["detail"] == "This is text: write it between quotation marks."
    fault = call(lab.member, "POST", address, job | {"script": " "})
    assert fault.json()["errors"][0]["pointer"] == "#/script"


def test_a_log_and_a_file_are_read_piece_by_piece(lab: Lab) -> None:
    job = Job(lab).start().print("one\n", "two\n").bring_back("out/a.csv", b"1,2,3\n").end()
    run = f"runs/{job.run.uid}"
    whole = call(lab.member, "GET", f"{run}/log")
    assert (whole.content, whole.headers["Log-Position"], whole.headers["Run-Over"]) == (
        b"one\ntwo\n", "2", "true",
    )  # fmt: skip
    assert call(lab.member, "GET", f"{run}/log?after=1").content == b"two\n"
    assert call(make_lab().member, "GET", f"{run}/log").status_code == 404
    (file,) = call(lab.member, "GET", f"{run}/files").json()["items"]
    path = file["url"].removeprefix(f"{V1}/")
    assert b"".join(call(lab.member, "GET", path).streaming_content) == b"1,2,3\n"
    rest = call(lab.member, "GET", path, Range="bytes=2-")
    assert (rest.status_code, rest.headers["Content-Range"]) == (206, "bytes 2-5/6")
    assert b"".join(rest.streaming_content) == b"2,3\n"
    other = call(lab.member, "GET", path, **{"Range": "bytes=2-", "If-Range": '"other"'})
    assert (other.status_code, b"".join(other.streaming_content)) == (200, b"1,2,3\n")


def test_members_are_changed_by_leads_and_leave_by_themselves(lab: Lab, lead: User) -> None:
    base, member = f"projects/{lab.project.slug}", lab.member
    address = f"{base}/members/{member.uid}"
    assert call(make_lab().member, "GET", f"{base}/members").status_code == 404
    assert len(call(member, "GET", f"{base}/members").json()["items"]) == 2
    assert call(member, "PATCH", address, {"role": "lead"}).status_code == 403
    tag = call(lead, "GET", address).headers["ETag"]
    changed = call(lead, "PATCH", address, {"monthly_cap": "12.50"}, **{"If-Match": tag})
    assert changed.json()["monthly_cap"] == "12.50"
    assert call(lead, "PATCH", address, {"role": "lead"}, **{"If-Match": tag}).status_code == 412
    assert call(lead, "POST", f"{base}/leave").json()["code"] == "last_lead"
    assert call(lead, "POST", f"{address}/hand-over").json()["role"] == "lead"
    assert call(lead, "POST", f"{base}/leave").status_code == 204
    assert call(lead, "GET", base).status_code == 404
    assert [one.user for one in ProjectMembership.objects.filter(project=lab.project)] == [member]


def test_an_invitation_is_sent_by_a_lead_and_accepted_by_its_addressee_alone(
    lab: Lab, lead: User, mallory: User
) -> None:
    address, body = f"projects/{lab.project.slug}/invitations", {"email": "grace@example.org"}
    assert call(lab.member, "POST", address, body).status_code == 403
    made = call(lead, "POST", address, body)
    assert (made.status_code, made.json()["state"]) == (201, "open")
    send_due(at=clock.now())
    assert mail.outbox[0].to == ["grace@example.org"]
    grace = factories.make_user("grace")
    EmailAddress.objects.create(user=grace, email=grace.email, verified=True, primary=True)
    _invitation, secret = invitations.resend(
        invitation=lab.project.invitations.get(), by=lead, at=clock.now() + timedelta(hours=1)
    )
    assert call(mallory, "GET", f"invitations/{secret}").status_code == 404
    assert call(mallory, "POST", f"invitations/{secret}").status_code == 404
    assert call(grace, "GET", f"invitations/{secret}").json()["project"] == lab.project.slug
    assert call(grace, "POST", f"invitations/{secret}").json()["state"] == "accepted"
    assert call(grace, "POST", f"invitations/{secret}/decline").status_code == 409
    assert call(grace, "GET", f"projects/{lab.project.slug}/members").status_code == 200


def test_a_project_is_described_and_closed_by_its_lead(lab: Lab, lead: User) -> None:
    make_open_node()
    address = f"projects/{lab.project.slug}"
    assert call(lab.member, "PATCH", address, {"name": "Mine"}).status_code == 403
    assert call(lead, "PATCH", address, {"name": "A\nB"}).json()["errors"][0]["code"] == "one_line"
    assert call(lead, "PATCH", address, {"name": "Folds"}).json()["name"] == "Folds"
    assert call(lab.member, "POST", f"{address}/close").status_code == 403
    assert call(lead, "POST", f"{address}/close").json() == {
        "project": lab.project.slug, "cancelled_slots": 0,
    }  # fmt: skip
    assert call(lead, "GET", address).json()["may_book"] is False


def test_an_application_is_answered_by_a_steward_with_a_second_factor(lab: Lab, steward: User) -> None:
    account = Vertex.objects.create(parent=Vertex.objects.get(parent=None), name="Universities", shares=5)
    Vertex.objects.filter(pk=account.pk).update(path=[account.pk])
    wish = {"name": "Folds", "wanted_class": "research", "purpose": "Proteins", "evidence": "ANR 1"}
    assert call(None, "POST", "applications", wish).status_code == 401
    made = call(lab.member, "POST", "applications", wish)
    assert made.status_code == 201
    own = f"applications/{made.json()['uid']}"
    granting = {"reply": "Welcome.", "granted_class": "research", "account": account.pk, "shares": 2}
    granting["class_expires_at"] = (clock.now() + timedelta(days=300)).isoformat()
    assert call(make_lab().member, "GET", own).status_code == 404
    assert call(lab.member, "POST", f"{own}/grant", granting).status_code == 404
    assert call(lab.member, "GET", "applications/queue").status_code == 404
    weak = factories.make_user(is_steward=True)
    assert call(weak, "POST", f"{own}/grant", granting).status_code == 403
    assert [one["uid"] for one in call(steward, "GET", "applications/queue").json()["items"]] == [
        made.json()["uid"]
    ]
    granted = call(steward, "POST", f"{own}/grant", granting)
    assert granted.json()["state"] == "granted", granted.content
    assert call(lab.member, "DELETE", own).status_code == 409
    assert Application.objects.get().project is not None


def test_an_organisation_is_registered_verified_and_gives_grants(lab: Lab, steward: User) -> None:
    body = {
        "name": "Fund for folds", "kind": "funder", "country": "FR", "website": "https://fund.example",
        "register": "ROR", "number": "1",
    }  # fmt: skip
    made = call(lab.member, "POST", "organisations", body)
    assert (made.status_code, made.json()["state"]) == (201, "waiting")
    address = f"organisations/{made.json()['slug']}"
    assert call(None, "GET", address).status_code == 404
    assert made.json()["slug"] not in call(None, "GET", "organisations").content.decode()
    at = clock.now()
    line: dict[str, Any] = {
        "name": "2027", "purpose": "Folds", "amount": "1000", "valid_from": at.isoformat(),
        "valid_until": (at + timedelta(days=300)).isoformat(),
    }  # fmt: skip
    assert call(lab.member, "POST", f"{address}/lines", line).status_code == 403
    assert call(lab.member, "POST", f"{address}/verify", {}).status_code == 404
    assert call(steward, "POST", f"{address}/verify", {}).json()["state"] == "verified"
    opened = call(lab.member, "POST", f"{address}/lines", line)
    assert (opened.status_code, opened.json()["left"]) == (201, "1000.000000")
    grant = line | {"amount": "400", "project": lab.project.slug, "line": opened.json()["uid"]}
    assert call(make_lab().member, "POST", f"{address}/grants", grant).status_code == 404
    given = call(lab.member, "POST", f"{address}/grants", grant)
    assert given.status_code == 201, given.content
    assert call(lab.member, "GET", f"{address}/lines").json()["items"][0]["left"] == "600.000000"
    over = call(lab.member, "POST", f"{address}/grants", grant | {"amount": "601"})
    assert (over.status_code, over.json()["code"]) == (409, "line_exhausted")
    closed = call(lab.member, "POST", f"{address}/lines/{opened.json()['uid']}/close")
    assert closed.json()["closed_at"] is not None
    assert Organisation.objects.get(slug=made.json()["slug"]).memberships.get().user == lab.member


def test_colleagues_belong_to_an_organisation(lab: Lab) -> None:
    boss, colleague = factories.make_user(), factories.make_user()
    organisation = factories.make_organisation(lead=boss)
    OrganisationMembership.objects.create(organisation=organisation, user=colleague, role="member")
    base = f"organisations/{organisation.slug}"
    assert call(lab.member, "GET", f"{base}/members").status_code == 404
    assert call(colleague, "DELETE", f"{base}/members/{boss.uid}").status_code == 403
    assert call(colleague, "GET", f"{base}/members/{boss.uid}").json()["role"] == "lead"
    assert call(boss, "PATCH", f"{base}/members/{colleague.uid}", {"role": "lead"}).json()["role"] == "lead"
    assert call(boss, "DELETE", f"{base}/members/{colleague.uid}").status_code == 204
    assert call(boss, "POST", f"{base}/leave").json()["code"] == "last_lead"


def test_a_steward_suspends_a_project_and_lets_it_go_on(lab: Lab, steward: User) -> None:
    make_open_node()
    base = f"projects/{lab.project.slug}"
    assert call(lab.member, "POST", f"{base}/suspend", {"reason": "x"}).status_code == 404
    held = call(steward, "POST", f"{base}/suspend", {"reason": "Mining."})
    assert held.json()["suspension_reason"] == "Mining."
    assert call(lab.member, "GET", base).json()["may_book"] is False
    assert call(steward, "POST", f"{base}/resume").json()["suspended_at"] is None
    ends = (clock.now() + timedelta(days=9)).isoformat()
    assert call(steward, "POST", f"{base}/end", {"expires_at": ends}).json()["expires_at"] is not None


def test_notices_are_ones_own_and_read_once(lab: Lab, mallory: User) -> None:
    expires_at = (clock.now() + timedelta(days=7)).isoformat()
    call(lab.member, "POST", "me/tokens", {"name": "ci", "scopes": ["read"], "expires_at": expires_at})
    (notice,) = call(lab.member, "GET", "me/notices?unread=true").json()["items"]
    assert notice["kind"] == "token_created"
    assert call(mallory, "POST", f"me/notices/{notice['uid']}/read").status_code == 404
    assert call(lab.member, "POST", f"me/notices/{notice['uid']}/read").json()["read_at"]
    assert call(lab.member, "POST", "me/notices/read").json() == {"read": 0}
    wanted = {"by_mail": {"token_created": False}}
    assert (
        call(lab.member, "PATCH", "me/notices/preferences", wanted).json()["by_mail"]["token_created"]
        is False
    )
    unknown = call(lab.member, "PATCH", "me/notices/preferences", {"by_mail": {"x": True}})
    assert unknown.json()["errors"][0]["pointer"] == "#/by_mail/x"


def test_own_data_are_for_a_token_since_a_session_may_stand_open(lab: Lab) -> None:
    assert call(lab.member, "GET", "me/export").status_code == 403


def test_an_address_that_leads_nowhere_is_a_problem_and_not_a_page(db: None) -> None:
    for path in ("nothing", "nodes/a%0Ab", "reservations/1/2/3"):
        answer = call(None, "GET", path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
