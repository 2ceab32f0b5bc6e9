"""What a journey needs: a live site with its example world, a real agent, a real browser.

`rows` lets a test read and write the live site's database with the models; without it a journey
sees only what a person sees. Start with `page` (nobody signed in) or `sign_in("ada@...")`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from playwright._impl._driver import compute_driver_executable
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from pytest_django.plugin import DjangoDbBlocker

from common import clock
from nodes.models import Hold, Lease
from nodes.services import occupancy
from reservations.models import Run
from reservations.services import runs
from tests.live import LiveSite, eventually

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
# No sandbox as root; no calls home, which a closed network refuses many at a time.
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENT = 30_000  # milliseconds: two cores serve, work and draw for two browsers at once
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(os.path.dirname(__file__)):
            item.add_marker(pytest.mark.journey)


@pytest.fixture(scope="session")
def site() -> Iterator[LiveSite]:
    """The example world on its own database, served, with a worker and beat."""
    run, worker = os.environ.get("TEST_RUN", str(os.getpid())), os.environ.get("PYTEST_XDIST_WORKER", "gw")
    live = LiveSite(f"{run}_{worker}")
    try:
        live.prepare()
        live.start("web", "worker", "beat")
        yield live
    finally:
        live.stop()


@pytest.fixture(scope="session")
def agent(site: LiveSite) -> LiveSite:
    """The live site with a real agent on its node `workbench`, so that booked jobs really run."""
    site.start_agent()
    return site


@pytest.fixture
def rows(
    site: LiveSite, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Point the models at the live site's database, and what they announce at its broker, for one test."""
    # Playwright's sync API keeps an event loop in this thread, which Django would refuse.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    monkeypatch.setattr("django.conf.settings.REDIS_URL", site.redis_url)
    usual = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():
        connection.close()
        connection.settings_dict["NAME"] = site.database
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = usual


@pytest.fixture
def free_workbench(agent: LiveSite, rows: None) -> LiveSite:
    """The machine that runs these tests, with nobody holding it and nothing running on it."""

    def is_still() -> bool:
        # Again and again: what was queued may be handed over while we look.
        for run in Run.objects.filter(node__slug="workbench", state__in=["queued", "leased", "running"]):
            runs.stop_run(run=run, by=run.created_by, at=clock.now())
        return not Lease.objects.live().filter(node__slug="workbench").exists()

    eventually(is_still, "the job of the example world is stopped")
    holds = Hold.objects.filter(device__node__slug="workbench")
    for reference in set(holds.values_list("reference", flat=True)):
        occupancy.release_holds(reference=reference, at=clock.now())
    return agent


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not os.path.exists(CHROMIUM):
        pytest.skip(f"{CHROMIUM} is not installed: no journey was walked")
    # A program of its own, which may miss a library of the system's; it does not say so by itself.
    driver = subprocess.run(
        [*compute_driver_executable(), "--version"], capture_output=True, text=True, check=False
    )
    if driver.returncode:
        pytest.skip(f"Playwright cannot start, no journey was walked: {driver.stderr.strip()}")
    expect.set_options(timeout=PATIENT)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Windows:
    """Opens pages and remembers what went wrong in them."""

    def __init__(self, browser: Browser, site: LiveSite) -> None:
        self._browser, self._site = browser, site
        self._contexts: list[BrowserContext] = []
        self.faults: list[str] = []

    def open(self, **options: object) -> Page:
        defaults = {
            "base_url": self._site.url,
            "viewport": WIDE,
            "locale": "en-GB",
            "timezone_id": "Europe/Paris",
        }
        context = self._browser.new_context(**(defaults | options))  # type: ignore[arg-type]
        context.set_default_timeout(PATIENT)
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._hear(page, message))
        return page

    def _hear(self, page: Page, message: ConsoleMessage) -> None:
        # A blocked script or style is a fault. A refusal's 4xx is not, nor is a preview that was still
        # on its way when the page was left, which htmx also logs as an error.
        harmless = ("Failed to load resource", "htmx:afterRequest", "htmx:sendError", "htmx:sendAbort")
        if message.type == "error" and not message.text.startswith(harmless):
            self.faults.append(f"{page.url}: {message.text}")

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def windows(browser: Browser, site: LiveSite) -> Iterator[Windows]:
    """For tests that need another width, language or several people at once: `windows.open(...)`."""
    opened = Windows(browser, site)
    yield opened
    opened.close()
    assert opened.faults == []


@pytest.fixture
def page(windows: Windows) -> Page:
    """A wide window in English; nobody is signed in. Addresses are relative to the site."""
    return windows.open()


@pytest.fixture(scope="session")
def _sessions() -> dict[str, object]:
    return {}


@pytest.fixture
def sign_in(windows: Windows, _sessions: dict[str, object]) -> Callable[..., Page]:
    """`sign_in(email, password)` gives a window in which that person is signed in.

    The form is filled once per person and run: allauth limits how often one address may try.
    """

    def signed_in(email: str, password: str, **options: object) -> Page:
        if email in _sessions:
            return windows.open(storage_state=_sessions[email], **options)
        page = windows.open(**options)
        page.goto("/accounts/login/")
        page.locator("input[name=login]").fill(email)
        page.locator("input[name=password]").fill(password)
        page.locator("input[name=password]").press("Enter")
        page.wait_for_url(lambda url: "/accounts/login/" not in url)
        _sessions[email] = page.context.storage_state()
        return page

    return signed_in
