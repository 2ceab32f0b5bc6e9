"""How one signs in, what else proves it, and where one is signed in."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client

from accounts import services
from accounts.adapter import MfaAdapter
from accounts.models import User
from common import clock

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def eve() -> User:
    return services.create_person(email="eve@example.org", password=PASSWORD, name="Eve")


def sign_in(client: Client, user: User, **more: str) -> None:
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD}, **more)  # type: ignore[arg-type]


def code_of(secret: str) -> str:
    """The code of this moment: not the oldest still taken, which may be too old once it arrives."""
    return _code_at(secret, int(time.time()) // 30)


def _code_at(secret: str, counter: int) -> str:
    return str(format_hotp_value(hotp_value(secret, counter)))


def reauthenticate(client: Client) -> None:
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})


def enrol(client: Client) -> str:
    """Set up an authenticator app as a person does; returns its secret."""
    reauthenticate(client)
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    secret = re.search(r'<dd class="mono">([A-Z2-7]+)</dd>', page)
    assert secret
    client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret[1])})
    return secret[1]


def test_a_visitor_is_sent_to_sign_in(client: Client) -> None:
    assert client.get("/me/security/")["Location"] == "/accounts/login/?next=/me/security/"


def test_what_changes_how_one_signs_in_asks_for_the_password_again(client: Client, eve: User) -> None:
    client.force_login(eve)
    for page in ("2fa/totp/activate", "2fa/webauthn/add", "2fa/recovery-codes/generate"):
        answer = client.get(f"/accounts/{page}/")
        assert answer.status_code == 302
        assert "reauthenticate" in answer["Location"]
    client.post("/accounts/email/", {"action_add": "", "email": "new@example.org"})
    assert mail.outbox == [], "no code goes out before"


def test_an_app_set_up_is_asked_for_after_the_password(client: Client, eve: User) -> None:
    sign_in(client, eve)
    secret = enrol(client)
    assert Authenticator.objects.filter(user=eve, type="totp").exists()
    client.post("/accounts/logout/")

    answer = client.post("/accounts/login/", {"login": eve.email, "password": PASSWORD})
    assert answer["Location"] == "/accounts/2fa/authenticate/"
    assert "_auth_user_id" not in client.session
    client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert "_auth_user_id" not in client.session
    client.post("/accounts/2fa/authenticate/", {"code": next_code(secret)})
    assert client.session["_auth_user_id"] == str(eve.pk)


def next_code(secret: str) -> str:
    """A code is taken once; the clock may be one step ahead."""
    return _code_at(secret, int(time.time()) // 30 + 1)


@pytest.mark.django_db(transaction=True)
def test_an_app_set_up_is_told_by_mail(client: Client, eve: User) -> None:
    sign_in(client, eve)
    enrol(client)
    [message] = mail.outbox
    assert message.to == ["eve@example.org"]
    assert "An authenticator app was set up for your account." in str(message.body)
    assert "127.0.0.1" in str(message.body)


def test_a_recovery_code_opens_once(client: Client, eve: User) -> None:
    sign_in(client, eve)
    enrol(client)
    codes = Authenticator.objects.get(user=eve, type="recovery_codes").wrap().get_unused_codes()
    for _attempt, opens in ((1, True), (2, False)):
        client.post("/accounts/logout/")
        sign_in(client, eve)
        client.post("/accounts/2fa/authenticate/", {"code": codes[0]})
        assert ("_auth_user_id" in client.session) is opens


def test_the_page_says_what_there_is(client: Client, eve: User) -> None:
    sign_in(client, eve, headers={"User-Agent": FIREFOX})
    page = client.get("/me/security/").content.decode()
    assert "A password alone opens your account." in page
    assert "Firefox on Linux" in page
    TOTP.activate(eve, "A" * 32)
    assert "A password alone opens your account." not in client.get("/me/security/").content.decode()


def test_when_a_session_was_seen_is_known_to_ten_minutes(
    client: Client, eve: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, eve)
    begun = UserSession.objects.get().last_seen_at
    for minutes, seen in ((9, 0), (11, 11), (15, 11), (22, 22)):
        now = begun + timedelta(minutes=minutes)
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        client.get("/me/")
        passed = UserSession.objects.get().last_seen_at - begun
        assert round(passed.total_seconds() / 60) == seen


def test_a_session_elsewhere_can_be_ended(client: Client, eve: User) -> None:
    elsewhere = Client()
    sign_in(client, eve)
    sign_in(elsewhere, eve)
    other = UserSession.objects.get(session_key=elsewhere.session.session_key)
    client.post(f"/me/security/sessions/{other.pk}/end/")
    assert elsewhere.get("/me/").status_code == 302
    assert client.get("/me/").status_code == 200


def test_all_other_sessions_end_and_this_one_stays(client: Client, eve: User) -> None:
    others = [Client(), Client()]
    for one in (client, *others):
        sign_in(one, eve)
    client.post("/me/security/sessions/end/")
    assert [one.get("/me/").status_code for one in others] == [302, 302]
    assert client.get("/me/").status_code == 200
    assert UserSession.objects.filter(user=eve).count() == 1


def test_nobody_ends_somebody_elses_session(client: Client, eve: User, mallory: User) -> None:
    theirs = Client()
    sign_in(theirs, eve)
    session = UserSession.objects.get(user=eve)
    client.force_login(mallory)
    assert client.post(f"/me/security/sessions/{session.pk}/end/").status_code == 404
    assert theirs.get("/me/").status_code == 200


def test_ending_takes_a_post(client: Client, eve: User) -> None:
    sign_in(client, eve)
    session = UserSession.objects.get(user=eve)
    assert client.get(f"/me/security/sessions/{session.pk}/end/").status_code == 405
    assert client.get("/me/security/sessions/end/").status_code == 405
    assert Session.objects.filter(session_key=session.session_key).exists()


def test_a_new_password_ends_the_other_sessions_and_is_told_by_mail(client: Client, eve: User) -> None:
    elsewhere = Client()
    sign_in(client, eve)
    sign_in(elsewhere, eve)
    new = "another horse battery"
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert elsewhere.get("/me/").status_code == 302
    assert client.get("/me/").status_code == 200
    assert [message.subject for message in mail.outbox] == ["Equinode: Your password is changed"]


def test_a_new_address_holds_once_its_code_is_entered(client: Client, eve: User) -> None:
    sign_in(client, eve)
    reauthenticate(client)
    client.post("/accounts/email/", {"action_add": "", "email": "new@example.org"})
    eve.refresh_from_db()
    assert eve.email == "eve@example.org"
    code = re.search(r"^([A-Z0-9-]{6,})$", str(mail.outbox[-1].body), re.M)
    assert code
    assert mail.outbox[-1].to == ["new@example.org"]
    client.post("/accounts/confirm-email/", {"code": code[1]})
    eve.refresh_from_db()
    assert eve.email == "new@example.org"
    assert list(EmailAddress.objects.filter(user=eve).values_list("email", "verified")) == [
        ("new@example.org", True)
    ]
    assert mail.outbox[-1].to == ["eve@example.org"], "the old address is told"


def test_an_address_of_another_is_not_taken_and_not_told_of(client: Client, eve: User) -> None:
    services.create_person(email="taken@example.org", password=PASSWORD)
    sign_in(client, eve)
    reauthenticate(client)
    pages = []
    for address in ("taken@example.org", "free@example.org"):
        answer = client.post("/accounts/email/", {"action_add": "", "email": address})
        pages.append((answer.status_code, answer.get("Location")))
    assert pages[0] == pages[1]
    assert EmailAddress.objects.get(email="taken@example.org").user != eve


def test_a_passkey_of_another_window_is_not_called_a_code(
    client: Client, eve: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, eve)
    reauthenticate(client)

    def refuse(*_: object) -> None:
        raise MfaAdapter().validation_error("incorrect_code")

    monkeypatch.setattr("allauth.mfa.webauthn.forms.auth.parse_registration_response", refuse)
    page = client.post("/accounts/2fa/webauthn/add/", {"credential": '{"id": 1}', "passwordless": "on"})
    html = page.content.decode()
    assert "was begun again in another window" in html
    assert "This code" not in html


@pytest.mark.parametrize(
    "page", ["2fa/webauthn/add", "2fa/totp/deactivate", "2fa/recovery-codes",
             "2fa/recovery-codes/generate", "email", "password/change", "reauthenticate"]
)  # fmt: skip
def test_the_pages_are_ours(client: Client, eve: User, page: str) -> None:
    sign_in(client, eve)
    enrol(client)
    answer = client.get(f"/accounts/{page}/")
    html = answer.content.decode()
    assert answer.status_code == 200
    assert '<main id="main"' in html
    assert "placeholder" not in html
    assert "<script>" not in html
    assert " style=" not in html


def test_codes_are_downloaded_as_text(client: Client, eve: User) -> None:
    sign_in(client, eve)
    enrol(client)
    answer = client.get("/accounts/2fa/recovery-codes/download/")
    assert answer["Content-Type"].startswith("text/plain")
    assert len(answer.content.decode().split()) == 10
