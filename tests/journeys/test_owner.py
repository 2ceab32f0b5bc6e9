"""Journey 3 from the statement to the price: an owner declares a machine's costs and publishes them."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from reservations.management.example_world.people import PASSWORD
from tests.journeys.conftest import Windows

OMAR = "omar@example.org"
NODE, NAME = "lyon-l4", "Lyon L4"
OTHER = "lyon-l40s"


def figure(page: Page) -> float:
    """The full cost of a delivered hour, as it stands beside the form."""
    return float(page.locator("aside .figure__value").inner_text().split()[0])


def go_on(page: Page, there: str) -> None:
    page.locator("form#wizard button.button--primary[name=next]").click()
    page.wait_for_url(re.compile(f"/draft/{there}/$"))


def begin(omar: Page) -> None:
    omar.goto("/start/")
    omar.get_by_role("link", name="My nodes").click()
    row = omar.get_by_role("row").filter(has=omar.get_by_role("link", name=NAME, exact=True))
    row.get_by_role("link", name=re.compile("Statement")).click()
    omar.get_by_role("button", name=re.compile("New statement|Go on with the draft")).click()
    omar.wait_for_url(re.compile("/draft/"))
    omar.goto(f"/nodes/{NODE}/statements/draft/purchase/")


def fill_in_the_purchase(omar: Page) -> None:
    before, price = figure(omar), omar.locator("[name='assets-0-price']")
    price.fill("560,000")  # the effect follows the typing
    expect(omar.locator("aside .figure__value")).not_to_contain_text(f"{before:.4f}")
    assert figure(omar) > before
    price.fill("a lot")  # what is wrong stays, and is told beside the field
    omar.locator("form#wizard button.button--primary[name=next]").click()
    expect(omar.get_by_text("“a lot” is not a number.")).to_be_visible()
    expect(price).to_have_value("a lot")
    price.fill("52,000")
    omar.get_by_role("button", name="Add another purchase").click()
    expect(omar.get_by_role("group", name="Purchase 2", exact=True)).to_be_visible()
    expect(price).to_have_value("52,000")
    for name, typed in (
        ("name", "Switch"),
        ("price", "3000"),
        ("purchased_on", "2026-02-01"),
        ("life_years", "6"),
    ):
        omar.locator(f"[name='assets-1-{name}']").fill(typed)


def publish(omar: Page) -> None:
    expect(omar.locator("main")).to_contain_text("Switch")
    expect(omar.locator("main")).to_contain_text("0.161")
    omar.get_by_role("button", name="Publish", exact=True).click()
    omar.wait_for_url(re.compile("/tariffs/new/$"))
    expect(omar.get_by_role("status").first).to_contain_text("is published. Now its price.")


def test_an_owner_goes_from_the_first_page_to_a_price(sign_in: Callable[..., Page], page: Page) -> None:
    omar = sign_in(OMAR, PASSWORD)
    begin(omar)
    fill_in_the_purchase(omar)
    go_on(omar, "power")
    omar.locator("[name=contract_price]").fill("0,161")
    for step in ("hosting", "people", "rest"):
        go_on(omar, step)
    omar.locator("[name=licences_year]").press("Enter")  # by keyboard alone
    omar.wait_for_url(re.compile("/draft/review/$"))
    publish(omar)
    asked = omar.locator("[name=price]")
    lower = f"{float(asked.input_value()) - 0.01:.4f}"
    asked.fill(lower)
    omar.get_by_role("button", name="Publish the price").click()
    omar.wait_for_url(re.compile(f"/nodes/{NODE}/$"))

    page.goto("/prices/")
    expect(page.get_by_role("row").filter(has_text=NAME).first).to_contain_text(lower)


def test_it_works_without_scripts(sign_in: Callable[..., Page], windows: Windows) -> None:
    omar = sign_in(OMAR, PASSWORD, java_script_enabled=False)
    omar.goto(f"/nodes/{OTHER}/statements/")
    omar.locator("form[action$='/draft/new/'] button").click()
    omar.goto(f"/nodes/{OTHER}/statements/draft/purchase/")
    price = omar.locator("[name='assets-0-price']")
    price.fill("63 500,50")
    omar.locator("button[name=add][value=assets]").click()
    expect(omar.locator("[name='assets-1-price']")).to_be_visible()
    expect(price).to_have_value("63,500.5")
    omar.locator("button[name=remove][value='assets-1']").click()
    expect(omar.locator("[name='assets-1-price']")).to_have_count(0)
    omar.locator("button[name=go][value=people]").click()
    omar.wait_for_url(re.compile("/draft/people/$"))
    omar.goto(f"/nodes/{OTHER}/statements/draft/discard/")
    omar.locator("main form button").click()
    omar.wait_for_url(re.compile("/statements/$"))
