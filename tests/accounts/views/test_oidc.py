"""Signing in through a real OpenID Connect provider, and what it must not be able to do."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.core import mail
from django.test import Client

from accounts import services
from accounts.domain.providers import Provider
from accounts.models import User
from tests.live import free_port
from tests.oidc_provider import CLIENT_ID, CLIENT_SECRET, PASSWORD

pytestmark = pytest.mark.django_db
CALLBACK = "http://localhost:8000/accounts/oidc/uni/callback/"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The provider, running."""
    port = free_port()
    command = [sys.executable, "-m", "tests.oidc_provider", str(port), CALLBACK]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield f"http://127.0.0.1:{port}"
        process.terminate()


@dataclass
class University:
    """The provider as an operator configured it, and a visitor's browser at it."""

    issuer: str
    trust_email: bool = False
    browser: requests.Session = field(default_factory=requests.Session)

    def fault(self, name: str) -> None:
        requests.get(f"{self.issuer}/-/fault", params={"name": name}, timeout=5)

    def leave(self, client: Client, **query: str) -> str:
        """Press the button here; the address it leads to."""
        page = client.post("/accounts/oidc/uni/", query_params=query).content.decode()  # type: ignore[arg-type]
        found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page)
        assert found, page
        return html.unescape(found[1])

    def sign_in(self, url: str, name: str) -> str:
        """Sign in over there; the address that the browser is sent back to."""
        while not url.startswith(CALLBACK):
            page = self.browser.get(url, timeout=5, allow_redirects=False)
            if not page.is_redirect:
                [after] = parse_qs(urlsplit(page.url).query)["next"]
                form = {"login": name, "password": PASSWORD, "next": after}
                page = self.browser.post(page.url, data=form, timeout=5, allow_redirects=False)
            url = urljoin(page.url, page.headers["Location"])
        return url

    def go_anew(self, client: Client, name: str) -> Any:
        """As somebody whom the provider has forgotten since."""
        self.browser = requests.Session()
        return self.go(client, name)

    def go(self, client: Client, name: str, **query: str) -> Any:
        back = self.sign_in(self.leave(client, **query), name)
        return come_back(client, back)


def come_back(client: Client, address: str) -> Any:
    parts = urlsplit(address)
    return client.get(f"{parts.path}?{parts.query}")


@pytest.fixture
def uni(issuer: str, settings: Any) -> Iterator[University]:
    university = University(issuer)
    settings.OIDC_PROVIDERS = {"uni": configured(issuer)}
    yield university
    university.fault("")


def configured(issuer: str, trust_email: bool = False) -> Provider:
    return Provider("uni", "University", issuer, CLIENT_ID, CLIENT_SECRET, trust_email)


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def enter_code(client: Client) -> None:
    code = re.search(r"^([A-Z0-9-]{6,})$", str(mail.outbox[-1].body), re.M)
    assert code
    client.post("/accounts/confirm-email/", {"code": code[1]})


def test_the_sign_in_page_offers_the_provider(client: Client, uni: University) -> None:
    page = client.get("/accounts/login/?next=/projects/").content.decode()
    assert "/accounts/oidc/uni/?process=login&amp;next=%2Fprojects%2F" in page
    assert "Go to University" in client.get("/accounts/oidc/uni/").content.decode()


def test_a_new_person_proves_the_address_by_our_code(client: Client, uni: University) -> None:
    """Whatever a provider says of an address: unless the operator trusts its word, ours counts."""
    uni.go(client, "nora")
    assert not is_signed_in(client)
    enter_code(client)
    assert is_signed_in(client)
    nora = User.objects.get(email="nora@university.example")
    assert (nora.name, nora.language, nora.has_usable_password()) == ("Nora Doe", "en", False)
    account = SocialAccount.objects.get(user=nora)
    assert account.extra_data == {}, "nothing more is kept than what finds her again"
    assert not SocialToken.objects.exists()


def test_who_came_before_is_signed_in_and_lands_where_they_were_going(
    client: Client, uni: University
) -> None:
    uni.go(client, "nora")
    enter_code(client)
    client.post("/accounts/logout/")
    answer = uni.go(client, "nora", next="/projects/")
    assert answer["Location"] == "/projects/"
    assert is_signed_in(client)
    assert User.objects.filter(email="nora@university.example").count() == 1


def test_it_leads_to_no_other_site(client: Client, uni: University) -> None:
    uni.go(client, "nora")
    enter_code(client)
    client.post("/accounts/logout/")
    answer = uni.go(client, "nora", next="https://evil.example/")
    assert urlsplit(answer["Location"]).netloc == ""


def test_a_trusted_word_needs_no_code(client: Client, uni: University, settings: Any) -> None:
    settings.OIDC_PROVIDERS = {"uni": configured(uni.issuer, trust_email=True)}
    uni.go(client, "nora")
    assert is_signed_in(client)
    assert EmailAddress.objects.get(email="nora@university.example").verified


@pytest.mark.parametrize("who", ["ada", "eve"])
def test_nobodys_account_opens_by_an_address_alone(client: Client, uni: University, who: str) -> None:
    """Neither where the provider says that the address is theirs, nor where it does not."""
    services.create_person(email="ada@example.org", password=PASSWORD)
    uni.go(client, who)
    assert not is_signed_in(client)
    assert not SocialAccount.objects.exists()
    assert "has one already" in mail.outbox[-1].body


def test_even_a_trusted_provider_must_say_that_the_address_is_theirs(
    client: Client, uni: University, settings: Any
) -> None:
    settings.OIDC_PROVIDERS = {"uni": configured(uni.issuer, trust_email=True)}
    services.create_person(email="ada@example.org", password=PASSWORD)
    uni.go(client, "eve")
    assert not is_signed_in(client)
    assert not SocialAccount.objects.exists()


def test_a_trusted_word_opens_the_account_of_that_proved_address(
    client: Client, uni: University, settings: Any
) -> None:
    settings.OIDC_PROVIDERS = {"uni": configured(uni.issuer, trust_email=True)}
    ada = services.create_person(email="ada@example.org", password=PASSWORD)
    uni.go(client, "ada")
    assert client.session["_auth_user_id"] == str(ada.pk)
    assert SocialAccount.objects.get().user == ada
    assert "can be opened through University now" in mail.outbox[-1].body


def test_an_account_that_never_proved_the_address_is_not_joined(
    client: Client, uni: University, settings: Any
) -> None:
    """Somebody typed in Ada's address before her and waits for her to come."""
    settings.OIDC_PROVIDERS = {"uni": configured(uni.issuer, trust_email=True)}
    waiting = Client()
    waiting.post(
        "/accounts/signup/", {"email": "ada@example.org", "password1": PASSWORD, "password2": PASSWORD}
    )
    squatter = User.objects.get(email="ada@example.org")
    uni.go(client, "ada")
    assert client.session.get("_auth_user_id") != str(squatter.pk)
    assert not SocialAccount.objects.filter(user=squatter).exists()


def test_known_and_unknown_addresses_look_the_same(client: Client, uni: University) -> None:
    services.create_person(email="ada@example.org", password=PASSWORD)
    unknown, known = uni.go(Client(), "nora"), uni.go_anew(client, "ada")
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])


def test_it_is_connected_to_the_account_one_is_signed_in_to(client: Client, uni: University) -> None:
    mallory = services.create_person(email="mallory@example.org", password=PASSWORD)
    client.post("/accounts/login/", {"login": "mallory@example.org", "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    uni.go(client, "nora", process="connect")
    assert SocialAccount.objects.get().user == mallory
    page = client.get("/me/security/").content.decode()
    assert "Disconnect" in page
    answer = client.post("/accounts/3rdparty/", {"account": SocialAccount.objects.get().pk}, follow=True)
    assert not SocialAccount.objects.exists()
    assert answer.redirect_chain == [("/me/security/", 302)]
    assert "Not connected" in answer.content.decode()


def test_the_only_way_in_stays_and_the_page_says_so(client: Client, uni: University) -> None:
    uni.go(client, "nora")
    enter_code(client)
    page = client.get("/accounts/3rdparty/", follow=True)
    assert page.redirect_chain == [("/me/security/", 302)]
    assert "A password alone opens" not in page.content.decode(), "she has none"
    answer = client.post("/accounts/3rdparty/", {"account": SocialAccount.objects.get().pk}, follow=True)
    assert SocialAccount.objects.exists()
    assert [str(message) for message in answer.context["messages"]] == [
        "Set a password first: otherwise nothing would be left to sign in with."
    ]


def test_what_is_anothers_is_not_connected(client: Client, uni: University) -> None:
    uni.go(client, "nora")
    enter_code(client)
    nora = User.objects.get(email="nora@university.example")
    other = Client()
    services.create_person(email="mallory@example.org", password=PASSWORD)
    other.post("/accounts/login/", {"login": "mallory@example.org", "password": PASSWORD})
    other.post("/accounts/reauthenticate/", {"password": PASSWORD})
    uni.go(other, "nora", process="connect")
    assert SocialAccount.objects.get().user == nora


def test_a_second_factor_is_asked_for_after_the_provider(client: Client, uni: University) -> None:
    from tests import factories

    uni.go(client, "nora")
    enter_code(client)
    factories.give_second_factor(User.objects.get(email="nora@university.example"))
    client.post("/accounts/logout/")
    answer = uni.go(client, "nora")
    assert answer["Location"] == "/accounts/2fa/authenticate/"
    assert not is_signed_in(client)


FAULTS = (
    "nonce", "no-nonce", "token-issuer", "audience", "expired", "azp", "none", "hs256", "key", "userinfo",
    "garbage",
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_an_answer_that_does_not_fit_signs_nobody_in(client: Client, uni: University, fault: str) -> None:
    back = uni.sign_in(uni.leave(client), "nora")
    uni.fault(fault)
    answer = come_back(client, back)
    assert answer.status_code == 400
    assert "does not belong to this sign-in" in answer.content.decode()
    assert not is_signed_in(client)
    assert not User.objects.exists()


@pytest.mark.parametrize("fault", ["issuer", "script", "moved"])
def test_a_provider_that_names_another_is_not_followed(client: Client, uni: University, fault: str) -> None:
    uni.fault(fault)
    answer = client.post("/accounts/oidc/uni/")
    assert answer.status_code == 400
    assert "javascript:" not in answer.content.decode()


def test_it_sends_us_to_no_private_address(client: Client, uni: University) -> None:
    """The issuer itself may be private, where the operator runs it; what it points to may not."""
    back = uni.sign_in(uni.leave(client), "nora")
    uni.fault("private")
    answer = come_back(client, back)
    assert answer.status_code == 503
    assert not is_signed_in(client)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_provider_that_is_away_is_said(client: Client, uni: University, moment: str) -> None:
    if moment == "before":
        uni.fault("down")
        answer = client.post("/accounts/oidc/uni/")
    else:
        back = uni.sign_in(uni.leave(client), "nora")
        uni.fault("down")
        answer = come_back(client, back)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "60"
    assert "University does not answer." in answer.content.decode()


def test_nothing_listening_is_said_too(client: Client, settings: Any) -> None:
    settings.OIDC_PROVIDERS = {"uni": configured(f"http://127.0.0.1:{free_port()}")}
    assert client.post("/accounts/oidc/uni/").status_code == 503


def test_an_answer_is_for_the_browser_that_asked(client: Client, uni: University) -> None:
    back = uni.sign_in(uni.leave(client), "nora")
    answer = come_back(Client(), back)
    assert answer.status_code == 400
    assert "not begun in this browser" in answer.content.decode()


def test_an_answer_counts_once(client: Client, uni: University) -> None:
    back = uni.sign_in(uni.leave(client), "nora")
    come_back(client, back)
    assert come_back(client, back).status_code == 400


def test_a_code_of_another_attempt_is_not_taken(client: Client, uni: University) -> None:
    """PKCE: a code that somebody else got cannot be slipped into this browser."""
    theirs = uni.sign_in(uni.leave(Client()), "nora")
    mine = parse_qs(urlsplit(uni.leave(client)).query)["state"][0]
    code = parse_qs(urlsplit(theirs).query)["code"][0]
    answer = client.get(f"/accounts/oidc/uni/callback/?state={mine}&code={code}")
    assert answer.status_code == 400
    assert not is_signed_in(client)


def test_who_stops_it_is_told_so(client: Client, uni: University) -> None:
    state = parse_qs(urlsplit(uni.leave(client)).query)["state"][0]
    answer = client.get(f"/accounts/oidc/uni/callback/?state={state}&error=access_denied")
    assert answer.status_code == 200
    assert "You stopped it" in answer.content.decode()


def test_a_provider_nobody_configured_is_not_there(client: Client, uni: University) -> None:
    for address in ("/accounts/oidc/other/", "/accounts/oidc/other/callback/"):
        assert client.get(address).status_code == 404
