"""What others read of nodes: who holds which device when, leases, and whether a node answers.

Holds are looked up by `int8range(device, device, '[]')`: only that expression can use the index of
the exclusion constraint (`device = ANY(...)` was measured 40 times slower).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Max

from common.prepared import prepared
from common.ranges import between
from nodes.domain import intervals
from nodes.domain.lease import HEARTBEAT_EVERY
from nodes.models import Agent, Device, Hold, Lease, LogChunk, Node, NodeQuerySet

# Three heartbeats missed in a row are not chance.
UNREACHABLE_AFTER = 3 * HEARTBEAT_EVERY

_TOUCHING = """
    FROM nodes_hold
    WHERE int8range(device_id, device_id, '[]') && %s::int8multirange AND during && %s
"""
# Two ends are read in C; a range is taken apart in Python.
_HOLDS = f"SELECT id, uid, device_id, lower(during), upper(during), reference, kind {_TOUCHING} ORDER BY "
# Merged in the database: a full month of eight devices is one row.
_TAKEN = f"""
    SELECT lower(span), upper(span)
    FROM (SELECT unnest(range_agg(during)) {_TOUCHING}) AS taken (span)
"""  # noqa: S608


def occupancy(*, device_ids: Iterable[int], start: datetime, end: datetime) -> list[Hold]:
    """The holds that touch [start, end) on these devices, device by device."""
    return _holds(device_ids, start, end, "device_id, lower(during)")


def conflicts(*, device_ids: Iterable[int], start: datetime, end: datetime) -> list[Hold]:
    """The holds in the way of [start, end) on these devices, earliest first."""
    return _holds(device_ids, start, end, "lower(during), device_id")


def _holds(device_ids: Iterable[int], start: datetime, end: datetime, order: str) -> list[Hold]:
    return [
        Hold(
            id=pk, uid=uid, device_id=device_id, during=between(lower, upper), reference=reference, kind=kind
        )
        for pk, uid, device_id, lower, upper, reference, kind in _rows(_HOLDS + order, device_ids, start, end)
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


@dataclass(frozen=True)
class DeviceGroup:
    """The devices of a node that are the same to a researcher."""

    model_key: str
    model: str
    kind: str
    memory_bytes: int
    count: int


@dataclass(frozen=True)
class NodeFacts:
    """What is public about a node besides its price."""

    uid: UUID
    slug: str
    name: str
    owner: str
    owner_is_public: bool
    site: str
    country: str
    electricity_zone: str
    pue: Decimal
    runner: str
    vendor: str
    machine_model: str
    cpu_model: str
    cpu_cores: int
    memory_bytes: int
    devices: tuple[DeviceGroup, ...]
    last_seen_at: datetime | None
    is_reachable: bool


def node_facts(nodes: NodeQuerySet, now: datetime) -> list[NodeFacts]:
    """The facts of these nodes, in three queries however many there are."""
    found = list(nodes.select_related("owner", "site").prefetch_related("devices"))
    seen = last_seen(found)
    return [_facts(node, seen.get(node.pk), now) for node in found]


def _facts(node: Node, seen: datetime | None, now: datetime) -> NodeFacts:
    return NodeFacts(
        uid=node.uid, slug=node.slug, name=node.name,
        owner=node.owner.name, owner_is_public=node.owner.is_public_body,
        site=node.site.name, country=node.site.country,
        electricity_zone=node.site.electricity_zone, pue=node.site.pue,
        runner=node.runner, vendor=node.vendor, machine_model=node.machine_model,
        cpu_model=node.cpu_model, cpu_cores=node.cpu_cores, memory_bytes=node.memory_bytes,
        devices=_grouped(node.devices.all()), last_seen_at=seen, is_reachable=is_recent(seen, now),
    )  # fmt: skip


def _grouped(devices: Iterable[Device]) -> tuple[DeviceGroup, ...]:
    groups: dict[str, DeviceGroup] = {}
    for device in devices:
        known = groups.get(device.model_key)
        groups[device.model_key] = (
            replace(known, count=known.count + 1)
            if known
            else DeviceGroup(device.model_key, device.model, device.kind, device.memory_bytes, 1)
        )
    return tuple(groups.values())
