"""Journey 1: from the prices to a node, its costs as of now and of then, its evidence and the ledger."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import NARROW, Windows


def rows(page: Page) -> int:
    return page.locator("#prices tbody tr").count()


def filter_and_sort(page: Page) -> None:
    page.goto("/prices/")
    every = rows(page)
    assert every >= 8
    page.get_by_label("Owner").select_option("private")
    expect(page.locator("#prices tbody tr")).not_to_have_count(every)
    private = rows(page)
    assert 0 < private < every
    expect(page.get_by_role("status")).to_have_text(f"{private} of {every} nodes")
    expect(page).to_have_url(re.compile("owner=private"))
    page.get_by_role("link", name="Price against cost").click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Price against cost")
    expect(page).to_have_url(re.compile("(?=.*owner=private)(?=.*sort=against)"))
    page.go_back()
    page.go_back()
    expect(page.locator("#prices tbody tr")).to_have_count(every)


def read_the_working(page: Page) -> Locator:
    """What is paid for an hour, in the table of the figures."""
    page.goto("/nodes/lyon-h100/")
    said = page.locator("p.lede", has_text="An hour on one device costs")
    expect(said).to_contain_text("is charged")
    assert page.locator("script[src*=plotly]").count() == 0
    page.get_by_role("link", name="How this is worked out").click()
    expect(page).to_have_url(re.compile("/nodes/lyon-h100/costs/$"))
    for chart in ("waterfall", "cost_by_hour", "carbon_by_hour", "history"):
        drawn = page.locator(f"figure[data-chart={chart}][data-chart-drawn]")
        expect(drawn).to_be_attached()
        expect(drawn.locator("svg.main-svg").first).to_be_visible()
    paid = page.locator("tr", has=page.get_by_role("rowheader", name="You pay")).locator("td").nth(1)
    shown = page.locator("figure[data-chart=waterfall] .annotation-text").last
    assert abs(float(paid.inner_text()) - float(shown.text_content() or "")) <= 0.00005
    expect(page.get_by_role("heading", name="What changed and why")).to_be_visible()
    return paid


def look_back(page: Page, paid: Locator) -> None:
    now = paid.inner_text()
    cited = page.get_by_role("link", name="As of then").get_attribute("href") or ""
    page.get_by_label("As it stood on").fill("2026-01-15")
    page.get_by_role("button", name="Show the figures of then").click()
    expect(page.get_by_text("As it stood on 15 January 2026, 23:59:59 UTC.")).to_be_visible()
    assert paid.inner_text() != now
    page.get_by_label("As it stood on").fill("2199-01-01")
    page.get_by_role("button", name="Show the figures of then").click()
    expect(page.get_by_text("This moment is still to come")).to_be_visible()
    page.goto(cited)
    assert paid.inner_text() == now


def open_evidence_and_ledger(page: Page) -> None:
    page.locator("section:has(#evidence) a").first.click()
    expect(page).to_have_url(re.compile("/evidence/"))
    expect(page.get_by_role("main")).to_contain_text("SHA-256")
    page.go_back()
    page.locator("section:has(#proof) a", has_text="entry").first.click()
    expect(page).to_have_url(re.compile(r"/ledger/entries/\d+/"))
    expect(page.get_by_role("main")).to_contain_text("cost_statement")


def test_a_visitor_goes_from_the_prices_to_the_proof(page: Page) -> None:
    filter_and_sort(page)
    paid = read_the_working(page)
    look_back(page, paid)
    open_evidence_and_ledger(page)


def test_prices_are_filtered_and_sorted_without_scripts(windows: Windows) -> None:
    page = windows.open(java_script_enabled=False)
    page.goto("/prices/")
    every = rows(page)
    page.get_by_label("Owner").select_option("public")
    page.get_by_role("button", name="Show prices").click()
    page.wait_for_url("**owner=public**")
    assert 0 < rows(page) < every
    page.get_by_role("link", name="Full cost", exact=True).click()
    page.wait_for_url("**sort=**")
    assert "owner=public" in page.url
    page.locator("#prices tbody th a").first.click()
    expect(page.locator(".waterfall__step").last).to_contain_text("You pay")
    page.get_by_role("link", name="How this is worked out").click()
    expect(page.locator(".waterfall__step").last).to_contain_text("You pay")
    expect(page.get_by_role("rowheader", name="Full cost").first).to_be_visible()
    expect(page.locator("#citation")).to_contain_text("?as_of=")


@pytest.mark.matrix
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, NARROW])
def test_the_pages_fit_their_window_in_every_theme(
    windows: Windows, viewport: dict[str, int], scheme: str
) -> None:
    page = windows.open(viewport=viewport, color_scheme=scheme)
    page.goto("/prices/")
    overflow = "document.documentElement.scrollWidth - window.innerWidth"
    assert page.evaluate(overflow) <= 0
    page.locator("#prices tbody th a").first.click()
    expect(page.locator(".waterfall__step").last).to_contain_text("You pay")
    assert page.evaluate(overflow) <= 0
    page.get_by_role("link", name="How this is worked out").click()
    expect(page.locator("figure[data-chart=history][data-chart-drawn]")).to_be_attached()
    assert page.evaluate(overflow) <= 0
    ink = page.evaluate("getComputedStyle(document.querySelector('main')).color")
    drawn = page.locator("figure[data-chart=history] .legendtext").first
    assert drawn.evaluate("text => getComputedStyle(text).fill") == ink
