"""Nobody learns from this site who has an account here."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.core.cache import cache
from django.test import Client

from accounts import services
from accounts.models import User
from tests import factories

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
RANDOM = r'(csrfmiddlewaretoken" value="|x-csrftoken": "|data-clock-time>|datetime=")[^"<]+'
CHANGING = ("Content-Length", "Expires")
KNOWN, UNKNOWN = "known@example.org", "nobody@example.org"


@pytest.fixture(autouse=True)
def known() -> User:
    return services.create_person(email=KNOWN, password=PASSWORD, name="Known")


def sign_in(client: Client, email: str) -> Any:
    return client.post("/accounts/login/", {"login": email, "password": "wrong password"})


def sign_up(client: Client, email: str) -> Any:
    return client.post("/accounts/signup/", {"email": email, "password1": PASSWORD, "password2": PASSWORD})


def ask_again(client: Client, email: str) -> Any:
    """Another code for an address that was just given, once that may be asked."""
    sign_up(client, email)
    cache.clear()
    mail.outbox.clear()
    return client.post("/accounts/confirm-email/", {"action": "resend"})


def reset(client: Client, email: str) -> Any:
    return client.post("/accounts/password/reset/", {"email": email})


def seen(answer: Any, email: str) -> tuple[int, dict[str, str], str]:
    """All that a browser is given, without what is random in every answer and without the address itself."""
    html = answer.content.decode().replace(email, "ADDRESS").replace(email.split("@")[0], "ADDRESS")
    html = re.sub(
        r'(csrfmiddlewaretoken" value="|x-csrftoken": "|data-clock-time>|datetime=")[^"<]+', r"\1", html
    )
    headers = {name: value for name, value in answer.headers.items() if name not in CHANGING}
    cookies = {name: re.sub(r"=[^;]*", "=", str(cookie), count=1) for name, cookie in answer.cookies.items()}
    return answer.status_code, headers | {"cookies": str(sorted(cookies))}, html


ASKING = [sign_in, sign_up, ask_again, reset]


@pytest.mark.parametrize("ask", ASKING)
def test_status_headers_and_body_are_the_same(ask: Callable[[Client, str], Any]) -> None:
    known, unknown = Client(), Client()
    assert seen(ask(known, KNOWN), KNOWN) == seen(ask(unknown, UNKNOWN), UNKNOWN)


@pytest.mark.parametrize("ask", [sign_up, ask_again, reset])
def test_the_page_after_it_is_the_same(ask: Callable[[Client, str], Any]) -> None:
    pages = []
    for email in (KNOWN, UNKNOWN):
        client = Client()
        answer = ask(client, email)
        pages.append(seen(client.get(answer["Location"]), email))
    assert pages[0] == pages[1]


@pytest.mark.parametrize("ask", [sign_up, ask_again, reset])
def test_either_address_gets_one_mail(ask: Callable[[Client, str], Any]) -> None:
    for email in (KNOWN, UNKNOWN):
        mail.outbox.clear()
        ask(Client(), email)
        assert [message.to for message in mail.outbox] == [[email]]


def test_a_wrong_code_for_either_looks_the_same() -> None:
    """Whoever signs up with an address that is taken goes on to the page of the code as everybody does."""
    pages = []
    for email in (KNOWN, UNKNOWN):
        client = Client()
        sign_up(client, email)
        pages.append(seen(client.post("/accounts/confirm-email/", {"code": "AAAAAA"}), email))
    assert pages[0] == pages[1]


@pytest.mark.parametrize("ask", ASKING)
def test_neither_is_counted_differently(ask: Callable[[Client, str], Any]) -> None:
    """The attempt at which it becomes too many is the same one."""
    attempts = []
    for email in (KNOWN, UNKNOWN):
        cache.clear()
        client, answers = Client(), []
        for _attempt in range(24):
            answers.append(ask(client, email).status_code)
        attempts.append(answers)
    assert attempts[0] == attempts[1]


def test_a_closed_account_looks_like_none(known: User) -> None:
    User.objects.filter(pk=known.pk).update(is_active=False)
    assert seen(sign_in(Client(), KNOWN), KNOWN) == seen(sign_in(Client(), UNKNOWN), UNKNOWN)


def test_a_second_factor_is_not_told_before_the_password(known: User) -> None:
    factories.give_second_factor(known)
    assert Authenticator.objects.exists()
    assert seen(sign_in(Client(), KNOWN), KNOWN) == seen(sign_in(Client(), UNKNOWN), UNKNOWN)


def test_passkeys_are_asked_for_without_naming_anybody(client: Client) -> None:
    options = client.get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"}).json()
    assert not options["request_options"]["publicKey"].get("allowCredentials")


@pytest.mark.parametrize(("ask", "password"), [(sign_in, "wrong password"), (sign_up, PASSWORD)])
def test_a_password_is_hashed_whether_or_not_there_is_an_account(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[[Client, str], Any], password: str
) -> None:
    """Hashing is slow on purpose: answering at once would say that there was nothing to compare."""
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(hasher: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(hasher, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    for email in (KNOWN, UNKNOWN):
        hashed.clear()
        ask(Client(), email)
        assert hashed == [password], email
