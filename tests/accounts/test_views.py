"""Signing up, in and out, one's own page, and the language switch."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client

from accounts import services
from accounts.models import User
from tests import factories

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _no_attempts_counted_yet() -> None:
    """allauth counts attempts in the cache, which outlives a test."""
    cache.clear()


@pytest.mark.django_db
def test_a_visitor_finds_on_every_page_where_to_make_an_account(client: Client, ada: User) -> None:
    link = 'href="/accounts/signup/">Make an account</a>'
    for address in ("/", "/prices/", "/rules/"):
        assert link in client.get(address).content.decode().split("<main")[0], address
    first_screen = client.get("/").content.decode().split("<dl")[0].split("<main")[1]
    assert link in first_screen
    client.force_login(ada)
    assert "/accounts/signup/" not in client.get("/").content.decode()


def test_signing_up_needs_an_address_a_password_and_the_code(client: Client, db: None) -> None:
    answer = client.post(
        "/accounts/signup/", {"email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD}
    )
    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/confirm-email/"
    assert "_auth_user_id" not in client.session
    code = re.search(r"^\s*([A-Z0-9-]{6,})\s*$", str(mail.outbox[0].body), re.MULTILINE)
    assert code is not None
    client.post(answer["Location"], {"code": code[1]})
    assert client.session["_auth_user_id"] == str(User.objects.get(email="eve@example.org").pk)


def test_a_wrong_code_signs_nobody_in(client: Client, db: None) -> None:
    client.post(
        "/accounts/signup/", {"email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD}
    )
    page = client.post("/accounts/confirm-email/", {"code": "WRONG1"})
    assert page.status_code == 200
    assert "_auth_user_id" not in client.session


def test_who_signs_up_in_french_goes_on_in_french(client: Client, db: None) -> None:
    client.cookies["django_language"] = "fr"
    client.post(
        "/accounts/signup/", {"email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD}
    )
    assert User.objects.get(email="eve@example.org").language == "fr"


def test_a_confirmed_person_signs_in_with_the_address(client: Client, db: None) -> None:
    user = services.create_person(email="eve@example.org", password=PASSWORD)
    client.post("/accounts/login/", {"login": "Eve@Example.org", "password": PASSWORD})
    assert client.session["_auth_user_id"] == str(user.pk)


def test_a_wrong_password_signs_nobody_in(client: Client, db: None) -> None:
    services.create_person(email="eve@example.org", password=PASSWORD)
    page = client.post("/accounts/login/", {"login": "eve@example.org", "password": "wrong"})
    assert 'role="alert"' in page.content.decode()
    assert "_auth_user_id" not in client.session


def test_signing_out_takes_a_post(client: Client, ada: User) -> None:
    client.force_login(ada)
    client.get("/accounts/logout/")
    assert "_auth_user_id" in client.session
    client.post("/accounts/logout/")
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("page", ["login", "signup", "password/reset", "password/reset/done"])
def test_the_pages_of_signing_in_are_ours(client: Client, db: None, page: str) -> None:
    html = client.get(f"/accounts/{page}/").content.decode()
    assert '<main id="main"' in html
    assert "placeholder" not in html


def test_a_visitor_is_sent_to_sign_in(client: Client, db: None) -> None:
    answer = client.get("/me/")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/me/")


def test_one_sees_ones_own_projects_only(client: Client, ada: User, mallory: User) -> None:
    factories.make_project(ada, name="Coastal flood atlas")
    client.force_login(ada)
    assert "Coastal flood atlas" in client.get("/me/").content.decode()
    client.force_login(mallory)
    assert "Coastal flood atlas" not in client.get("/me/").content.decode()


def test_name_language_and_zone_are_kept(client: Client, ada: User) -> None:
    client.force_login(ada)
    client.post("/me/", {"name": "Ada L.", "language": "fr", "time_zone": "America/Cayenne"})
    ada.refresh_from_db()
    assert (ada.name, ada.language, ada.time_zone) == ("Ada L.", "fr", "America/Cayenne")


def test_an_unknown_zone_is_refused_with_its_field_marked(client: Client, ada: User) -> None:
    client.force_login(ada)
    page = client.post("/me/", {"name": "Ada", "language": "en", "time_zone": "Mars/Olympus"})
    assert 'aria-invalid="true"' in page.content.decode()
    ada.refresh_from_db()
    assert ada.time_zone == "Europe/Paris"


def test_the_switch_sets_the_language_of_the_next_page(client: Client, db: None) -> None:
    answer = client.post("/i18n/setlang/", {"language": "fr", "next": "/styleguide/"})
    assert answer["Location"] == "/styleguide/"
    assert '<html lang="fr">' in client.get("/styleguide/").content.decode()


def test_the_switch_is_remembered_with_the_person(client: Client, ada: User) -> None:
    client.force_login(ada)
    client.post("/i18n/setlang/", {"language": "fr", "next": "/me/"})
    ada.refresh_from_db()
    assert ada.language == "fr"


def test_a_language_that_is_not_spoken_changes_nothing(client: Client, ada: User) -> None:
    client.force_login(ada)
    client.post("/i18n/setlang/", {"language": "tlh", "next": "/me/"})
    ada.refresh_from_db()
    assert ada.language == "en"


def test_the_switch_leads_to_no_other_site(client: Client, db: None) -> None:
    answer = client.post("/i18n/setlang/", {"language": "fr", "next": "https://evil.example/"})
    assert answer["Location"] == "/"


def test_a_message_says_what_it_is_for_in_the_language_that_was_read(client: Client, db: None) -> None:
    client.cookies["django_language"] = "fr"
    client.post(
        "/accounts/signup/", {"email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD}
    )
    [message] = mail.outbox
    assert message.subject.startswith("Equinode: ")
    assert "please" not in str(message.body).lower()


def test_who_has_no_account_learns_it_by_mail_only(client: Client, db: None) -> None:
    """The page says the same either way, or it would tell anybody who has an account."""
    services.create_person(email="eve@example.org", password=PASSWORD)
    pages = [
        client.post("/accounts/password/reset/", {"email": email}, follow=True)
        .content.decode()
        .split("<main")[1]
        for email in ("eve@example.org", "nobody@example.org")
    ]
    assert pages[0] == pages[1]
    assert [message.subject for message in mail.outbox] == [
        "Equinode: Choose a new password",
        "Equinode: No account with this address",
    ]


def test_the_admin_takes_no_zone_that_does_not_exist(client: Client, ada: User) -> None:
    root = User.objects.create_superuser("root@example.org", PASSWORD)
    client.force_login(factories.give_second_factor(root))
    address = f"/admin/accounts/user/{ada.pk}/change/"
    values = {"email": ada.email, "name": "Ada", "language": "en", "is_active": "on"}
    assert client.post(address, values | {"time_zone": "Mars/Olympus"}).status_code == 200
    assert client.post(address, values | {"time_zone": "Asia/Tokyo"}).status_code == 302
    ada.refresh_from_db()
    assert ada.time_zone == "Asia/Tokyo"


def test_the_admin_is_for_staff(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert client.get("/admin/accounts/user/").status_code in (302, 403)
    steward = User.objects.create_superuser("root@example.org", PASSWORD)
    client.force_login(factories.give_second_factor(steward))
    for page in ("user", "user/add", "organisation", "project", f"user/{ada.pk}/change"):
        assert client.get(f"/admin/accounts/{page}/").status_code == 200
