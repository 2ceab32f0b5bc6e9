"""Handing due runs to their nodes, and reading back what became of them.

Due work is a query: a lost message, a killed worker or a broker that is away costs seconds, not a
job. Everything here may be called twice at once. A claim locks the reservation before anything
below it (node, devices), as cancelling does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from common.ranges import bounds
from nodes.domain.protocol import UNTOLD
from nodes.errors import LeaseRefused
from nodes.models import Agent, Device, Lease, OutputFile
from nodes.services import leases, occupancy, wake
from reservations.domain import jobs
from reservations.models import Reservation, ReservedDevice, Run
from reservations.services import changing, runs, telling

logger = logging.getLogger(__name__)

# So early a node gets a job, to have it staged when the slot begins: a day where it goes on without the
# site, which may then be away when the slot begins; minutes where its lease has to be renewed.
AHEAD_KEPT = timedelta(hours=24)
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
    """The oldest queued run of each reservation and node that has none in hand; first what begins first."""
    beside = Run.objects.filter(reservation=OuterRef("reservation"), node=OuterRef("node"))
    in_hand = beside.filter(state__in=IN_HAND)
    before = beside.filter(state=Run.State.QUEUED, number__lt=OuterRef("number"))
    soon = Q(reservation__during__startswith__lte=at + AHEAD)
    # Agents of version 1.0 judge a pause of their owner's when a lease comes, not when it begins.
    keeps_a_day = Agent.objects.filter(node=OuterRef("node"), revoked_at=None).exclude(protocol=str(UNTOLD))
    kept = Q(
        Exists(keeps_a_day),
        reservation__during__startswith__lte=at + AHEAD_KEPT,
        on_disconnect=jobs.OnDisconnect.KEEP.value,
    )
    due = Run.objects.filter(
        soon | kept,
        ~Exists(in_hand),
        ~Exists(before),
        # In the place of one that its node may still begin: not before that one is over.
        Q(retry_of=None) | ~Q(retry_of__state__in=IN_HAND),
        state=Run.State.QUEUED,
        reservation__state=Reservation.State.BOOKED,
        reservation__project__suspended_at=None,
        reservation__during__endswith__gt=at,
    )
    first = due.order_by("reservation__during", "reservation_id", "node_id")
    return list(first.values_list("pk", flat=True)[:MOST_AT_ONCE])


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
    run = Run.objects.select_related("node", "retry_of__retry_of__retry_of").get(pk=pk)
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
    told = {
        "script": run.script,
        "environment": run.environment,
        "bring_back": run.bring_back,
        "limits": asdict(limits),
        "network": run.network,
        "on_disconnect": run.on_disconnect,
        "retry": run.retry,
        "checkpoint": run.checkpoint,
        "runner": run.runner or run.node.runner,
        "image": run.image or None,
    }
    resumed = _resumed(run)
    return told if resumed is None else told | {"resume": resumed}


def _resumed(run: Run) -> dict[str, Any] | None:
    """The files that a job goes on from: those of the newest attempt before that left any."""
    if run.retry != jobs.Retry.FROM_CHECKPOINT:
        return None
    for former in _attempts_before(run):
        files = OutputFile.objects.filter(lease__reference=former.reference).order_by("name")
        if left := list(files.values("name", "size", "sha256")):
            return {"lease": str(former.lease_uid), "files": left}
    return None


def _attempts_before(run: Run) -> Iterator[Run]:
    """The runs of its slot in whose place this one was queued, the newest first: there are few."""
    slot = run.reservation_id
    while run.retry_of is not None and run.retry_of.reservation_id == slot:
        run = run.retry_of
        yield run


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
    moved = list(_moved().select_related("reservation", "retry_of__retry_of__retry_of"))
    by_uid = {lease.uid: lease for lease in _leases_of(moved)}
    ended = 0
    for run in moved:
        lease = by_uid.get(run.lease_uid) if run.lease_uid else None
        if lease is not None:
            ended += _try_to_follow(run, lease, at)
    return ended


def _try_to_follow(run: Run, lease: Lease, at: datetime) -> bool:
    try:
        return _follow(run, lease, at)
    except Exception:
        # As above: whatever is wrong with one run is its own.
        logger.exception("run %s could not follow its lease", run.pk)
        return False


def _moved() -> QuerySet[Run]:
    """Runs in hand with anything to do. Most just go on: a node has those of the whole next day."""
    lease = Lease.objects.filter(uid=OuterRef("lease_uid"))
    begun = Q(Exists(lease.filter(started_at__isnull=False)), state=Run.State.LEASED)
    given_back = Q(Exists(lease.filter(stop_requested_at__isnull=True))) & ~Q(
        reservation__state=Reservation.State.BOOKED
    )
    over = Q(Exists(lease.exclude(state__in=Lease.LIVE)))
    return Run.objects.filter(begun | given_back | over, state__in=IN_HAND)


def _leases_of(runs: Iterable[Run]) -> Iterable[Lease]:
    return Lease.objects.filter(uid__in=[run.lease_uid for run in runs if run.lease_uid])


@transaction.atomic
def _follow(run: Run, lease: Lease, at: datetime) -> bool:
    """Bring one run to where its lease is; answer whether it is over."""
    if lease.started_at is not None and run.state == Run.State.LEASED:
        Run.objects.filter(pk=run.pk, state=Run.State.LEASED).update(state=Run.State.RUNNING)
        occupancy.start_holds(reference=run.reservation.reference, at=lease.started_at)
    if lease.state in (Lease.State.ENDED, Lease.State.LOST):
        return _over(run, lease, at)
    if run.reservation.state != Reservation.State.BOOKED and lease.stop_requested_at is None:
        leases.request_stop(reference=run.reference, at=at)  # the slot was given back meanwhile
    return False


def _over(run: Run, lease: Lease, at: datetime) -> bool:
    """End the run with its lease, and queue it again where its node failed and its terms say so."""
    is_again = _is_to_run_again(run, lease, at)
    if is_again:
        # Before the run: who queues another job in this slot, or gives it up, locks in this order.
        booked = Reservation.objects.filter(pk=run.reservation_id, state=Reservation.State.BOOKED)
        if not booked.select_for_update(of=("self",), skip_locked=True).exists():
            return False  # somebody changes it just now: the next tick looks again
    state = Run.State.ENDED if lease.state == Lease.State.ENDED else Run.State.LOST
    if not _finish(run, state, lease.ended_at or at):
        return False
    if lease.started_at is not None:
        _drop_what_would_be_a_second_time(run, at)
    again = runs.queue_again(run=run, at=at) if is_again else None
    telling.run_over(run=run, lease=lease, state=state, again=again, at=at)
    return True


def _drop_what_would_be_a_second_time(run: Run, at: datetime) -> None:
    """A job that came along with its moved slot, and began in the old one before its node heard of that."""
    moved = Run.objects.filter(retry_of=run, state=Run.State.QUEUED).exclude(reservation=run.reservation_id)
    for copy in moved.select_related("reservation__project", "node", "created_by"):
        if _finish(copy, Run.State.NOT_RUN, at):
            telling.run_over(run=copy, lease=None, state=Run.State.NOT_RUN, at=at, has_run=True)


def _is_to_run_again(run: Run, lease: Lease, at: datetime) -> bool:
    if run.reservation.state != Reservation.State.BOOKED or at >= bounds(run.reservation.during)[1]:
        return False
    was_stopped = lease.stop_requested_at is not None
    earlier = sum(1 for _attempt in _attempts_before(run))
    # Given up before its moment: nothing has run, so this is no second execution.
    is_unbegun = (
        lease.state == Lease.State.LOST
        and lease.started_at is None
        and lease.ended_at is not None
        and lease.ended_at < lease.not_before
    )
    retry = jobs.Retry.FROM_START if is_unbegun and run.retry == jobs.Retry.NEVER else run.retry
    return (is_unbegun or _has_failed(lease)) and jobs.may_run_again(
        retry=retry, earlier=earlier, was_stopped=was_stopped
    )


def _has_failed(lease: Lease) -> bool:
    """Whether the node or the way to it failed, and not the job."""
    codes = {note.get("code") for note in lease.end_notes}
    return lease.state == Lease.State.LOST or "site_away" in codes


def _finish(run: Run, state: Run.State, finished_at: datetime) -> bool:
    unfinished = Run.objects.filter(pk=run.pk, state__in=(Run.State.QUEUED, *IN_HAND))
    if not unfinished.update(state=state, finished_at=finished_at):
        return False
    wake.announce(run.reference, {"type": "state", "state": state})
    return True
