"""How many queries a page and a booking take, in the example world."""

from __future__ import annotations

from tests.live import LiveSite


def measure() -> None:
    site = LiveSite("bench")
    try:
        site.prepare()
        count = "from bench import counting; counting.report()"
        print(site.manage("shell", "--no-imports", "--verbosity=0", "--command", count))
    finally:
        site.stop()
