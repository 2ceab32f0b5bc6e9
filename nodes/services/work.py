"""What an agent is told when it asks for work: signed leases, and what to stop."""

from __future__ import annotations

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


def hand_over(*, node: Node, at: datetime) -> Work:
    """The node's waiting leases, renewed as they leave, and the live ones that are to stop."""
    live = Lease.objects.live().filter(node=node)
    if not live.to_tell().exists():
        return Work([], [])
    with transaction.atomic():
        told = list(
            live.to_tell()
            .select_for_update(of=("self",))
            .prefetch_related("leased_holds__device")
            .order_by("fence")
        )
        to_stop = [lease for lease in told if lease.stop_requested_at is not None]
        waiting = [lease for lease in told if lease.stop_requested_at is None and at < lease.ends_at]
        return Work(
            leases=[_signed(_handed_over(lease, at), node, at) for lease in waiting],
            stop=[{"lease": str(lease.uid), "fence": lease.fence} for lease in to_stop],
        )


def _handed_over(lease: Lease, at: datetime) -> Lease:
    # The time to live counts from here: what the agent is told must not outlast what the site keeps.
    lease.expires_at = rules.expiry(at, lease.ends_at)
    lease.handed_over_at = lease.handed_over_at or at
    lease.save(update_fields=["expires_at", "handed_over_at"])
    return lease


def _signed(lease: Lease, node: Node, at: datetime) -> dict[str, str]:
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
    return _signed(_handed_over(lease, at), node, at)
