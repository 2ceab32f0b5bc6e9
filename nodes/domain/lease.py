"""Leases: which states follow which, when a job is stopped, and when a silent agent counts as gone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

HEARTBEAT_EVERY = timedelta(seconds=10)  # docs/agent-protocol.md, "enrol"
# Ten times as many as are asked for: an agent that restarts, or whose answers get lost, beats more often.
MOST_BEATS, BEATS_WITHIN = 30, timedelta(seconds=30)
TIME_TO_LIVE = timedelta(minutes=10)  # as long as GitHub's job lock
# Seconds before the slot's end; in proportion for slots under 30 minutes.
TERMINATE_BEFORE_END = timedelta(seconds=90)
KILL_BEFORE_END = timedelta(seconds=30)
FULL_OFFSETS_FROM = timedelta(minutes=30)
# The agent counts from when it received an answer, the site from when it wrote it. The site waits
# longer than an answer may be on its way, and than the last kill takes: it must not give a device
# to somebody else while the first job could still run.
SKEW = timedelta(minutes=2)
# How late an agent that was cut off may still report how a job that was kept has ended.
REPORT_GRACE = timedelta(minutes=10)

NEXT_STATES: Mapping[str, frozenset[str]] = {
    "waiting": frozenset({"staged", "running", "ended", "lost"}),
    "staged": frozenset({"running", "ended", "lost"}),
    "running": frozenset({"ended", "lost"}),
    "ended": frozenset(),
    "lost": frozenset(),
}


def leads_forward(state: str, reported: str) -> bool:
    return reported in NEXT_STATES[state]


def expiry(now: datetime, ends_at: datetime) -> datetime:
    """Until when a lease renewed now lives: never past its slot."""
    return min(now + TIME_TO_LIVE, ends_at)


def stop_offsets(slot: timedelta) -> tuple[timedelta, timedelta]:
    """How long before the end SIGTERM and SIGKILL are sent."""
    share = min(1.0, slot / FULL_OFFSETS_FROM)
    return TERMINATE_BEFORE_END * share, KILL_BEFORE_END * share


def lost_from(*, on_disconnect: str, expires_at: datetime, ends_at: datetime) -> datetime:
    """From when a live lease counts as lost, unless its agent reports before.

    `keep`: the job runs on through an outage of the site, so only the end of the slot tells.
    `stop`: the agent has stopped the job by the lease's end, so it may move soon after.
    """
    by_slot = ends_at + REPORT_GRACE
    return min(by_slot, expires_at + SKEW) if on_disconnect == "stop" else by_slot
