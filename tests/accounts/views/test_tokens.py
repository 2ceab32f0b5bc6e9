"""The page of one's tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiToken, User
from accounts.services import create_person, tokens
from accounts.services.house_rules import accept_house_rules
from common import clock
from tests import factories


@pytest.fixture
def client(ada: User) -> Client:
    client = Client()
    client.force_login(ada)
    return client


def test_the_secret_is_in_the_answer_and_in_no_page_after_it(client: Client, ada: User) -> None:
    filled = {"name": "laptop", "project": "", "scopes": ["read", "book"], "days": "30"}
    made = client.post("/me/tokens/", filled)
    token = ApiToken.objects.get()
    secret = made.context["secret"]
    assert secret in made.content.decode()
    assert "no-store" in made.headers["Cache-Control"]
    assert tokens.recognise(secret=secret, at=clock.now()) == token
    assert (token.user, token.scopes, token.project) == (ada, ["read", "book"], None)
    page = client.get("/me/tokens/").content.decode()
    assert secret not in page
    assert token.hint in page


def test_a_form_that_is_refused_keeps_what_was_chosen(client: Client) -> None:
    refused = client.post("/me/tokens/", {"name": "ci", "project": "", "days": "7"})
    assert refused.status_code == 400
    assert "Choose what the token may do." in refused.content.decode()
    assert not ApiToken.objects.exists()


def test_a_projects_token_that_would_reach_further_is_refused_with_why(client: Client, ada: User) -> None:
    project = factories.make_project(ada, lead=factories.make_user())
    filled = {"name": "ci", "project": project.slug, "scopes": ["read", "me"], "days": "7"}
    refused = client.post("/me/tokens/", filled)
    assert refused.status_code == 400
    assert "cannot have the scope “me”" in refused.content.decode()


def test_revoking_is_for_its_holder(client: Client, ada: User, mallory: User) -> None:
    at = clock.now()
    token, _ = tokens.create(
        user=ada, name="ci", scopes=["read"], project=None, expires_at=at + timedelta(days=1), at=at
    )
    address = f"/me/tokens/{token.uid}/revoke/"
    stranger = Client()
    assert stranger.post(address).status_code == 302
    stranger.force_login(mallory)
    assert stranger.post(address).status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None
    assert client.post(address).headers["Location"] == "/me/tokens/"
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_it_takes_the_same_queries_however_many_tokens(client: Client, ada: User) -> None:
    at = clock.now()

    def queries() -> int:
        tokens.create(
            user=ada, name="ci", scopes=["read"], project=None, expires_at=at + timedelta(days=1), at=at
        )
        with CaptureQueriesContext(connection) as found:
            assert client.get("/me/tokens/").status_code == 200
        return len(found)

    queries()
    assert queries() == queries()


def test_whoever_makes_a_token_is_told_in_the_inbox(client: Client, ada: User) -> None:
    client.post("/me/tokens/", {"name": "laptop", "project": "", "scopes": ["read"], "days": "30"})
    assert ada.notices.get().kind == "token_created"


def test_a_link_proposes_no_scope_that_reaches_beyond_projects(client: Client) -> None:
    page = client.get("/me/tokens/?name=cli&scopes=read&scopes=steward&scopes=tokens").context["form"]
    assert page.initial == {"name": "cli", "scopes": ["read"]}


# --- what reaches a whole account -----------------------------------------------------------------
WIDE = ["me", "notices", "organisations", "grants", "tokens", "steward"]
EVE, PASSWORD = "eve@example.org", "correct horse battery"


@pytest.fixture
def open_browser(db: None) -> Client:
    """Signed in some time ago, and left open."""
    create_person(email=EVE, password=PASSWORD, name="Eve")
    User.objects.filter(email=EVE).update(is_steward=True)
    client = Client()
    client.post("/accounts/login/", {"login": EVE, "password": PASSWORD})
    accept_house_rules(user=User.objects.get(email=EVE), version=1, at=clock.now())
    return client


def wish(*wanted: str) -> dict[str, Any]:
    return {"name": "mine", "project": "", "scopes": ["read", *wanted], "days": "7"}


@pytest.mark.parametrize("scope", WIDE)
def test_an_open_browser_makes_no_token_for_more_than_projects(open_browser: Client, scope: str) -> None:
    answer = open_browser.post("/me/tokens/", wish(scope))
    assert answer["Location"] == "/accounts/reauthenticate/?next=%2Fme%2Ftokens%2F"
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("scope", WIDE)
def test_nor_does_it_through_the_api(open_browser: Client, scope: str) -> None:
    body = {"name": "mine", "scopes": ["read", scope], "expires_at": clock.now() + timedelta(days=1)}
    refused = open_browser.post("/api/v1/me/tokens", body, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "reauthentication_required")
    assert refused.json()["url"] == "/accounts/reauthenticate/?next=/me/tokens/"
    assert not ApiToken.objects.exists()


def test_what_stays_within_projects_is_made_without_asking(open_browser: Client) -> None:
    assert open_browser.post("/me/tokens/", wish("book", "run", "projects")).status_code == 200
    assert ApiToken.objects.get().scopes == ["read", "book", "run", "projects"]


def test_the_password_makes_the_token_that_was_asked_for(open_browser: Client) -> None:
    asked = open_browser.post("/me/tokens/", wish("me"))
    address = asked["Location"]
    wrong = open_browser.post(address, {"password": "wrong", "next": "/me/tokens/"})
    assert wrong.status_code == 200
    assert not ApiToken.objects.exists()
    made = open_browser.post(address, {"password": PASSWORD, "next": "/me/tokens/"})
    assert made.status_code == 200
    assert ApiToken.objects.get().scopes == ["read", "me"]
    assert made.context["secret"] in made.content.decode()
    assert "no-store" in made.headers["Cache-Control"]
    # Another one goes there, not to the page of the password.
    assert 'action="/me/tokens/"' in made.content.decode()
    again = open_browser.post("/me/tokens/", wish("tokens"))
    assert again.context["secret"]


def test_a_form_with_a_slip_is_answered_before_anybody_is_asked(open_browser: Client) -> None:
    assert open_browser.post("/me/tokens/", wish("me") | {"name": ""}).status_code == 400


def test_whoever_showed_who_they_are_uses_the_api_too(open_browser: Client) -> None:
    open_browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    body = {"name": "mine", "scopes": ["me"], "expires_at": clock.now() + timedelta(days=1)}
    made = open_browser.post("/api/v1/me/tokens", body, content_type="application/json")
    assert made.status_code == 201
