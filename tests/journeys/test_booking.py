"""Journey 2, from the timetable to a job that ran, and journey 7, two people and one slot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from common import clock
from reservations.management.example_world.people import PASSWORD
from reservations.models import Decision, Reservation
from reservations.selectors.frame import QUARTER
from tests.live import LiveSite

SignIn = Callable[..., Page]
LONG = 20_000  # milliseconds: two cores serve, work and draw at once
DAY = 96  # quarter hours
PARIS = ZoneInfo("Europe/Paris")  # how everybody here reads times


def week_ahead(weeks: int) -> str:
    year, week, _ = timezone.localdate(clock.now() + timedelta(weeks=weeks), PARIS).isocalendar()
    return f"{year}-W{week:02}"


def open_timetable(page: Page, *, weeks: int = 1) -> None:
    page.goto(f"/book/?week={week_ahead(weeks)}")
    page.wait_for_load_state("networkidle")


def roomy_cell(page: Page, *, quarters: int = DAY) -> Locator:
    """The first cell that is free for so long on a node whose next device is free then, too."""
    chosen: dict[str, Any] | None = page.evaluate(
        """(quarters) => {
            for (const cell of document.querySelectorAll("td[data-free]")) {
                const [first, last] = [Number(cell.dataset.first), Number(cell.dataset.last)];
                const next = cell.closest("tr").nextElementSibling;
                const beside = next && [...next.querySelectorAll("td[data-free]")].some(
                    (other) => Number(other.dataset.first) <= first && Number(other.dataset.last) >= last);
                const device = cell.closest("tr").dataset.device;
                if (beside && last - first >= quarters) return {device, first};
            }
            return null;
        }""",
        quarters,
    )
    assert chosen is not None, "no free day on two devices of one node"
    return page.locator(f'tr[data-device="{chosen["device"]}"] td[data-first="{chosen["first"]}"] button')


def test_a_slot_is_picked_by_dragging_previewed_and_booked(sign_in: SignIn) -> None:
    page = sign_in("ada@example.org", PASSWORD)
    open_timetable(page)
    cell = roomy_cell(page)
    cell.scroll_into_view_if_needed()
    box = cell.bounding_box()
    row = cell.locator("xpath=ancestor::tr").bounding_box()
    assert box is not None
    assert row is not None
    page.mouse.move(box["x"] + 8, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 20, box["y"] + 10, steps=4)
    page.mouse.move(box["x"] + 24, box["y"] + 10 + row["height"], steps=4)
    page.mouse.up()
    preview = page.locator("#preview")
    expect(preview.get_by_text("You pay, EUR")).to_be_visible(timeout=LONG)
    expect(preview.get_by_text("Who can read data there")).to_be_visible()
    expect(preview.locator("dt", has_text="Level").locator("+ dd")).to_contain_text("→")  # what it does to it
    expect(page.locator("input[name=device]:checked")).to_have_count(2)
    expect(page.locator("[data-live]")).to_contain_text("2 devices,")
    preview.get_by_role("button", name="Book for EUR").click()
    page.wait_for_url("**/reservations/**", timeout=LONG)
    expect(page.get_by_role("heading", level=1)).to_contain_text("2 ×")
    expect(page.get_by_text("Starts in", exact=True)).to_be_visible()
    page.get_by_role("button", name="Cancel this reservation").click()
    expect(page.get_by_text("Cancelled. The time is free for others again.")).to_be_visible(timeout=LONG)


def test_a_need_is_answered_with_ranked_slots_of_which_one_is_booked(sign_in: SignIn) -> None:
    page = sign_in("ada@example.org", PASSWORD)
    page.goto("/book/")
    need = page.get_by_role("form", name="Say what you need")
    need.get_by_label("I need").fill("1")
    need.get_by_label("Device").select_option(label="24 GB of memory or more")
    need.get_by_label("For, hours").fill("1.5")
    need.get_by_role("button", name="Find slots").click()
    slots = page.get_by_role("table", name="Slots that answer what you need, the best first")
    expect(slots.locator("tbody tr").first).to_be_visible(timeout=LONG)
    page.get_by_role("navigation", name="Order of the slots").get_by_role("link", name="By price").click()
    expect(page.get_by_role("link", name="By price")).to_have_attribute("aria-current", "true")
    cheapest = slots.locator("tbody tr").first
    # Not what begins at once, whose price falls while this is read: it takes the rest of a quarter hour more.
    price, carbon, level = (cheapest.locator("td").nth(place).inner_text() for place in (1, 2, 3))
    assert "" not in (carbon, level)
    cheapest.get_by_role("link", name="Preview").click()
    preview = page.locator("#preview")
    expect(preview.get_by_text("You pay, EUR")).to_be_visible(timeout=LONG)
    expect(preview.locator("dt", has_text="Level").locator("+ dd")).to_contain_text("→")
    expect(preview.get_by_text("kg CO₂e expected")).to_be_visible()
    preview.get_by_role("button", name=f"Book for EUR {price}").click()
    page.wait_for_url("**/reservations/**", timeout=LONG)
    expect(page.get_by_role("heading", name="Price agreed")).to_be_visible()


def tab_to(wanted: Locator, *, inside: Locator) -> None:
    """Press Tab until `wanted` has the focus, never leaving `inside`."""
    expect(inside).to_be_focused()
    while not wanted.evaluate("element => element === document.activeElement"):
        wanted.page.keyboard.press("Tab")
        assert inside.evaluate("element => element.contains(document.activeElement)")


def test_a_slot_is_picked_and_booked_by_keyboard_alone(sign_in: SignIn) -> None:
    page = sign_in("ada@example.org", PASSWORD)
    open_timetable(page, weeks=2)
    roomy_cell(page).focus()
    press = page.keyboard.press
    press("Enter")
    said = page.locator("[data-live]")
    expect(said).to_contain_text("1 h")
    for _ in range(3):
        press("ArrowRight")
    expect(said).to_contain_text("1 h 45 min")
    press("ArrowDown")
    expect(said).to_contain_text("1 h 30 min")
    press("Shift+ArrowDown")
    expect(said).to_contain_text("2 devices,")
    press("Escape")
    expect(said).to_have_text("Nothing selected")
    press("Enter")
    expect(said).to_contain_text("1 device,")
    book = page.locator("#preview").get_by_role("button", name="Book for EUR")
    expect(book).to_be_visible(timeout=LONG)
    press("Enter")  # on what is selected: to its price, past every other cell
    tab_to(book, inside=page.locator("#preview"))
    press("Enter")
    page.wait_for_url("**/reservations/**", timeout=LONG)
    expect(page.get_by_role("heading", name="Price agreed")).to_be_visible()


def book_at_once(page: Page) -> None:
    """The plain form: a device, at once, for at least 45 minutes."""
    page.goto("/book/")
    workbench = page.locator("tbody", has=page.locator("a[href='/nodes/workbench/']"))
    workbench.get_by_role("checkbox").first.check()
    page.get_by_label("Start at once").check()
    ends = timezone.localtime(clock.now() + 4 * QUARTER, PARIS)
    ends = ends.replace(minute=ends.minute // 15 * 15, second=0)
    page.get_by_label("To", exact=True).fill(f"{ends:%Y-%m-%dT%H:%M}")
    page.locator("#preview").get_by_role("button", name="Book for EUR").click(timeout=LONG)
    page.wait_for_url("**/reservations/**", timeout=LONG)


def test_a_job_runs_in_a_slot_that_starts_at_once(sign_in: SignIn, free_workbench: LiveSite) -> None:
    page = sign_in("ada@example.org", PASSWORD)
    book_at_once(page)
    expect(page.get_by_text("Left in this slot")).to_be_visible()
    page.get_by_label("Command or script").fill(
        "echo first line; sleep 4; mkdir -p out; echo 42 > out/answer.txt; echo seed $SEED; exit 3"
    )
    page.get_by_label("Environment").fill("SEED=7")
    page.get_by_label("Files to bring back").fill("out/*")
    page.get_by_role("button", name="Queue this run").click()
    expect(page.get_by_text("Run 1 is queued.")).to_be_visible(timeout=LONG)
    log = page.get_by_role("log")
    expect(log).to_contain_text("first line", timeout=3 * LONG)
    expect(log).to_contain_text("seed 7", timeout=LONG)
    expect(page.get_by_text("The job ended by itself, exit code 3")).to_be_visible(timeout=3 * LONG)
    with page.expect_download() as download:
        page.get_by_role("link", name="out/answer.txt").click()
    assert download.value.path().read_text() == "42\n"
    expect(page.get_by_role("heading", name="Measured, run 1")).to_be_visible()


def test_of_two_who_want_one_slot_the_loser_is_told_and_offered_the_next(sign_in: SignIn) -> None:
    winner, loser = sign_in("ada@example.org", PASSWORD), sign_in("timo@example.org", PASSWORD)
    open_timetable(winner, weeks=2)
    cell = roomy_cell(winner)
    device = cell.evaluate("(button) => button.closest('tr').dataset.device")
    first = cell.evaluate("(button) => button.closest('td').dataset.first")
    open_timetable(loser, weeks=2)
    same = loser.locator(f'tr[data-device="{device}"] td[data-first="{first}"] button')
    cell.press("Enter")
    same.press("Enter")
    button = loser.locator("#preview form button")
    expect(button).to_be_visible(timeout=LONG)
    expect(winner.locator("#preview").get_by_role("button", name="Book for EUR")).to_be_visible(timeout=LONG)
    winner.locator("#preview").get_by_role("button", name="Book for EUR").click()
    winner.wait_for_url("**/reservations/**", timeout=LONG)
    button.click()
    expect(loser.locator(".rule--refused").first).to_be_visible(timeout=LONG)
    assert "Protein shapes" in loser.locator(".rule--refused").first.inner_text()
    loser.locator(".notice--good a.button").click()
    again = loser.locator("#preview form button")
    expect(again).to_be_visible(timeout=LONG)
    again.click()
    loser.wait_for_url("**/reservations/**", timeout=LONG)


def test_a_refusal_has_its_reasons_and_a_slot_that_is_over_its_charge(
    sign_in: SignIn, site: LiveSite, rows: None
) -> None:
    page = sign_in("ada@example.org", PASSWORD)
    refused = Decision.objects.filter(project__slug="protein-shapes", outcome="refused").latest("pk")
    page.goto(refused.get_absolute_url())
    expect(page.locator(".rule--refused").first).to_be_visible()
    over = Reservation.objects.filter(project__slug="protein-shapes", settled_at__isnull=False, state="ended")
    page.goto(over.latest("pk").get_absolute_url())
    expect(page.locator("dl.receipt .receipt__line--sum").first).to_be_visible()
    expect(page.get_by_role("heading", name="Why you have it")).to_be_visible()


def test_a_slot_is_booked_without_scripts(sign_in: SignIn) -> None:
    sign_in("ada@example.org", PASSWORD)
    page = sign_in("ada@example.org", PASSWORD, java_script_enabled=False)
    page.goto(f"/book/?week={week_ahead(3)}")
    page.locator("td[data-free] button").first.click()
    page.locator("#preview").get_by_role("button", name="Book for EUR").click(timeout=LONG)
    page.wait_for_url("**/reservations/**", timeout=LONG)
    expect(page.get_by_role("heading", name="Price agreed")).to_be_visible()
