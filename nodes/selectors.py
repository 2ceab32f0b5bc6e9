"""What others read of nodes: who holds which device when, leases, and whether a node answers.

Holds are looked up by `int8range(device, device, '[]')`: only that expression can use the index of
the exclusion constraint (`device = ANY(...)` was measured 40 times slower).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max

from common.prepared import prepared
from common.ranges import between
from nodes.domain import conformance, intervals
from nodes.domain.lease import HEARTBEAT_EVERY
from nodes.models import Agent, Hold, Lease, LogChunk, Node, NodeCheck, NodeInventory

# Three heartbeats missed in a row are not chance.
UNREACHABLE_AFTER = 3 * HEARTBEAT_EVERY

_TOUCHING = """
    FROM nodes_hold
    WHERE int8range(device_id, device_id, '[]') && %s::int8multirange AND during && %s
"""
# Two ends are read in C; a range is taken apart in Python.
_HOLDS = f"""
    SELECT id, uid, device_id, lower(during), upper(during), reference, kind {_TOUCHING}
    ORDER BY lower(during), device_id
"""
# Merged in the database: a full month of eight devices is one row.
_TAKEN = f"""
    SELECT lower(span), upper(span)
    FROM (SELECT unnest(range_agg(during)) {_TOUCHING}) AS taken (span)
"""  # noqa: S608

# What is left of a span on each device; a week of a busy site is thousands of holds.
_FREE = f"""
    SELECT device_id, lower(free), upper(free)
    FROM unnest(%s::bigint[]) AS device_id
    LEFT JOIN (SELECT device_id, range_agg(during) AS taken {_TOUCHING} GROUP BY device_id) AS held
        USING (device_id),
        unnest(tstzmultirange(%s) - COALESCE(taken, '{{}}')) AS free
    ORDER BY device_id, lower(free)
"""  # noqa: S608


def free_time(
    *, device_ids: Sequence[int], start: datetime, end: datetime
) -> dict[int, list[intervals.Interval]]:
    """When nobody holds these devices in [start, end), in order of time; what is never free has none."""
    free: dict[int, list[intervals.Interval]] = {device_id: [] for device_id in device_ids}
    if start >= end:
        return free
    span = between(start, end)
    with prepared() as cursor:
        cursor.execute(_FREE, [list(device_ids), intervals.point_ranges(device_ids), span, span])
        for device_id, lower, upper in cursor.fetchall():
            free[device_id].append(intervals.Interval(lower, upper))
    return free


def conflicts(*, device_ids: Iterable[int], start: datetime, end: datetime) -> list[Hold]:
    """The holds in the way of [start, end) on these devices, earliest first."""
    return [
        Hold(
            id=pk, uid=uid, device_id=device_id, during=between(lower, upper), reference=reference, kind=kind
        )
        for pk, uid, device_id, lower, upper, reference, kind in _rows(_HOLDS, device_ids, start, end)
    ]


def _rows(sql: str, device_ids: Iterable[int], start: datetime, end: datetime) -> list[tuple[Any, ...]]:
    with prepared() as cursor:
        cursor.execute(sql, [intervals.point_ranges(device_ids), between(start, end)])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def next_free(
    *, device_ids: Sequence[int], length: timedelta, after: datetime, until: datetime
) -> datetime | None:
    """The earliest 15-minute mark from which all these devices are free for `length`, over by `until`."""
    if after >= until:
        return None
    taken = [intervals.Interval(*row) for row in _rows(_TAKEN, device_ids, after, until)]
    return intervals.earliest_gap(taken, length=length, after=after, until=until)


def last_seen(nodes: Iterable[Node]) -> dict[int, datetime | None]:
    """When the present agent of each node last called; nodes without an agent are absent."""
    seen = Agent.objects.filter(node__in=list(nodes), revoked_at__isnull=True)
    return dict(seen.values_list("node_id").annotate(Max("last_seen_at")))


def is_recent(seen: datetime | None, now: datetime) -> bool:
    """Whether a node whose agent called then counts as reachable: within the last three heartbeats."""
    return seen is not None and now - seen <= UNREACHABLE_AFTER


def lease_of(reference: str) -> Lease | None:
    """The newest lease for this reference."""
    return Lease.objects.filter(reference=reference).order_by("-fence", "-pk").first()


def log_since(lease: Lease, seq: int) -> list[LogChunk]:
    """The pieces of a job's log after number `seq`, in order."""
    return list(lease.log.filter(seq__gt=seq))


def reference_of(node: Node, agent_id: int) -> conformance.Figures | None:
    """The figures of the last conformance check that this agent passed."""
    passed = node.checks.filter(
        agent=agent_id, purpose=NodeCheck.Purpose.CONFORMANCE, state=NodeCheck.State.PASSED
    ).first()
    return conformance.Figures.of_json(passed.figures) if passed else None


def consecutive_of(node: Node, agent_id: int) -> int:
    """Spot checks in a row within their tolerance, since the last conformance check that was failed."""
    finished = node.checks.filter(agent=agent_id, state__in=(NodeCheck.State.PASSED, NodeCheck.State.FAILED))
    results = finished.filter(purpose=NodeCheck.Purpose.SPOT).values_list("state", flat=True)
    return conformance.in_a_row([state == NodeCheck.State.PASSED for state in results[:1000]])


def missed_of(node: Node, agent_id: int) -> int:
    """Checks in a row, the newest first, that had their time: its owner or its agent did not let them run."""
    placed = node.checks.filter(agent=agent_id, closure__isnull=False).exclude(state__in=NodeCheck.OPEN)
    states = placed.values_list("state", flat=True)[: conformance.MOST_MISSED]
    return conformance.in_a_row([state == NodeCheck.State.NOT_MADE for state in states])


def level_of(node: Node) -> int:
    """docs/node-profile.md, “Levels”."""
    current = node.inventories.current().first()
    if current is None or current.state == NodeInventory.State.OPEN:
        return conformance.LISTED
    last = node.checks.filter(
        agent=current.agent_id,
        purpose=NodeCheck.Purpose.CONFORMANCE,
        state__in=(NodeCheck.State.PASSED, NodeCheck.State.FAILED),
    ).first()
    return conformance.level(
        is_described=True,
        has_passed=last is not None and last.state == NodeCheck.State.PASSED,
        consecutive=consecutive_of(node, current.agent_id),
        missed=missed_of(node, current.agent_id),
    )
