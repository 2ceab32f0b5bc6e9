"""What is booked on a node's devices, as its owner must see it before any of it is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from nodes.models import Hold
from nodes.selectors import conflicts
from reservations.models import Reservation
from reservations.selectors.snapshots import REFERENCE


def booked(*, device_ids: Sequence[int], start: datetime, end: datetime) -> list[Reservation]:
    """The slots that hold one of these devices in that time, soonest first."""
    holds = conflicts(device_ids=device_ids, start=start, end=end)
    uids = {
        UUID(hold.reference.removeprefix(REFERENCE))
        for hold in holds
        if hold.kind == Hold.Kind.RESERVATION and hold.reference.startswith(REFERENCE)
    }
    rows = Reservation.objects.filter(uid__in=uids, state=Reservation.State.BOOKED).select_related("project")
    return list(rows.order_by("during", "pk"))
