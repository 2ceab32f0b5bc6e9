"""One slot under its locks, and what was done to it written down."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import User
from common.ranges import bounds
from nodes.services import occupancy
from reservations.errors import ChangeRefused
from reservations.models import Reservation, SlotChange
from reservations.services import usage


def locked(reservation: Reservation) -> Reservation:
    """The slot as it is now, behind its project's place in the tree: whoever changes either waits."""
    usage.lock_vertex(project_id=reservation.project_id)
    return own(reservation)


def own(reservation: Reservation) -> Reservation:
    """The slot as it is now, its own row locked. For what changes neither room nor money."""
    slots = Reservation.objects.select_related("decision__policy", "project", "booked_by")
    return slots.select_for_update(of=("self",)).get(pk=reservation.pk)


def lock_devices(reservation: Reservation) -> None:
    occupancy.lock_devices(device_ids=[*reservation.devices.values_list("device", flat=True)])


def require_open(reservation: Reservation, at: datetime) -> None:
    """Booked, and not over yet."""
    if reservation.state == Reservation.State.CANCELLED:
        raise ChangeRefused(_("This reservation is cancelled already."))
    if reservation.state == Reservation.State.RELEASED:
        raise ChangeRefused(_("The rest of this slot is released already."))
    if reservation.state == Reservation.State.ENDED or at >= bounds(reservation.during)[1]:
        raise ChangeRefused(_("This reservation is over."))


def write_down(
    *,
    reservation: Reservation,
    kind: SlotChange.Kind,
    by: User | None,
    at: datetime,
    held_before: User | None = None,
    held_after: User | None = None,
) -> None:
    SlotChange.objects.create(
        reservation=reservation, kind=kind, by=by, at=at, held_before=held_before, held_after=held_after
    )
