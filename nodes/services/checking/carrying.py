"""Carrying checks forward: a time when the devices are free, a lease, and the job's report read back."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction

from common.ranges import between
from nodes import selectors
from nodes.errors import DeviceTaken, LeaseRefused
from nodes.models import Hold, Lease, Node, NodeCheck
from nodes.services import leases, occupancy
from nodes.services.checking.judging import finish, give_up

logger = logging.getLogger(__name__)

State = NodeCheck.State
JOB = Path(__file__).with_name("job.py")
# The job needs some ten seconds; what is left is given back.
LENGTH = timedelta(minutes=10)
MARK = timedelta(minutes=15)
# Nobody waits longer for a free time: a node that is never free is checked by its users.
AHEAD = timedelta(days=7)
HANDED_OVER = timedelta(minutes=5)
MIB = 2**20
LIMITS = {
    "memory_bytes": 1024 * MIB, "processes": 256, "disk_bytes": 256 * MIB, "log_bytes": MIB,
    "file_bytes": MIB, "wall_seconds": 300.0,
}  # fmt: skip


def carry_forward(*, at: datetime) -> int:
    """Place, hand over and read back every check that is open."""
    moved = 0
    for pk in NodeCheck.objects.filter(state__in=NodeCheck.OPEN).order_by("pk").values_list("pk", flat=True):
        try:
            moved += _step(pk, at)
        except Exception:
            # One node's check must not keep all those behind it.
            logger.exception("check %s could not go on", pk)
    return moved


@transaction.atomic
def _step(pk: int, at: datetime) -> bool:
    rows = NodeCheck.objects.select_related("node", "agent", "closure")
    check = rows.select_for_update(of=("self",), skip_locked=True).filter(pk=pk).first()
    if check is None:
        return False
    if check.state == State.ASKED:
        return _place(check, at)
    if check.state == State.PLACED:
        return _hand_over(check, at)
    return check.state == State.RUNNING and _read_back(check, at)


def _place(check: NodeCheck, at: datetime) -> bool:
    ids = list(check.node.devices.values_list("pk", flat=True))
    until = check.asked_at + AHEAD
    if until <= at:
        return give_up(check, at)
    start = _free_from(ids, at, until)
    if start is None:
        return False
    try:
        with transaction.atomic():
            check.closure = occupancy.close_devices(
                device_ids=ids, during=between(start, start + LENGTH), kind=Hold.Kind.CLOSURE,
                reason=str(check.get_purpose_display()), at=at,
            )  # fmt: skip
    except DeviceTaken:
        return False  # somebody was quicker: the next sweep looks again
    check.state, check.starts_at, check.ends_at = State.PLACED, start, start + LENGTH
    check.save(update_fields=["state", "closure", "starts_at", "ends_at"])
    return True


def _free_from(device_ids: Sequence[int], at: datetime, until: datetime) -> datetime | None:
    """At once where nobody has the devices now, else the next mark from which they are free long enough."""
    if not device_ids:
        return None
    if not selectors.conflicts(device_ids=device_ids, start=at, end=at + LENGTH):
        return at
    return selectors.next_free(device_ids=device_ids, length=MARK, after=at, until=until)


def _hand_over(check: NodeCheck, at: datetime) -> bool:
    assert check.closure
    assert check.starts_at
    assert check.ends_at
    if check.ends_at <= at:
        return give_up(check, at)
    if check.starts_at - HANDED_OVER > at:
        return False
    holds = Hold.objects.filter(reference=check.closure.reference).order_by("device_id")
    pairs = list(holds.values_list("device_id", "uid"))
    if not pairs:  # its owner opened the closure
        return give_up(check, at)
    try:
        with transaction.atomic():
            leases.create_lease(
                node_id=check.node_id, reference=check.reference, holds=pairs,
                not_before=max(check.starts_at, at), ends_at=check.ends_at,
                specification=specification(check), at=at,
            )  # fmt: skip
    except LeaseRefused:
        return False  # the lease before it is not over on the node yet
    check.state = State.RUNNING
    check.save(update_fields=["state"])
    return True


def specification(check: NodeCheck) -> dict[str, Any]:
    """docs/agent-protocol.md: a job like any other, with the published text."""
    # A heredoc: the job's own Python need not know where it lies.
    script = f"exec /usr/bin/python3 - <<'END_OF_CONFORMANCE_JOB'\n{JOB.read_text()}END_OF_CONFORMANCE_JOB\n"
    return {
        "script": script, "environment": {"EQUINODE_CHECK": str(check.uid)}, "bring_back": ["report.json"],
        "limits": LIMITS, "network": "none", "on_disconnect": "stop", "retry": "never", "checkpoint": [],
        "runner": Node.Runner.BUBBLEWRAP.value, "image": None,
    }  # fmt: skip


def _read_back(check: NodeCheck, at: datetime) -> bool:
    lease = selectors.lease_of(check.reference)
    if lease is not None and lease.state in Lease.LIVE:
        return False
    return finish(check, at, lease)
