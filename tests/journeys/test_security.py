"""A person makes their account safe: passkey, authenticator app, sessions; and takes leave."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts import services
from accounts.domain import house_rules
from accounts.models import User
from accounts.services.house_rules import accept_house_rules
from common import clock
from tests.journeys.conftest import Windows
from tests.live import LiveSite

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
PASSWORD = "correct horse battery"
KEY_OF_THIS_DEVICE = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


class Device:
    """What unlocks passkeys on this device, as Chromium pretends to have it."""

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)
        self.session.send("WebAuthn.enable")
        added = self.session.send("WebAuthn.addVirtualAuthenticator", {"options": KEY_OF_THIS_DEVICE})
        self.id = added["authenticatorId"]

    def knows_its_owner(self, yes: bool) -> None:
        values = {"authenticatorId": self.id, "isUserVerified": yes}
        self.session.send("WebAuthn.setUserVerified", values)

    @property
    def keys(self) -> list[Any]:
        found: list[Any] = self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})[
            "credentials"
        ]
        return found


def take_a_passkey(page: Page, password: str) -> None:
    """As the security page does; who has given the password some minutes ago is not asked again."""
    Device(page)
    page.goto("/accounts/2fa/webauthn/add/")
    asked, add = page.get_by_label("Password"), page.get_by_role("button", name="Add the passkey")
    expect(asked.or_(add)).to_be_visible()
    if asked.is_visible():
        asked.fill(password)
        page.get_by_role("button", name="Go on").click()
    add.click()
    page.wait_for_url("**/recovery-codes/**")


@pytest.fixture
def somebody(rows: None, settings: Any) -> Iterator[User]:
    # Hashed as the live site reads it, not quickly as in the tests beside it.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    user = services.create_person(email="yuki@example.org", password=PASSWORD, name="Yuki")
    accept_house_rules(user=user, version=house_rules.CURRENT.number, at=clock.now())
    yield user
    User.objects.filter(pk=user.pk).delete()


@pytest.fixture
def window(windows: Windows, site: LiveSite) -> Page:
    """Browsers give passkeys to names, not to numbers."""
    return windows.open(base_url=site.url.replace("127.0.0.1", "localhost"), accept_downloads=True)


def sign_in(page: Page) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("E-mail address").fill("yuki@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/accounts/login/" not in url)


def sign_out(page: Page) -> None:
    page.goto("/accounts/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    page.wait_for_url(lambda url: "/logout/" not in url)


def prove(page: Page) -> None:
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()


def add_passkey(page: Page) -> None:
    page.goto("/accounts/2fa/webauthn/add/")
    prove(page)
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes", level=1)).to_be_visible()


def test_a_passkey_is_added_and_opens_the_account(window: Page, somebody: User) -> None:
    device = Device(window)
    sign_in(window)
    window.goto("/me/security/")
    expect(window.get_by_text("A password alone opens your account.")).to_be_visible()
    window.get_by_role("link", name="Add a passkey").click()
    prove(window)
    window.get_by_label("Name").fill("Telephone")
    window.get_by_role("button", name="Add the passkey").click()
    expect(window.get_by_role("heading", name="Recovery codes", level=1)).to_be_visible()
    assert len(device.keys) == 1

    window.goto("/me/security/")
    expect(window.get_by_role("main")).to_contain_text("Telephone")
    expect(window.get_by_text("A password alone opens your account.")).to_have_count(0)
    sign_out(window)

    window.goto("/accounts/login/")
    window.get_by_role("button", name="With a passkey").click()
    window.wait_for_url(lambda url: "/accounts/" not in url)
    window.goto("/me/security/")
    expect(window.get_by_role("main")).to_contain_text("last used")


def test_a_device_that_somebody_else_holds_opens_nothing(window: Page, somebody: User) -> None:
    device = Device(window)
    sign_in(window)
    add_passkey(window)
    sign_out(window)
    device.knows_its_owner(False)
    window.goto("/accounts/login/")
    window.get_by_role("button", name="With a passkey").click()
    expect(window.get_by_role("alert")).to_contain_text("The passkey was not used.")
    window.goto("/me/")
    expect(window).to_have_url(re.compile("/accounts/login/"))


def test_after_the_password_the_passkey_is_asked_for(window: Page, somebody: User) -> None:
    Device(window)
    sign_in(window)
    add_passkey(window)
    sign_out(window)
    sign_in(window)
    expect(window.get_by_role("heading", name="Second step")).to_be_visible()
    window.get_by_role("button", name="With a passkey").click()
    window.wait_for_url(lambda url: "/accounts/" not in url)
    window.goto("/me/security/")
    expect(window.get_by_role("heading", name="Security", level=1)).to_be_visible()


def test_a_session_elsewhere_is_seen_and_ended(window: Page, windows: Windows, somebody: User) -> None:
    elsewhere = windows.open(
        user_agent="Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
    )
    sign_in(elsewhere)
    sign_in(window)
    window.goto("/me/security/")
    window.get_by_role("button", name="End the session of Firefox on Windows").click()
    expect(window.get_by_text("That session has ended.")).to_be_visible()
    elsewhere.goto("/me/")
    expect(elsewhere).to_have_url(re.compile("/accounts/login/"))


def test_data_are_taken_along_and_the_account_is_deleted(
    window: Page, somebody: User, tmp_path: Path
) -> None:
    sign_in(window)
    window.goto("/me/data/")
    window.get_by_role("link", name="Download the file").click()
    with window.expect_download() as download:
        prove(window)
    download.value.save_as(tmp_path / "data.json")
    assert json.loads((tmp_path / "data.json").read_text())["person"]["name"] == "Yuki"

    window.goto("/me/data/")
    window.get_by_role("link", name="Look at what would happen").click()
    expect(window.get_by_role("heading", name="What stays, and why")).to_be_visible()
    window.get_by_label("Your e-mail address, to confirm").fill("yuki@example.org")
    window.get_by_role("button", name="Delete my account for good").click()
    expect(window.get_by_text("Your account is deleted.")).to_be_visible()
    somebody.refresh_from_db()
    assert (somebody.name, somebody.is_active) == ("", False)
    sign_in_refused(window)


def sign_in_refused(page: Page) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("E-mail address").fill("yuki@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert").first).to_be_visible()
