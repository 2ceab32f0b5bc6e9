"""How long the pages take on a large site, in the server, one request at a time.

Filling it takes ten minutes. BENCH_KEEP=True leaves the database where it is and finds it there the next
time, migrated to what the code is then; its slots stay on the days for which they were filled in.
"""

from __future__ import annotations

import os

from tests.live import LiveSite


def measure() -> None:
    keep = os.getenv("BENCH_KEEP") == "True"
    site = LiveSite("scale")
    try:
        site.prepare(reuse=keep)
        count = "from bench import crowd, visits; crowd.is_gathered() or crowd.gather(); visits.report()"
        print(site.manage("shell", "--no-imports", "--verbosity=0", "--command", count))
    finally:
        site.stop(keep=keep)
