"""What an agent is told when it asks for work: signed leases, and what to stop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from nodes.domain import lease as rules
from nodes.models import Lease, Node
from nodes.services import leases, site_keys
from nodes.services.leases import seconds


@dataclass(frozen=True)
class Work:
    leases: list[dict[str, str]]  # payload and signature
    stop: list[dict[str, Any]]  # lease and fence

    def __bool__(self) -> bool:
        return bool(self.leases or self.stop)


# What one answer holds: the rest comes with the next, once these are staged. Agents read 16 MiB.
MOST_LEASES = 50
MOST_BYTES = 4 << 20


def hand_over(*, node: Node, at: datetime) -> Work:
    """The node's waiting leases, soonest first, renewed as they leave; and the live ones that are to stop."""
    live = Lease.objects.live().filter(node=node)
    if not live.to_tell().exists():
        return Work([], [])
    with transaction.atomic():
        to_stop = live.filter(stop_requested_at__isnull=False).order_by("fence")
        waiting = live.filter(
            state=Lease.State.WAITING, stop_requested_at__isnull=True, ends_at__gt=at
        ).order_by("not_before", "fence")
        told = list(
            waiting.select_for_update(of=("self",)).prefetch_related("leased_holds__device")[:MOST_LEASES]
        )
        stops = [{"lease": str(uid), "fence": fence} for uid, fence in to_stop.values_list("uid", "fence")]
        return Work(leases=list(_fitting(told, node, at)), stop=stops)


def _fitting(waiting: Sequence[Lease], node: Node, at: datetime) -> Iterator[dict[str, str]]:
    """The first at any rate: no lease is larger than what an agent reads."""
    size = 0
    for lease in waiting:
        signed = _signed(lease, node, at)
        size += len(signed["payload"])
        if size > MOST_BYTES and size > len(signed["payload"]):
            return
        _handed_over(lease, at)
        yield signed


def _handed_over(lease: Lease, at: datetime) -> None:
    # As it was signed: what the agent is told must not outlast what the site keeps.
    lease.handed_over_at = lease.handed_over_at or at
    lease.save(update_fields=["expires_at", "handed_over_at"])


def _signed(lease: Lease, node: Node, at: datetime) -> dict[str, str]:
    lease.expires_at = rules.expiry(at, lease.ends_at)
    return site_keys.signed(_payload(lease, node, at))


def _payload(lease: Lease, node: Node, at: datetime) -> dict[str, Any]:
    """docs/agent-protocol.md, "GET work". Deadlines travel as durations."""
    terminate, kill = rules.stop_offsets(lease.ends_at - lease.not_before)
    devices = [held.device for held in lease.leased_holds.all()]
    return {
        "lease": str(lease.uid),
        "node": str(node.uid),
        "fence": lease.fence,
        "reference": lease.reference,
        "devices": [
            {"index": device.index, "kind": device.kind, "model": device.model}
            for device in sorted(devices, key=lambda device: device.index)
        ],
        "specification": lease.specification,
        "specification_digest": lease.specification_digest,
        "issued_at": at.isoformat(),
        "not_before": lease.not_before.isoformat(),
        "ends_at": lease.ends_at.isoformat(),
        "starts_in": seconds(lease.not_before - at),
        "ends_in": seconds(lease.ends_at - at),
        "terminate_before_end": seconds(terminate),
        "kill_before_end": seconds(kill),
        "expires_in": seconds(lease.expires_at - at),
    }


@transaction.atomic
def hand_over_again(*, node: Node, lease_uid: UUID, fence: int, at: datetime) -> dict[str, str]:
    """A lease that has not begun, signed anew: for an agent whose clock began anew with its machine."""
    lease = leases.locked(node.pk, lease_uid, fence)
    leases.require_unbegun(lease, at)
    signed = _signed(lease, node, at)
    _handed_over(lease, at)
    return signed
