"""Ending a slot early: the rest is free for others at once, and what they pay comes back.

The money of the rest stays set aside until the slot is settled, as that of a late cancellation does.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from accounts.models import User
from common.ranges import bounds
from nodes.services import occupancy, wake
from reservations.errors import ChangeRefused
from reservations.models import Reservation, Run, SlotChange
from reservations.services import changing, counters, runs, slots, telling, usage

logger = logging.getLogger(__name__)

OPEN = (Run.State.QUEUED, Run.State.LEASED, Run.State.RUNNING)
When = Reservation.ReleaseWhen


@transaction.atomic
def release(*, reservation: Reservation, by: User, when: str = When.NOW, at: datetime) -> Reservation:
    """Give the rest of a running slot back: now, stopping what runs, or once its jobs are over."""
    reservation = slots.locked(reservation)
    runs.require_keeper(reservation=reservation, by=by)
    _require_running(reservation, at)
    if when == When.AFTER_RUNS and reservation.runs.filter(state__in=OPEN).exists():
        return _ask(reservation, by, at)
    give_back_rest(reservation=reservation, at=at)
    slots.write_down(reservation=reservation, kind=SlotChange.Kind.RELEASED, by=by, at=at)
    telling.slot_released(reservation=reservation, by=by, at=at)
    return reservation


@transaction.atomic
def keep(*, reservation: Reservation, by: User, at: datetime) -> Reservation:
    """Not release it after its jobs, as was asked for."""
    reservation = slots.locked(reservation)
    runs.require_keeper(reservation=reservation, by=by)
    if reservation.release_asked_at is None or reservation.state != Reservation.State.BOOKED:
        raise ChangeRefused(_("Nobody has asked to release this slot after its jobs, or it is released."))
    reservation.release_asked_at = None
    reservation.save(update_fields=["release_asked_at"])
    slots.write_down(reservation=reservation, kind=SlotChange.Kind.RELEASE_KEPT, by=by, at=at)
    return reservation


def _ask(reservation: Reservation, by: User, at: datetime) -> Reservation:
    if reservation.release_asked_at is None:
        reservation.release_asked_at = at
        reservation.save(update_fields=["release_asked_at"])
        slots.write_down(reservation=reservation, kind=SlotChange.Kind.RELEASE_ASKED, by=by, at=at)
    return reservation


def _require_running(reservation: Reservation, at: datetime) -> None:
    slots.require_open(reservation, at)
    if at <= bounds(reservation.during)[0]:
        raise ChangeRefused(_("This slot has not begun: cancel it instead."))


def give_back_rest(*, reservation: Reservation, at: datetime) -> None:
    """The rest of a slot that has begun, its row locked: free for others, nothing more runs in it."""
    counters.give_back_after(reservation=reservation, since=at, at=at)
    slots.lock_devices(reservation)
    events = occupancy.release_holds(reference=reservation.reference, at=at)
    usage.give_back(events=events, project_id=reservation.project_id)
    reservation.state, reservation.released_at = Reservation.State.RELEASED, at
    reservation.save(update_fields=["state", "released_at"])
    give_up_queued(reservation=reservation, at=at)
    runs.stop_all(reservation=reservation, at=at)


def give_up_queued(*, reservation: Reservation, at: datetime) -> None:
    """What waits goes on in the hours that the slot is extended by, where it is; else it never runs."""
    left = reservation.runs.filter(~changing.goes_on(at), state=Run.State.QUEUED)
    for run in left.order_by("pk"):
        Run.objects.filter(pk=run.pk).update(state=Run.State.NOT_RUN, finished_at=at)
        wake.announce(run.reference, {"type": "state", "state": Run.State.NOT_RUN})


# --- after its jobs ---------------------------------------------------------------------
def release_idle(*, at: datetime) -> int:
    """Release the slots whose jobs are over and whose holder asked for that; answer how many were."""
    open_runs = Run.objects.filter(reservation=OuterRef("pk"), state__in=OPEN)
    asked = Reservation.objects.filter(
        ~Exists(open_runs), state=Reservation.State.BOOKED, release_asked_at__isnull=False,
        during__endswith__gt=at,
    )  # fmt: skip
    return sum(_try(reservation, at) for reservation in asked.order_by("pk"))


def _try(reservation: Reservation, at: datetime) -> bool:
    try:
        return _release_idle(reservation, at)
    except Exception:
        logger.exception("reservation %s could not be released", reservation.pk)
        return False


@transaction.atomic
def _release_idle(reservation: Reservation, at: datetime) -> bool:
    reservation = slots.locked(reservation)
    start, end = bounds(reservation.during)
    is_asked = reservation.state == Reservation.State.BOOKED and reservation.release_asked_at is not None
    # Queued a moment ago: then it goes on.
    if not is_asked or not start < at < end or reservation.runs.filter(state__in=OPEN).exists():
        return False
    give_back_rest(reservation=reservation, at=at)
    slots.write_down(reservation=reservation, kind=SlotChange.Kind.RELEASED, by=None, at=at)
    telling.slot_released(reservation=reservation, by=None, at=at)
    return True
