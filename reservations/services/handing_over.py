"""Handing a slot over to another member of its project: never cancelled and booked again, so never lost.

Whoever gets it need not agree before: they are told at once, and can hand it on, cancel or release it.
From then on it is theirs: their cap, their slot to use.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import ProjectMembership, User
from common import formats
from common.ranges import bounds
from reservations.domain import slots as time
from reservations.domain.room import rounded_up
from reservations.errors import ChangeRefused
from reservations.models import Reservation, SlotChange
from reservations.selectors import policies
from reservations.selectors.standing import position_of
from reservations.services import no_shows, runs, slots, telling


@transaction.atomic
def hand_over(*, reservation: Reservation, to: User, by: User, at: datetime) -> Reservation:
    """Make another member the holder of a slot that is not over."""
    reservation = slots.locked(reservation)
    runs.require_keeper(reservation=reservation, by=by)
    slots.require_open(reservation, at)
    if to.pk == reservation.booked_by_id:
        raise ChangeRefused(_("%(person)s holds this slot already.") % {"person": to}, field="to")
    _require_member(reservation, to)
    _require_cap(reservation, to, at)
    before = reservation.booked_by
    reservation.booked_by = to
    reservation.save(update_fields=["booked_by"])
    no_shows.handed_over(reservation=reservation, to=to)
    slots.write_down(
        reservation=reservation, kind=SlotChange.Kind.HANDED_OVER, by=by, at=at, held_before=before,
        held_after=to,
    )  # fmt: skip
    telling.slot_handed_over(reservation=reservation, held_before=before, held_after=to, by=by, at=at)
    return reservation


def _require_member(reservation: Reservation, to: User) -> None:
    """Their membership locked: whoever ends it waits, or has ended it, and then it is seen."""
    theirs = ProjectMembership.objects.filter(project=reservation.project_id, user=to)
    if not theirs.select_for_update(of=("self",), no_key=True).exists():
        raise ChangeRefused(
            _("%(person)s is not a member of %(project)s.") % {"person": to, "project": reservation.project},
            field="to",
        )


def _require_cap(reservation: Reservation, to: User, at: datetime) -> None:
    """As if they had booked it: their device-hours of that month with these stay under their cap."""
    start, end = bounds(reservation.during)
    position = position_of(
        project_id=reservation.project_id, policy=policies.in_force(at)[1], at=at, asked_by_id=to.pk,
        start=start,
    )  # fmt: skip
    if position is None or position.cap is None:
        return
    held = position.cap.held_in(time.month_of(start))
    wanted = time.Slot(start, end).hours * reservation.devices.count()
    if held + wanted > position.cap.limit:
        raise ChangeRefused(
            _(
                "%(person)s may hold %(limit)s in the month of this slot, by a cap of the project’s leads, "
                "and has %(held)s; this slot is %(wanted)s."
            )
            % {
                "person": to, "limit": formats.device_hours(position.cap.limit.normalize(), 2),
                "held": formats.device_hours(rounded_up(held), 2),
                "wanted": formats.device_hours(rounded_up(wanted), 2),
            },
            field="to", limit=str(position.cap.limit),
        )  # fmt: skip
