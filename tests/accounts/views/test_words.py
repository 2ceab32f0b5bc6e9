"""Signing in and all around it in the words of this site, in both languages: allauth has words of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account import adapter as account
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa import adapter as second_factor
from allauth.socialaccount import adapter as provider
from django.test import Client
from django.utils import translation

from accounts.models import User
from accounts.services import create_person
from tests import factories

pytestmark = pytest.mark.django_db
EVE, PASSWORD = "eve@example.org", "correct horse battery"
LABELS = {
    "login": ["E-mail address", "Password", "Stay signed in on this device"],
    "signup": ["E-mail address", "Password", "Password, again"],
    "confirm-email": ["Code from the mail"],
    "password/reset": ["E-mail address"],
    "password/reset/key": ["New password", "New password, again"],
    "password/change": ["Current password", "New password", "New password, again"],
    "password/set": ["New password", "New password, again"],
    "email": ["New e-mail address"],
    "reauthenticate": ["Password"],
    "2fa/authenticate": ["Code from the app, or a recovery code"],
    "2fa/reauthenticate": ["Code from the app, or a recovery code"],
    "2fa/totp/activate": ["Code that the app shows"],
    "2fa/webauthn/add": ["Name"],
}
FRENCH = {
    "E-mail address": "Adresse électronique",
    "New e-mail address": "Nouvelle adresse électronique",
    "Password": "Mot de passe",
    "Password, again": "Mot de passe, encore une fois",
    "Current password": "Mot de passe actuel",
    "New password": "Nouveau mot de passe",
    "New password, again": "Nouveau mot de passe, encore une fois",
    "Stay signed in on this device": "Rester connecté sur cet appareil",
    "Code from the mail": "Code du message",
    "Code from the app, or a recovery code": "Code de l’application, ou code de secours",
    "Code that the app shows": "Code affiché par l’application",
    "Name": "Nom",
}


@pytest.fixture(params=["en", "fr"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def eve() -> User:
    return create_person(email=EVE, password=PASSWORD, name="Eve")


@pytest.fixture
def reader(language: str, eve: User) -> Client:
    User.objects.filter(pk=eve.pk).update(language=language)
    client = Client()
    client.cookies["django_language"] = language
    return client


def sign_in(client: Client) -> Any:
    return client.post("/accounts/login/", {"login": EVE, "password": PASSWORD})


def shown(client: Client, page: str, eve: User) -> Any:
    """The page as somebody meets it."""
    if page == "confirm-email":
        new = {"email": "new@example.org", "password1": PASSWORD, "password2": PASSWORD}
        client.post("/accounts/signup/", new)
    elif page == "password/reset/key":
        key = f"{user_pk_to_url_str(eve)}-{default_token_generator.make_token(eve)}"
        return client.get(f"/accounts/password/reset/key/{key}/", follow=True)
    elif page == "2fa/authenticate":
        factories.give_second_factor(eve)
        sign_in(client)
    elif page not in ("login", "signup", "password/reset"):
        sign_in(client)
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    if page == "2fa/reauthenticate":
        factories.give_second_factor(eve)
    if page == "password/set":
        eve.refresh_from_db()
        eve.set_unusable_password()
        eve.save()
        client.force_login(eve)
    return client.get(f"/accounts/{page}/")


@pytest.mark.parametrize("page", LABELS)
def test_every_field_is_called_as_on_the_other_pages(
    reader: Client, language: str, eve: User, page: str
) -> None:
    answer = shown(reader, page, eve)
    assert answer.status_code == 200
    main = answer.content.decode().split("<main")[1].split("</main")[0]
    labels = [re.sub(r"<.*", "", text, flags=re.S).strip() for text in fields(main)]
    wanted = [FRENCH[label] if language == "fr" else label for label in LABELS[page]]
    assert labels == wanted


def fields(html: str) -> list[str]:
    """What stands beside each field that is not hidden: a box has its words after it."""
    found = re.findall(r'<label class="(?:field__label|choice)"[^>]*>(.*?)</label>', html, re.S)
    return [re.sub(r"^\s*<input[^>]*>", "", text) for text in found]


Refused = Callable[[Client, User], Any]
REFUSALS: dict[str, tuple[Refused, str, str]] = {
    "wrong password": (
        lambda client, eve: client.post("/accounts/login/", {"login": EVE, "password": "x"}),
        "The e-mail address or the password is not right.",
        "L’adresse électronique ou le mot de passe n’est pas le bon.",
    ),
    "wrong code of the mail": (
        lambda client, eve: (
            client.post(
                "/accounts/signup/",
                {"email": "new@example.org", "password1": PASSWORD, "password2": PASSWORD},
            ),
            client.post("/accounts/confirm-email/", {"code": "WRONG1"}),
        )[1],
        "This code is not right.",
        "Ce code n’est pas le bon.",
    ),
    "wrong password again": (
        lambda client, eve: (sign_in(client), client.post("/accounts/reauthenticate/", {"password": "x"}))[1],
        "This is not your password.",
        "Ce n’est pas votre mot de passe.",
    ),
    "wrong current password": (
        lambda client, eve: (
            sign_in(client),
            client.post(
                "/accounts/password/change/",
                {"oldpassword": "x", "password1": "another horse", "password2": "another horse"},
            ),
        )[1],
        "This is not your current password.",
        "Ce n’est pas votre mot de passe actuel.",
    ),
    "wrong code of the app": (
        lambda client, eve: (
            factories.give_second_factor(eve),
            sign_in(client),
            client.post("/accounts/2fa/authenticate/", {"code": "000000"}),
        )[2],
        "This code is not right.",
        "Ce code n’est pas le bon.",
    ),
    "too often": (
        lambda client, eve: [
            client.post("/accounts/login/", {"login": EVE, "password": "x"}) for _attempt in range(7)
        ][-1],
        "Too many attempts to sign in failed. Wait five minutes.",
        "Trop de connexions ont échoué. Attendez cinq minutes.",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_every_refusal_is_a_sentence_of_ours(reader: Client, language: str, eve: User, name: str) -> None:
    ask, english, french = REFUSALS[name]
    html = ask(reader, eve).content.decode()
    assert (french if language == "fr" else english) in html.replace("&#x27;", "'")


def test_nothing_that_allauth_may_say_to_somebody_is_in_its_words(language: str) -> None:
    """Telephones and user names are not asked for here."""
    adapters = (
        (account.get_adapter(), account.DefaultAccountAdapter),
        (second_factor.get_adapter(), second_factor.DefaultMFAAdapter),
        (provider.get_adapter(), provider.DefaultSocialAccountAdapter),
    )
    with translation.override(language):
        theirs = [
            f"{type(ours).__name__}.{name}"
            for ours, default in adapters
            for name, said in default.error_messages.items()
            if str(ours.error_messages[name]) == str(said)
            and not any(word in name for word in ("username", "phone", "select_only_one"))
        ]
    assert theirs == []
