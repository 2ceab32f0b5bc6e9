"""Tokens: made and shown once, limited to scopes, a project and a time, over when they should be."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiToken, ProjectMembership, User
from accounts.services import tokens
from common import clock
from nodes.models import Node
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node

ME = "/api/v1/me"
TOKENS = "/api/v1/me/tokens"


@pytest.fixture
def lab(db: None) -> Lab:
    return make_lab()


@pytest.fixture
def node(db: None) -> Node:
    return make_open_node()


def make(user: User, *scopes: str, **fields: Any) -> tuple[ApiToken, str]:
    at = clock.now()
    fields = {"name": "laptop", "project": None, "expires_at": at + timedelta(days=30)} | fields
    return tokens.create(user=user, scopes=scopes or ("read",), at=at, **fields)


def get(path: str, secret: str) -> Any:
    return Client().get(path, headers={"Authorization": f"Bearer {secret}"})


def post(path: str, body: dict[str, Any], secret: str) -> Any:
    return Client().post(
        path, body, content_type="application/json", headers={"Authorization": f"Bearer {secret}"}
    )


def test_it_is_shown_once_and_kept_as_a_hash(lab: Lab) -> None:
    _, own = make(lab.member, "tokens", "read")
    expires_at = (clock.now() + timedelta(days=7)).isoformat()
    made = post(TOKENS, {"name": "ci", "scopes": ["read"], "expires_at": expires_at}, own)
    assert made.status_code == 201
    secret = made.json()["token"]
    assert made.headers["Cache-Control"] == "no-store"
    shown = get(made.headers["Location"], own).json()
    assert shown == {name: value for name, value in made.json().items() if name != "token"}
    assert secret.startswith(shown["hint"])
    assert secret not in str(ApiToken.objects.filter(uid=shown["uid"]).values())
    assert get(ME, secret).json()["token"]["name"] == "ci"


def test_it_does_what_it_was_made_for_and_nothing_else(lab: Lab, node: Node) -> None:
    _, secret = make(lab.member, "read", "run")
    start = in_days(2)
    body = {
        "project": lab.project.slug, "devices": [str(node.devices.first().uid)],
        "start": start.isoformat(), "end": (start + timedelta(hours=2)).isoformat(),
    }  # fmt: skip
    refused = post("/api/v1/reservations", body, secret)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert "“book”" in refused.json()["detail"]
    assert "read, run" in refused.json()["detail"]
    assert refused.headers["WWW-Authenticate"].endswith('error="insufficient_scope", scope="book"')
    assert post("/api/v1/reservations/preview", body, secret).status_code == 200
    _, booker = make(lab.member, "book")
    assert post("/api/v1/reservations", body, booker).status_code == 201


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (lambda token: tokens.revoke(token=token, at=clock.now()), "token_revoked"),
        (lambda token: ApiToken.objects.update(expires_at=clock.now()), "token_expired"),
        (lambda token: User.objects.filter(pk=token.user_id).update(is_active=False), "token_over"),
        (lambda token: ApiToken.objects.all().delete(), "token_unknown"),
    ],
)
def test_it_is_refused_with_why_once_it_is_over(lab: Lab, end: Any, code: str) -> None:
    token, secret = make(lab.member)
    assert get(ME, secret).status_code == 200
    end(token)
    refused = get(ME, secret)
    assert (refused.status_code, refused.json()["code"]) == (401, code)
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="Equinode", error="invalid_token"'


@pytest.mark.parametrize("secret", ["", "eqn_", "eqn_" + "x" * 43, "x" * 10_000, "eqn_é" + "x" * 42])
def test_what_is_no_token_opens_nothing_not_even_what_is_public(db: None, secret: str) -> None:
    for path in (ME, "/api/v1/nodes"):
        refused = get(path, secret)
        assert (refused.status_code, refused.json()["code"]) == (401, "token_unknown")


def test_a_projects_token_reaches_that_project_alone(lab: Lab, node: Node) -> None:
    other = make_lab()
    ProjectMembership.objects.create(project=other.project, user=lab.member, role="lead")
    theirs = other.book([node.devices.first()], in_days(3))
    own = lab.book([node.devices.last()], in_days(3))
    _, secret = make(lab.member, "read", "book", project=lab.project)
    assert get(f"/api/v1/reservations/{own.uid}", secret).status_code == 200
    for path in (
        f"/api/v1/reservations/{theirs.uid}", f"/api/v1/projects/{other.project.slug}",
        f"/api/v1/decisions/{theirs.decision.uid}", f"/api/v1/reservations/{theirs.uid}/runs",
    ):  # fmt: skip
        assert get(path, secret).status_code == 404
    assert [one["uid"] for one in get("/api/v1/reservations", secret).json()["items"]] == [str(own.uid)]
    assert [one["slug"] for one in get("/api/v1/projects", secret).json()["items"]] == [lab.project.slug]
    assert [one["slug"] for one in get(ME, secret).json()["projects"]] == [lab.project.slug]


def test_a_projects_token_dies_with_the_membership(lab: Lab) -> None:
    lab.join("lead")
    _, secret = make(lab.member, "read", project=lab.project)
    _, personal = make(lab.member, "read")
    ProjectMembership.objects.get(project=lab.project, user=lab.member).delete()
    assert get(ME, secret).json()["code"] == "token_over"
    assert get(f"/api/v1/projects/{lab.project.slug}", personal).status_code == 404


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"scopes": ["read", "book"]}, "#/scopes"),
        ({"expires_in": timedelta(days=31)}, "#/expires_at"),
        ({"expires_in": timedelta(days=-1)}, "#/expires_at"),
        ({"scopes": ["everything"]}, "#/scopes/0"),
        ({"scopes": []}, "#/scopes"),
        ({"name": ""}, "#/name"),
    ],
)
def test_a_token_makes_none_that_may_more_or_lives_longer(lab: Lab, asked: Any, pointer: str) -> None:
    _, secret = make(lab.member, "tokens", "read")
    expires_at = clock.now() + asked.pop("expires_in", timedelta(days=1))
    body = {"name": "child", "scopes": ["read"], "expires_at": expires_at.isoformat()} | asked
    refused = post(TOKENS, body, secret)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == pointer
    assert ApiToken.objects.count() == 1


def test_a_projects_token_may_not_have_what_reaches_further(lab: Lab) -> None:
    client = Client()
    client.force_login(lab.member)
    body = {
        "name": "ci", "scopes": ["read", "tokens"], "project": lab.project.slug,
        "expires_at": (clock.now() + timedelta(days=1)).isoformat(),
    }  # fmt: skip
    refused = client.post(TOKENS, body, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (400, "token_refused")
    strange = client.post(
        TOKENS,
        body | {"scopes": ["read"], "project": make_lab().project.slug},
        content_type="application/json",
    )
    assert strange.status_code == 404


def test_somebody_elses_token_is_not_seen_or_revoked(lab: Lab) -> None:
    token, _ = make(lab.member)
    _, stranger = make(make_lab().member, "tokens")
    address = f"{TOKENS}/{token.uid}"
    assert get(address, stranger).status_code == 404
    headers = {"Authorization": f"Bearer {stranger}"}
    assert Client().delete(address, headers=headers).status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None


def test_it_costs_one_query_and_its_use_is_written_once_a_minute(lab: Lab) -> None:
    token, secret = make(lab.member)
    get("/api/v1/policy", secret)
    token.refresh_from_db()
    assert token.last_used_at is not None
    with CaptureQueriesContext(connection) as queries:
        assert get("/api/v1/policy", secret).status_code == 409  # none is in force in this test
    asked = [query["sql"] for query in queries if "accounts_" in query["sql"]]
    assert len(asked) == 1, asked


def test_it_is_never_logged(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    token, secret = make(lab.member)
    with caplog.at_level(logging.DEBUG):
        get("/api/v1/nothing", secret)
        get("/api/v1/me/tokens", secret)
        tokens.revoke(token=token, at=clock.now())
        get(ME, secret)
    assert secret not in caplog.text
    assert secret[4:] not in caplog.text


def test_it_needs_no_proof_of_a_page(lab: Lab) -> None:
    _, secret = make(lab.member, "me")
    answer = Client(enforce_csrf_checks=True).patch(
        ME, {"name": "Ada"}, content_type="application/json", headers={"Authorization": f"Bearer {secret}"}
    )
    assert (answer.status_code, answer.json()["name"]) == (200, "Ada")
