"""The page of one's tokens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiToken, User
from accounts.services import tokens
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
