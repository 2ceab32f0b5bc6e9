"""Journey 5: a steward drafts the next policy, holds the past against it and announces it to everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import Page, expect

from common import clock
from reservations.management.example_world.people import PASSWORD
from tests.journeys.test_security import take_a_passkey
from tests.live import LiveSite

STEWARD = "stella@example.org"
REASON = "A quarter for public interest: the courses of the spring asked for it."
LONG = 30_000  # milliseconds: a worker decides the past again meanwhile


@pytest.fixture
def steward(site: LiveSite, sign_in: Callable[..., Page], rows: None) -> Iterator[Page]:
    """Stella with her passkey: browsers give those to names, not to numbers."""
    page = sign_in(STEWARD, PASSWORD, base_url=site.url.replace("127.0.0.1", "localhost"))
    take_a_passkey(page, PASSWORD)
    yield page
    Authenticator.objects.filter(user__email=STEWARD).delete()


def call_off(page: Page) -> None:
    """One is announced at a time: that of the example makes way."""
    page.goto("/steward/policy/")
    page.get_by_role("link", name="Call it off").click()
    page.get_by_label("Reason").fill("Another one follows.")
    page.get_by_role("button", name="Call it off").press("Enter")
    page.wait_for_url(lambda url: "call-off" not in url)


def hold_against_the_past(page: Page) -> None:
    page.get_by_role("link", name="Hold the last 90 days against it").press("Enter")
    page.get_by_role("button", name="Decide them again").press("Enter")
    page.wait_for_url("**/steward/replay/*-*/")
    expect(page.get_by_text("Granted then, refused now").first).to_be_visible(timeout=LONG)
    expect(page.get_by_text("What this cannot know.")).to_be_visible(timeout=LONG)


def test_a_policy_is_drafted_held_against_the_past_announced_and_read(steward: Page) -> None:
    page = steward
    call_off(page)
    page.goto("/steward/policy/")
    page.get_by_role("button", name="Begin a draft").press("Enter")
    page.wait_for_url("**/drafts/**")
    draft = page.url
    page.locator("input[name=floor_share]").fill("1/4")
    page.locator("input[name=floor_share]").press("Enter")
    page.wait_for_url("**/review/")
    expect(page.locator("section[aria-labelledby=di]")).to_contain_text("25 %")
    hold_against_the_past(page)

    page.goto(f"{draft}review/")
    day = (clock.now() + timedelta(days=15)).date()
    page.get_by_label("Takes effect on").fill(day.isoformat())
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name="Publish the policy").press("Enter")
    page.wait_for_url(lambda url: "/drafts/" not in url)
    page.goto("/policy/")
    expect(page.get_by_text(REASON).first).to_be_visible()
    page.goto("/ledger/?kind=policy")
    expect(page.get_by_role("main")).to_contain_text("policy")


def test_anybody_reads_who_got_what_week_by_week(page: Page) -> None:
    page.goto("/fairness/")
    expect(page.get_by_role("heading", name="Public-interest floor")).to_be_visible()
    expect(page.locator("figure[data-chart=shares][data-chart-drawn]")).to_be_visible(timeout=LONG)
