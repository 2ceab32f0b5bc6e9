"""What the price table costs the server, and a chart its reader, on a site with three years behind it."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, sync_playwright

from bench import figures
from tests.journeys.conftest import CHROMIUM, FLAGS, WIDE
from tests.live import LiveSite

TIMES = 7
CHART = "/nodes/priced/costs/"
BAR = "figure[data-chart=waterfall] .point path"
# Milliseconds since the navigation began, and kilobytes that have come over the wire by then.
SPENT = """() => [
    performance.now(),
    ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
        .reduce((sum, one) => sum + one.transferSize, 0) / 1000,
]"""


def measure() -> None:
    site = LiveSite("prices")
    try:
        site.prepare(seed=False)
        run = "from bench import priced; priced.report()"
        print(site.manage("shell", "--no-imports", "--verbosity=0", "--command", run))
        site.start("web")
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            _report_charts(chromium, site.url)
            chromium.close()
    finally:
        site.stop()


def _report_charts(chromium: Browser, url: str) -> None:
    cold, again = [], []
    for _ in range(TIMES):
        context = chromium.new_context(base_url=url, viewport=WIDE)  # type: ignore[arg-type]
        page = context.new_page()
        cold.append(_first_bar(page))
        again.append(_first_bar(page))
        context.close()
    rows = [["nothing kept", *_medians(cold)], ["with the browser's cache", *_medians(again)]]
    figures.table(
        f"From opening {CHART} in Chromium to the first bar of its chart, median of {TIMES}",
        ["", "ms", "kB over the wire"],
        rows,
    )


def _first_bar(page: Page) -> tuple[float, float]:
    page.goto(CHART, wait_until="commit")
    page.wait_for_selector(BAR, state="attached")
    milliseconds, kilobytes = page.evaluate(SPENT)
    return milliseconds, kilobytes


def _medians(spent: list[tuple[float, float]]) -> list[str]:
    return [f"{figures.median(column):.0f}" for column in zip(*spent, strict=True)]
