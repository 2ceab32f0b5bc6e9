"""Handing due runs to their nodes, and reading back what became of them.

Due work is a query: a lost message, a killed worker or a broker that is away costs seconds, not a
job. Everything here may be called twice at once. A claim locks the reservation before anything
below it (node, devices), as cancelling does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from common.ranges import bounds
from nodes.errors import LeaseRefused
from nodes.models import Device, Lease
from nodes.services import leases, occupancy, wake
from reservations.domain import jobs
from reservations.models import Reservation, ReservedDevice, Run
from reservations.services import changing, telling

logger = logging.getLogger(__name__)

# So early the node gets a job, to have it staged when the slot begins.
AHEAD = timedelta(minutes=5)
# In one tick; a tick each second empties any queue that fits the table of one site.
MOST_AT_ONCE = 200
IN_HAND = (Run.State.LEASED, Run.State.RUNNING)


def dispatch_due(*, at: datetime) -> int:
    """Hand over every run that is due; answer how many were."""
    changing.follow_on(at=at)
    _give_up_what_cannot_start(at)
    return sum(_hand_over(pk, at) for pk in _due(at))


def _due(at: datetime) -> list[int]:
    """The oldest queued run of each reservation and node that has none in hand."""
    in_hand = Run.objects.filter(
        reservation=OuterRef("reservation"), node=OuterRef("node"), state__in=IN_HAND
    )
    due = Run.objects.filter(
        ~Exists(in_hand),
        state=Run.State.QUEUED,
        reservation__state=Reservation.State.BOOKED,
        reservation__project__suspended_at=None,
        reservation__during__startswith__lte=at + AHEAD,
        reservation__during__endswith__gt=at,
    )
    oldest = due.order_by("reservation_id", "node_id", "number").distinct("reservation_id", "node_id")
    return list(oldest.values_list("pk", flat=True)[:MOST_AT_ONCE])


def _hand_over(pk: int, at: datetime) -> bool:
    """Hand over one run, unless another dispatcher has it or the reservation has changed."""
    try:
        with transaction.atomic():
            return _claim(pk, at)
    except LeaseRefused as refused:
        # The lease before it is not over on the node yet: the next tick asks again.
        logger.info("run %s waits: %s", pk, refused)
    except Exception:
        # One run that cannot be handed over must not keep all those behind it from their slots.
        logger.exception("run %s could not be handed over", pk)
    return False


def _claim(pk: int, at: datetime) -> bool:
    due = Reservation.objects.filter(
        runs__pk=pk, state=Reservation.State.BOOKED, during__endswith__gt=at, project__suspended_at=None
    )
    reservation = due.select_for_update(of=("self",), skip_locked=True).first()
    if reservation is None:
        return False
    run = Run.objects.select_related("node").get(pk=pk)
    if Run.objects.filter(reservation=reservation, node=run.node, state__in=IN_HAND).exists():
        return False
    if not Run.objects.filter(pk=pk, state=Run.State.QUEUED).update(state=Run.State.LEASED):
        return False  # taken back, or handed over since it was listed
    start, end = bounds(reservation.during)
    held = list(
        ReservedDevice.objects.filter(reservation=reservation, device__node=run.node).order_by("device_id")
    )
    lease = leases.create_lease(
        node_id=run.node_id, reference=run.reference,
        holds=[(reserved.device_id, reserved.hold_uid) for reserved in held],
        not_before=max(start, at), ends_at=end, specification=_specification(run, len(held)), at=at,
    )  # fmt: skip
    Run.objects.filter(pk=pk).update(lease_uid=lease.uid)
    wake.wake_agent(run.node.uid)
    wake.announce(run.reference, {"type": "state", "state": Run.State.LEASED})
    return True


def _specification(run: Run, held: int) -> dict[str, Any]:
    """What docs/agent-protocol.md calls the specification."""
    devices = Device.objects.filter(node=run.node).count()
    limits = jobs.limits(
        node_cores=run.node.cpu_cores, node_memory_bytes=run.node.memory_bytes, held=held, devices=devices
    )
    return {
        "script": run.script,
        "environment": run.environment,
        "bring_back": run.bring_back,
        "limits": asdict(limits),
        "network": "none",
        "on_disconnect": "keep",
        "retry": "never",
        "runner": run.node.runner,
    }


def _give_up_what_cannot_start(at: datetime) -> None:
    """Queued runs whose slot is over or cancelled will never start: say so."""
    over = Q(reservation__during__endswith__lte=at) | ~Q(reservation__state=Reservation.State.BOOKED)
    waiting = Run.objects.filter(over, ~changing.goes_on(at), state=Run.State.QUEUED).select_for_update(
        of=("self",), skip_locked=True
    )
    with transaction.atomic():
        for run in waiting:
            if _finish(run, Run.State.NOT_RUN, at) and run.reservation.state != Reservation.State.CANCELLED:
                telling.run_over(run=run, lease=None, state=Run.State.NOT_RUN, at=at)


# --- reading back ---------------------------------------------------------------------
def reap(*, at: datetime) -> int:
    """Copy what became of leases into their runs; answer how many runs ended."""
    leases.expire_leases(at=at)
    in_hand = list(Run.objects.filter(state__in=IN_HAND).select_related("reservation"))
    by_uid = {lease.uid: lease for lease in _leases_of(in_hand)}
    ended = 0
    for run in in_hand:
        lease = by_uid.get(run.lease_uid) if run.lease_uid else None
        if lease is not None and _has_moved(run, lease):
            ended += _try_to_follow(run, lease, at)
    return ended


def _try_to_follow(run: Run, lease: Lease, at: datetime) -> bool:
    try:
        return _follow(run, lease, at)
    except Exception:
        # As above: whatever is wrong with one run is its own.
        logger.exception("run %s could not follow its lease", run.pk)
        return False


def _has_moved(run: Run, lease: Lease) -> bool:
    """Whether there is anything to do: most runs in hand just go on."""
    begun = lease.started_at is not None and run.state == Run.State.LEASED
    given_back = run.reservation.state != Reservation.State.BOOKED and lease.stop_requested_at is None
    return begun or given_back or lease.state not in Lease.LIVE


def _leases_of(runs: Iterable[Run]) -> Iterable[Lease]:
    return Lease.objects.filter(uid__in=[run.lease_uid for run in runs if run.lease_uid])


@transaction.atomic
def _follow(run: Run, lease: Lease, at: datetime) -> bool:
    """Bring one run to where its lease is; answer whether it is over."""
    if lease.started_at is not None and run.state == Run.State.LEASED:
        Run.objects.filter(pk=run.pk, state=Run.State.LEASED).update(state=Run.State.RUNNING)
        occupancy.start_holds(reference=run.reservation.reference, at=lease.started_at)
    if lease.state in (Lease.State.ENDED, Lease.State.LOST):
        state = Run.State.ENDED if lease.state == Lease.State.ENDED else Run.State.LOST
        if not _finish(run, state, lease.ended_at or at):
            return False
        telling.run_over(run=run, lease=lease, state=state, at=at)
        return True
    if run.reservation.state != Reservation.State.BOOKED and lease.stop_requested_at is None:
        leases.request_stop(reference=run.reference, at=at)  # the slot was given back meanwhile
    return False


def _finish(run: Run, state: Run.State, finished_at: datetime) -> bool:
    unfinished = Run.objects.filter(pk=run.pk, state__in=(Run.State.QUEUED, *IN_HAND))
    if not unfinished.update(state=state, finished_at=finished_at):
        return False
    wake.announce(run.reference, {"type": "state", "state": state})
    return True
