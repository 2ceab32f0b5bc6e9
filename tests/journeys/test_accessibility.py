"""Every page, in light and dark, wide and narrow, judged by axe against WCAG 2.2 AA.

The pages are found as a person finds them, by following links; a page that no link leads to, or
whose address has no name below, fails the test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.urls import Resolver404, resolve
from playwright.sync_api import Page

from common import clock
from reservations.management.example_world.people import PASSWORD
from reservations.models import NoShow, Reservation
from tests.journeys.conftest import NARROW, WIDE, Windows

ADA = "ada@example.org"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# Of the nodes, the one whose costs have evidence and pools behind them.
START = [
    "/nodes/lyon-h100/", "/compare/?node=lyon-h100&node=lyon-a100", "/", "/styleguide/", "/accounts/login/",
    "/me/",
]  # fmt: skip
# What a link may lead to that is not a page of this kind.
NOT_PAGES = re.compile(
    r"_(json|csv|zip|calendar)$|^(api_schema|checkpoint|run_log|run_file|run_events|evidence_file|tile|entries"
    r"|tlog_proof|mfa_download_recovery_codes)$"
)
OPEN_TO_ALL = {
    "home", "prices", "node", "policy", "policy_version", "fairness", "ledger", "ledger_entry", "status",
    "book",
    "styleguide", "accessibility", "account_login", "account_signup", "account_reset_password", "rules",
    "organisations", "organisation", "api_docs", "electricity", "electricity_zones", "exceptions",
    "site_costs", "flags", "pricing_policy", "node_costs", "how_costs_work", "compare", "market",
    "market_device", "evidence", "pool", "open_data", "open_data_set", "node_conformance",
}  # fmt: skip
FOR_MEMBERS = {
    "me", "start", "welcome", "projects", "project", "members", "leave", "apply", "reservation", "decision",
    "reservation_move", "reservation_extend", "reservation_release", "reservation_hand_over",
    "reservation_appeal",
    "account_email", "account_change_password", "account_reauthenticate", "security", "tokens", "data",
    "notices", "notice_preferences", "organisation_register",
}  # fmt: skip
# A quarter of an hour is 6 px wide in a week that fits a screen. WCAG 2.5.8 allows it, since the
# form beside the timetable makes the same choice ("equivalent"); axe cannot know that.
HOUR_IN_TIMETABLE = 'class="slot slot--'
MOVES_WHEN_NARROW = [
    "target-size", "scrollable-region-focusable", "aria-hidden-focus", "button-name", "link-name",
]  # fmt: skip
# A window of 1280 px at 400 % zoom (WCAG 1.4.10, reflow).
REFLOW = {"width": 320, "height": 256}
# A bar of the page's own width may be scrolled inside; the page itself may not.
WIDER_THAN_WINDOW = "() => document.documentElement.scrollWidth - window.innerWidth"


def links_of(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        "a[href]", "anchors => anchors.map(anchor => anchor.getAttribute('href'))"
    )
    return [urlsplit(link).path + (f"?{query}" if (query := urlsplit(link).query) else "") for link in found
            if link.startswith("/")]  # fmt: skip


def name_of(address: str) -> str | None:
    """The address's name, or None where it is no page: a download, the admin, another language."""
    try:
        match = resolve(urlsplit(address).path)
    except Resolver404:
        return None
    name = match.url_name or ""
    is_call = address.startswith("/api/v1/")
    return None if is_call or match.app_names or NOT_PAGES.search(name) else name


def walk(page: Page, start: Collection[str] = START, passing_by: Collection[str] = ()) -> Iterator[str]:
    """Open one page of each kind that links lead to, but those to pass by, and say its kind."""
    waiting, seen = list(start), set(passing_by)
    while waiting:
        address = waiting.pop(0)
        name = name_of(address)
        if name is None or name in seen:
            continue
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, f"{address}: {answer.status}"
        arrived = name_of(page.url)  # signing in may stand between
        if arrived is None or arrived in seen:
            continue
        seen.add(arrived)
        yield arrived
        waiting += links_of(page)


def axe_faults(page: Page, *, rules: list[str] | None = None, but: Collection[str] = ()) -> list[str]:
    """What of these rules, or of all but some, does not hold."""
    options = {
        "runOnly": {"type": "rule", "values": rules} if rules else WCAG, "resultTypes": ["violations"],
        "rules": {rule: {"enabled": False} for rule in but},
    }  # fmt: skip
    if not page.evaluate("'axe' in window"):  # once for a page: it is half a megabyte to read
        page.evaluate(AXE_SCRIPT)
    violations = page.evaluate("options => axe.run(options).then(told => told.violations)", options)
    return [
        f"{urlsplit(page.url).path}: {violation['id']}: {node['target']} {node['html'][:160]}"
        for violation in violations
        for node in violation["nodes"]
        if not (violation["id"] == "target-size" and HOUR_IN_TIMETABLE in node["html"])
    ]


def faults_of(page: Page) -> list[str]:
    """Everything in light; in dark only what can differ there, colours; narrow, what moves there."""
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    faults = axe_faults(page)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    faults += [f"dark {fault}" for fault in axe_faults(page, rules=["color-contrast"])]
    page.set_viewport_size(NARROW)
    faults += [f"narrow {fault}" for fault in axe_faults(page, rules=MOVES_WHEN_NARROW)]
    faults += overflow_faults(page)
    page.set_viewport_size(REFLOW)
    return faults + overflow_faults(page)


def overflow_faults(page: Page) -> list[str]:
    for _moment in range(30):  # a chart is drawn anew for the narrow window
        if (excess := page.evaluate(WIDER_THAN_WINDOW)) <= 0:
            return []
        page.wait_for_timeout(100)
    wide = page.viewport_size and page.viewport_size["width"]
    return [f"{urlsplit(page.url).path}: {excess} px wider than a window of {wide} px"]


def structure_faults(page: Page) -> list[str]:
    """What axe leaves to people: one title on the page, and the language it is in."""
    faults = []
    if (headings := page.get_by_role("heading", level=1).count()) != 1:  # those that are hidden are none
        faults.append(f"{page.url}: {headings} headings of the first level")
    if not page.title().endswith("– Equinode") or page.title().startswith(" "):
        faults.append(f"{page.url}: title {page.title()!r}")
    return faults


def test_a_visitor_meets_no_barrier(page: Page) -> None:
    seen, faults = set(), []
    for name in walk(page):
        seen.add(name)
        faults += faults_of(page) + structure_faults(page)
    assert faults == []
    assert OPEN_TO_ALL - seen == set(), "no link leads there"


def test_a_researcher_meets_no_barrier(sign_in: Callable[..., Page], rows: None) -> None:
    page = sign_in(ADA, PASSWORD)
    seen, faults = set(), []
    # The slot that the walk comes to first has begun; only one that has not can be moved.
    coming = Reservation.objects.filter(
        booked_by__email=ADA, state=Reservation.State.BOOKED, during__startswith__gt=clock.now()
    ).order_by("-during")  # the last of them: another may begin while we walk
    looked_at = NoShow.objects.filter(person__email=ADA)[0]  # which a notice leads to
    answered = "/book/?count=2&want=memory:0&hours=3"  # with slots that answer the need
    start = [*START, answered, f"{coming[0].get_absolute_url()}move/", looked_at.get_absolute_url()]
    for name in walk(page, start):
        seen.add(name)
        if name not in OPEN_TO_ALL - {"book"}:  # a visitor has been there, and it looks the same
            faults += faults_of(page) + structure_faults(page)
    assert faults == []
    assert FOR_MEMBERS - seen == set(), "no link leads there"


@pytest.mark.matrix
def test_the_pages_meet_no_barrier_in_french(windows: Windows) -> None:
    """Colours are the same as in English; the words are others, and longer."""
    page = windows.open(locale="fr-FR", viewport=NARROW, reduced_motion="reduce")
    faults = []
    for _name in walk(page):
        assert page.locator("html").get_attribute("lang") == "fr"
        page.set_viewport_size(NARROW)
        faults += axe_faults(page, but=["color-contrast"]) + overflow_faults(page)
        page.set_viewport_size(REFLOW)
        faults += overflow_faults(page)
    assert faults == []


def test_the_first_tab_leads_past_the_masthead(page: Page) -> None:
    page.goto("/styleguide/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_the_language_is_switched_with_the_keyboard_and_the_page_stays(page: Page) -> None:
    page.goto("/styleguide/")
    page.get_by_role("button", name="Français").press("Enter")
    page.wait_for_selector("html[lang=fr]")
    assert urlsplit(page.url).path == "/styleguide/"


def test_nothing_comes_from_another_house(page: Page) -> None:
    """And nothing is blocked by our own policy: `windows` fails the test on any such message."""
    hosts = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.goto("/styleguide/")
    page.goto("/accounts/signup/")
    assert hosts == {urlsplit(page.url).netloc}
