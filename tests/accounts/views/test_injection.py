"""A name is text: in no header, page or mail does it become anything else."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.test import Client

from accounts import services
from accounts.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
NAMES = [
    "Ada\r\nBcc: all@example.org",
    "Ada\nSet-Cookie: a=b",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ settings.SECRET_KEY }}{% debug %}",
    "%(name)s %s {0}",
    "Ada\u2028\u202e",
]


@pytest.fixture
def eve() -> User:
    return services.create_person(email="eve@example.org", password=PASSWORD, name="Eve")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stays_a_name_on_every_page_of_ones_own(client: Client, eve: User, name: str) -> None:
    client.force_login(eve)
    client.post("/me/", {"name": name, "language": "en", "time_zone": "Europe/Paris"})
    for address in ("/me/", "/me/security/", "/me/data/", "/accounts/logout/"):
        answer = client.get(address)
        html = answer.content.decode()
        assert answer.status_code == 200
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "Set-Cookie: a" not in str(answer.headers)
        assert "Bcc" not in answer.headers


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_of_a_name_is_one_line(client: Client, eve: User, name: str) -> None:
    client.force_login(eve)
    client.post("/me/", {"name": name, "language": "en", "time_zone": "Europe/Paris"})
    eve.refresh_from_db()
    assert eve.name != "Eve"
    assert eve.name.splitlines() == [eve.name]
    assert "\u202e" not in eve.name


@pytest.mark.parametrize("agent", ["Firefox\r\nBcc: a@b", "<script>alert(1)</script>", "{{ 7 }}"])
def test_a_browser_that_calls_itself_names_writes_no_header_and_no_markup(
    client: Client, eve: User, agent: str
) -> None:
    client.post("/accounts/login/", {"login": eve.email, "password": PASSWORD}, headers={"User-Agent": agent})
    assert "<script>alert" not in client.get("/me/security/").content.decode()
    new = {"oldpassword": PASSWORD, "password1": "another horse", "password2": "another horse"}
    client.post("/accounts/password/change/", new, headers={"User-Agent": agent})
    [message] = mail.outbox
    assert message.to == ["eve@example.org"]
    assert set(message.message().keys()) <= {
        "Content-Type", "MIME-Version", "Content-Transfer-Encoding", "Subject", "From", "To", "Date",
        "Message-ID",
    }  # fmt: skip


@pytest.mark.parametrize(
    "address", ["a@b.example\r\nBcc: c@d.example", "<script>@b.example", "a@b\x00.example"]
)
def test_an_address_that_is_none_is_refused(client: Client, address: str) -> None:
    answer = client.post(
        "/accounts/signup/", {"email": address, "password1": PASSWORD, "password2": PASSWORD}
    )
    assert answer.status_code == 200
    assert mail.outbox == []
    assert not User.objects.exists()


def test_a_link_for_a_new_password_names_our_own_address(client: Client, eve: User, settings: Any) -> None:
    """Not the Host that somebody's request names: it would send the person to them."""
    settings.ALLOWED_HOSTS = ["*"]
    client.post("/accounts/password/reset/", {"email": eve.email}, headers={"Host": "evil.example"})
    assert "evil.example" not in mail.outbox[0].body
