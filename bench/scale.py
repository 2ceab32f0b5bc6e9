"""How long the pages take on a large site, in the server, one request at a time."""

from __future__ import annotations

from tests.live import LiveSite


def measure() -> None:
    site = LiveSite("scale")
    try:
        site.prepare()
        count = "from bench import crowd, visits; crowd.gather(); visits.report()"
        print(site.manage("shell", "--no-imports", "--verbosity=0", "--command", count))
    finally:
        site.stop()
