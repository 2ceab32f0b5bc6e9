"""Journey 3: an owner lists a machine, a real agent joins it, its costs are declared and published."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from reservations.management.example_world.people import PASSWORD
from tests.journeys.conftest import Windows
from tests.live import SCRIPTS, LiveSite

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


NEW, NEW_NAME = "lyon-spare", "Lyon spare"


def enter(omar: Page) -> None:
    omar.goto("/owner/")
    omar.get_by_role("link", name=re.compile("^List a node")).first.click()
    omar.get_by_label("Name", exact=True).fill(NEW_NAME)
    omar.get_by_label("Address").fill(NEW)
    omar.get_by_role("button", name="Go on to the agent").click()
    omar.wait_for_url(re.compile(f"/nodes/{NEW}/agent/$"))


def enrol(omar: Page, site: LiveSite, state: Path) -> None:
    """As pasted on the machine: the token in the environment, the site's key by its fingerprint."""
    omar.get_by_role("button", name="Make the command").click()
    expect(omar.get_by_text("Waiting for the agent.")).to_be_visible()
    command = omar.locator("#command").inner_text().split()
    name, _is, token = command[0].partition("=")
    program = [str(SCRIPTS / command[1]), *command[2:], "--state", str(state)]
    done = subprocess.run(
        program, env=site.environment | {name: token}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_an_owner_lists_a_machine_that_a_real_agent_describes(
    site: LiveSite, sign_in: Callable[..., Page], page: Page, tmp_path: Path
) -> None:
    omar = sign_in(OMAR, PASSWORD)
    enter(omar)
    assert page.goto(f"/nodes/{NEW}/").status == 404, "nobody else sees a draft"  # type: ignore[union-attr]
    enrol(omar, site, tmp_path / "agent")
    expect(omar.get_by_text("The agent is here.")).to_be_visible()  # without loading the page again
    omar.get_by_role("link", name="Look at what it found").click()
    expect(omar.get_by_label("Processor", exact=True)).not_to_have_value("")
    expect(omar.get_by_label("How many").first).not_to_have_value("")
    omar.get_by_role("button", name="List the node").click()
    omar.wait_for_url(re.compile(f"/nodes/{NEW}/statements/$"))
    page.goto(f"/nodes/{NEW}/")
    expect(page.get_by_role("heading", name="How it kept its slots")).to_be_visible()

    omar.goto(f"/nodes/{NEW}/withdraw/")
    expect(omar.get_by_text("Nothing is booked here: nobody loses anything.")).to_be_visible()
    omar.get_by_label("Reason", exact=True).fill("It goes back to its maker.")
    omar.get_by_role("button", name="Withdraw the node").click()
    omar.wait_for_url(re.compile(f"/nodes/{NEW}/operate/$"))
    page.reload()
    expect(page.get_by_text("Withdrawn from booking")).to_be_visible()


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
