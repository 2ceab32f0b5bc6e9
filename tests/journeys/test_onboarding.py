"""From an e-mail address to a job that ran, without asking anybody: in English and in French."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_string, policy
from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import gettext as _
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from common.ranges import bounds
from pricing.models import Grant
from reservations.models import Reservation
from reservations.services import settle
from tests.journeys.conftest import NARROW, WIDE, Windows
from tests.live import LiveSite, eventually

LONG = 20_000  # milliseconds: two cores serve, work and draw at once
PASSWORD = "a long walk to the lake"
_MAIL = re.compile(r"^Content-Type: .*?\n-{79}$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"^([A-Z0-9]{3,5}-?[A-Z0-9]{3,5})$", re.MULTILINE)


def mailed_code(site: LiveSite, address: str) -> str:
    """The site writes its mail to the log of the process that sends it; the code stands on its own line."""

    def newest() -> str:
        for text in reversed(_MAIL.findall(site.log("web"))):
            mail: Any = message_from_string(text, policy=policy.default)
            if mail["To"] == address and (found := _CODE.search(mail.get_content())):
                return str(found.group(1))
        return ""

    return eventually(newest, f"a code is mailed to {address}")


Act = Callable[[Locator], None]


def by_keyboard(wanted: Locator) -> None:
    """Press Tab until it has the focus, then what a keyboard presses there."""
    page = wanted.page
    expect(wanted).to_be_visible(timeout=LONG)
    for _step in range(400):
        if wanted.evaluate("element => element === document.activeElement"):
            page.keyboard.press("Space" if wanted.get_attribute("type") == "checkbox" else "Enter")
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {wanted}")


def by_touch(wanted: Locator) -> None:
    wanted.click(timeout=LONG)


def write(into: Locator, text: str) -> None:
    """Into a field that may hold something already."""
    into.focus()
    into.page.keyboard.press("ControlOrMeta+a")
    into.page.keyboard.type(text)


@contextmanager
def reading(language: str) -> Iterator[None]:
    with translation.override(language):
        yield


def sign_up(page: Page, site: LiveSite, address: str, press: Act) -> None:
    page.goto("/")
    press(page.get_by_role("link", name=_("Sign in"), exact=True))
    press(page.get_by_role("link", name=_("Make one"), exact=True))
    page.wait_for_url("**/accounts/signup/**")
    write(page.locator("input[name=email]"), address)
    write(page.locator("input[name=password1]"), PASSWORD)
    write(page.locator("input[name=password2]"), PASSWORD)
    press(page.get_by_role("button", name=_("Make the account")))
    expect(page.get_by_role("heading", name=_("Enter the code"))).to_be_visible(timeout=LONG)
    write(page.locator("input[name=code]"), mailed_code(site, address))
    press(page.get_by_role("button", name=_("Confirm")))
    page.wait_for_url("**/welcome/**", timeout=LONG)


def begin(page: Page, press: Act) -> None:
    """Without the rules nothing begins; with them there is a project."""
    write(page.get_by_label(_("Your name")), "Nova")
    write(page.get_by_label(_("Name of your personal project")), "Night sky of Nova")
    press(page.get_by_role("button", name=_("Begin")))
    expect(page.get_by_text(_("Without the house rules nothing can be booked."))).to_be_visible(timeout=LONG)
    expect(page.get_by_label(_("Name of your personal project"))).to_have_value("Night sky of Nova")
    press(page.locator("input[name=accept]"))
    press(page.get_by_role("button", name=_("Begin")))
    page.wait_for_url("**/start/", timeout=LONG)
    expect(page.get_by_role("heading", name=_("Book your first slot"))).to_be_visible()


def book(page: Page, press: Act) -> None:
    """What the first page offers is free, fits the allowance and is on the node that answers."""
    expect(page.get_by_text("Workbench").first).to_be_visible()
    press(page.get_by_role("link", name=_("See it and book")))
    page.wait_for_url("**/book/**", timeout=LONG)
    preview = page.locator("#preview")
    expect(preview).to_contain_text("Universal allowance", timeout=LONG)
    press(preview.locator("form[method=post] button"))
    page.wait_for_url("**/reservations/**", timeout=LONG)
    expect(page.get_by_text(_("Left in this slot"))).to_be_visible()


def run_a_job(page: Page, press: Act) -> None:
    write(page.locator("textarea[name=script]"), "echo hello from $(uname -s); echo 42 > answer.txt")
    write(page.locator("[name=bring_back]"), "answer.txt")
    press(page.get_by_role("button", name=_("Queue this run")))
    expect(page.get_by_role("log")).to_contain_text("hello from Linux", timeout=3 * LONG)
    result = page.get_by_role("link", name="answer.txt")
    expect(result).to_be_visible(timeout=3 * LONG)
    with page.expect_download() as download:
        press(result)
    assert download.value.path().read_text() == "42\n"


def see_who_paid(page: Page, address: str) -> None:
    """The slot is over, as far as the books are concerned: its receipt names the allowance."""
    reservation = Reservation.objects.get(project__personal_to__email=address)
    _start, end = bounds(reservation.during)
    eventually(lambda: not reservation.runs.exclude(state="ended").exists(), "the job is over")
    settle.settle_ended(at=end + timedelta(seconds=1))
    page.reload()
    expect(page.get_by_role("heading", name=_("Charged"), exact=True)).to_be_visible(timeout=LONG)
    grant = Grant.objects.get(project=reservation.project, used__gt=0)
    assert grant.hours_used > 0
    expect(page.get_by_text(_("Paid from %s") % grant.name)).to_be_visible()
    page.goto("/start/")
    expect(page.get_by_role("heading", name=_("Your allowance"))).to_be_visible()
    expect(page.locator(".meter").first).not_to_contain_text("20.0 left")


def walk(page: Page, site: LiveSite, address: str, press: Act) -> None:
    sign_up(page, site, address, press)
    begin(page, press)
    book(page, press)
    run_a_job(page, press)
    see_who_paid(page, address)


def test_a_newcomer_comes_to_a_job_that_ran_by_keyboard_alone(
    windows: Windows, free_workbench: LiveSite
) -> None:
    with reading("en"):
        walk(windows.open(viewport=WIDE), free_workbench, "nova@example.net", by_keyboard)
    nova = User.objects.get(email="nova@example.net")
    assert (nova.name, nova.language) == ("Nova", "en")


@pytest.mark.matrix
def test_a_newcomer_comes_to_a_job_that_ran_in_french_on_a_telephone(
    windows: Windows, free_workbench: LiveSite
) -> None:
    page = windows.open(viewport=NARROW, locale="fr-FR", has_touch=True)
    with reading("fr"):
        walk(page, free_workbench, "nouvelle@example.net", by_touch)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    nova = User.objects.get(email="nouvelle@example.net")
    assert (nova.name, nova.language) == ("Nova", "fr")
