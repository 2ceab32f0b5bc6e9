"""The admin is for staff whom a second factor proves."""

from __future__ import annotations

import pytest
from django.contrib.admin import site
from django.test import Client

from accounts.models import User
from tests import factories

pytestmark = pytest.mark.django_db
PAGES = ("", "accounts/user/", "accounts/user/add/", "jsi18n/", "password_change/")


@pytest.fixture
def staff() -> User:
    return factories.make_user("steward", is_staff=True, is_superuser=True, is_steward=True)


@pytest.mark.parametrize("page", PAGES)
def test_staff_without_a_second_factor_see_nothing_and_are_led_to_one(
    client: Client, staff: User, page: str
) -> None:
    client.force_login(staff)
    answer = client.get(f"/admin/{page}", follow=True)
    assert answer.redirect_chain[-1][0] == "/me/security/"
    assert "second factor" in answer.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_with_a_second_factor_it_opens(client: Client, staff: User, page: str) -> None:
    client.force_login(factories.give_second_factor(staff))
    assert client.get(f"/admin/{page}").status_code == 200


def test_a_post_without_a_second_factor_changes_nothing(client: Client, staff: User, ada: User) -> None:
    client.force_login(staff)
    answer = client.post(f"/admin/accounts/user/{ada.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 302
    assert User.objects.filter(pk=ada.pk).exists()


def test_recovery_codes_alone_are_no_second_factor(client: Client, staff: User) -> None:
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    RecoveryCodes.activate(staff)
    client.force_login(staff)
    assert client.get("/admin/").status_code == 302


def test_others_are_refused(client: Client, ada: User) -> None:
    client.force_login(factories.give_second_factor(ada))
    assert client.get("/admin/", follow=True).status_code == 403


def test_a_visitor_goes_to_everybodys_sign_in_and_comes_back(client: Client) -> None:
    answer = client.get("/admin/accounts/user/", follow=True)
    assert answer.redirect_chain[-1][0] == "/accounts/login/?next=/admin/accounts/user/"


def test_nothing_that_opens_an_account_is_shown() -> None:
    """A seed makes the codes of a second factor, and a session's key is a session."""
    shown = {model._meta.label for model in site._registry}
    secrets = {"mfa.Authenticator", "usersessions.UserSession", "sessions.Session", "accounts.ApiToken"}
    assert not shown & (secrets | {"socialaccount.SocialToken", "socialaccount.SocialApp"})
