"""What others read of nodes: who holds which device when, leases, and whether a node answers.

Holds are looked up by `int8range(device, device, '[]')`: only that expression can use the index of
the exclusion constraint (`device = ANY(...)` was measured 40 times slower).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import Max

from common.ranges import between, bounds
from nodes.domain import intervals
from nodes.models import Agent, Hold, Lease, LogChunk, Node

# docs/agent-protocol.md: an agent reports every ten seconds. Three missed reports in a row are not chance.
HEARTBEAT_EVERY = timedelta(seconds=10)
UNREACHABLE_AFTER = 3 * HEARTBEAT_EVERY

_OVERLAPPING = """
    SELECT id, uid, device_id, during, reference, kind FROM nodes_hold
    WHERE int8range(device_id, device_id, '[]') && %s::int8multirange AND during && %s
    ORDER BY {}
"""


def occupancy(*, device_ids: Iterable[int], start: datetime, end: datetime) -> list[Hold]:
    """The holds that touch [start, end) on these devices, device by device."""
    return _overlapping(device_ids, start, end, "device_id, lower(during)")


def conflicts(*, device_ids: Iterable[int], start: datetime, end: datetime) -> list[Hold]:
    """The holds in the way of [start, end) on these devices, earliest first."""
    return _overlapping(device_ids, start, end, "lower(during), device_id")


def _overlapping(device_ids: Iterable[int], start: datetime, end: datetime, order: str) -> list[Hold]:
    points = intervals.point_ranges(device_ids)
    return list(Hold.objects.raw(_OVERLAPPING.format(order), [points, between(start, end)]))


def next_free(
    *, device_ids: Sequence[int], length: timedelta, after: datetime, until: datetime
) -> datetime | None:
    """The earliest 15-minute mark from which all these devices are free for `length`, over by `until`."""
    if after >= until:
        return None
    taken = (as_interval(hold) for hold in conflicts(device_ids=device_ids, start=after, end=until))
    return intervals.earliest_gap(taken, length=length, after=after, until=until)


def as_interval(hold: Hold) -> intervals.Interval:
    return intervals.Interval(*bounds(hold.during))


def last_seen(nodes: Iterable[Node]) -> dict[int, datetime | None]:
    """When the present agent of each node last called; nodes without an agent are absent."""
    seen = Agent.objects.filter(node__in=list(nodes), revoked_at__isnull=True)
    return dict(seen.values_list("node_id").annotate(Max("last_seen_at")))


def is_recent(seen: datetime | None, now: datetime) -> bool:
    return seen is not None and now - seen <= UNREACHABLE_AFTER


def is_reachable(node: Node, now: datetime) -> bool:
    """Whether the node's agent has called within the last three heartbeats."""
    return is_recent(last_seen([node]).get(node.pk), now)


def lease_of(reference: str) -> Lease | None:
    """The newest lease for this reference."""
    return Lease.objects.filter(reference=reference).order_by("-fence", "-pk").first()


def log_since(lease: Lease, seq: int) -> list[LogChunk]:
    """The pieces of a job's log after number `seq`, in order."""
    return list(lease.log.filter(seq__gt=seq))
