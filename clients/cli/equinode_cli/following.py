"""A job's log as it comes, until the job is over."""

from __future__ import annotations

import time
from collections.abc import Callable

from equinode_cli.site import Site

SOON, LATEST = 0.4, 3.0  # seconds between two looks


def follow(
    site: Site, uid: str, *, printed: Callable[[str], None], changed: Callable[[str], None], until_over: bool
) -> None:
    """All that was printed, and with `until_over` all that will be. `changed` is told each new state."""
    position, state, pause = "0", "", SOON
    while True:
        answer = site.text(f"runs/{uid}/log", after=position)
        text, before = answer.text, position
        position = answer.headers["Log-Position"]
        if answer.headers["Run-State"] != state:
            state = answer.headers["Run-State"]
            changed(state)
        if text:
            printed(text)
        if answer.headers["Run-Over"] == "true" or (position == before and not until_over):
            return
        if not until_over:
            continue
        # A job that is silent is looked at less often.
        pause = SOON if text else min(pause * 1.5, LATEST)
        time.sleep(pause)
