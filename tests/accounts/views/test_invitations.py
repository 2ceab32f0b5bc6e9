"""An invitation's page: for its addressee, and the same for everybody else as a link that never was."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.domain.invitations import LIFETIME
from accounts.models import Invitation, Project, User
from accounts.services import invitations
from common import clock
from tests import factories
from tests.accounts.services.test_invitations import ADDRESS, make_reachable

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(lena: User) -> Project:
    return factories.make_project(lead=lena, name="<script>alert(1)</script> {% now 'Y' %}")


@pytest.fixture
def grace(db: None) -> User:
    return make_reachable("grace")


@pytest.fixture
def secret(project: Project, lena: User) -> str:
    return invitations.invite(to=project, email=ADDRESS, role="member", by=lena, at=clock.now())[1]


def address(secret: str) -> str:
    return f"/invitations/{secret}/"


def test_a_stranger_signs_in_first_whether_or_not_the_link_is_known(client: Client, secret: str) -> None:
    for link in (secret, "unknown"):
        read, answered = client.get(address(link)), client.post(address(link))
        assert (read.status_code, answered.status_code) == (302, 302)
        assert read["Location"].startswith("/accounts/login/?next=/invitations/")
        assert answered["Location"].startswith("/accounts/login/")


def test_somebody_else_sees_the_same_as_for_an_unknown_link(
    client: Client, secret: str, mallory: User, lena: User
) -> None:
    for other in (mallory, lena):
        client.force_login(other)
        for method in (client.get, client.post):
            known, unknown = method(address(secret)), method(address("a" * 43))
            assert (known.status_code, unknown.status_code) == (404, 404)
            assert _body(known, secret) == _body(unknown, "a" * 43)
    assert Invitation.objects.get().accepted_at is None


def _body(answer: Any, link: str) -> str:
    """Without what differs on every page: the form token and the address itself."""
    lines = answer.content.decode().replace(link, "LINK").splitlines()
    return "\n".join(line for line in lines if "csrf" not in line and "<time" not in line)


def test_the_addressee_sees_what_it_is_for_and_accepts(
    client: Client, project: Project, secret: str, grace: User
) -> None:
    client.force_login(grace)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = client.get(address(secret))
    assert len(queries) <= 8
    text = page.content.decode()
    assert "Invitation to &lt;script&gt;alert(1)&lt;/script&gt; {% now &#x27;Y&#x27; %}" in text
    assert "<script>alert" not in text
    assert not project.memberships.filter(user=grace).exists()  # reading changes nothing
    answer = client.post(address(secret), {"answer": "accept"})
    assert (answer.status_code, answer["Location"]) == (302, f"/projects/{project.slug}/")
    assert project.memberships.get(user=grace).role == "member"


def test_the_addressee_may_decline(client: Client, project: Project, secret: str, grace: User) -> None:
    client.force_login(grace)
    answer = client.post(address(secret), {"answer": "decline"}, follow=True)
    assert f"You declined the invitation to {project.name}." in html.unescape(answer.content.decode())
    assert not project.memberships.filter(user=grace).exists()
    page = client.get(address(secret)).content.decode()
    assert "This invitation was declined." in page
    assert "withdrawn" not in page


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"accepted_at": clock.now()}, "This invitation was used."),
        ({"expires_at": clock.now() - timedelta(days=1)}, "This invitation expired on"),
        ({"revoked_at": clock.now(), "ending": "withdrawn"}, "This invitation was withdrawn."),
        ({"revoked_at": clock.now(), "ending": "declined"}, "This invitation was declined."),
        ({"revoked_at": clock.now(), "ending": "replaced"}, "A newer invitation took the place of this one."),
        ({"revoked_at": clock.now(), "ending": "sender_gone"}, "Who sent this invitation may no longer"),
    ],
)
def test_a_link_that_no_longer_works_says_why(
    client: Client, secret: str, grace: User, change: dict[str, Any], sentence: str
) -> None:
    Invitation.objects.update(**change)
    client.force_login(grace)
    page = client.get(address(secret))
    assert page.status_code == 200
    assert sentence in page.content.decode()
    refused = client.post(address(secret), {"answer": "accept"})
    assert refused.status_code == 409
    assert sentence in refused.content.decode()


def test_a_link_of_any_length_is_unknown(client: Client, grace: User) -> None:
    client.force_login(grace)
    for link in ("x", "%00", "é" * 400, "x" * 4000):
        assert client.get(address(link)).status_code == 404


def test_it_expires_as_the_page_said(client: Client, secret: str, grace: User) -> None:
    client.force_login(grace)
    page = client.get(address(secret)).context["page"]
    assert page.expires_at - page.sent_at == LIFETIME
