"""When to ask again, and when to give up: backing off, spread out, and as long as the site asks for."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from equinode_cli.errors import SiteAway

FIRST, LONGEST = 0.5, 10.0  # seconds between two attempts, where the site does not say


class Patience:
    """How many seconds one call may wait in all. `on_wait` is told the seconds before each pause."""

    def __init__(self, seconds: float, on_wait: Callable[[float], None] | None = None) -> None:
        self._left, self._pause = seconds, FIRST
        self._on_wait = on_wait

    def wait_or_raise(self, fault: SiteAway, asked: float | None = None) -> None:
        # Spread out, so that a site that comes back is not met by everybody at once.
        spread = self._pause * random.uniform(0.7, 1.3)  # noqa: S311 - not a secret
        seconds = spread if asked is None else asked + spread / 10
        if seconds > self._left:
            raise fault
        self._left -= seconds
        self._pause = min(self._pause * 2, LONGEST)
        if self._on_wait:
            self._on_wait(seconds)
        time.sleep(seconds)


def retry_after(header: str | None, at: datetime) -> float | None:
    """RFC 9110, 10.2.3: seconds, or a date."""
    if not header:
        return None
    if header.strip().isdigit():
        return float(header.strip()[:9])
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - at).total_seconds())
