"""What somebody has booked already when the same form arrives a second time."""

from __future__ import annotations

from accounts.models import User
from common.ranges import bounds
from reservations.models import Reservation
from reservations.selectors.preview import Asked


def booked_already(*, asked: Asked, by: User) -> Reservation | None:
    """This person's reservation of exactly these devices for that time.

    A slot that starts at once was asked for a moment later the second time: it has the same end.
    """
    wanted = {device.pk for device in asked.devices}
    own = Reservation.objects.filter(
        project=asked.project,
        booked_by=by,
        state=Reservation.State.BOOKED,
        during__endswith=asked.end,
        during__startswith__lte=asked.start or asked.at,
    )
    for reservation in own.prefetch_related("devices"):
        is_same_start = asked.start in (None, bounds(reservation.during)[0])
        if is_same_start and {one.device_id for one in reservation.devices.all()} == wanted:
            return reservation
    return None
