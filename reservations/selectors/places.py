"""Where what is offered instead of something refused is taken up: on the page where it was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from urllib.parse import urlencode

from django.urls import reverse

from common.ranges import bounds
from reservations.models import RefusedChange, Reservation
from reservations.selectors.links import slot_fields, slot_url

# By the project's short name, devices, start (None: at once) and end.
Place = Callable[[str, Sequence[str], datetime | None, datetime], str]


def on_the_booking_page(project: str, devices: Sequence[str], start: datetime | None, end: datetime) -> str:
    return slot_url(project=project, devices=devices, start=start, end=end)


def where_to_move(reservation: Reservation) -> Place:
    """What would work instead of a refused move is another move: the slot is not to be booked beside it."""
    return partial(_moved_to, reservation)


def where_to_extend(reservation: Reservation) -> Place:
    """Fewer hours from the slot's end on are an extension; other devices, or later, a slot of their own."""
    return partial(_extended_to, reservation)


def where_refused(refused: RefusedChange | None) -> Place:
    """Of a decision as it is read later: a slot that is given up or over is not changed any more."""
    if refused is None or refused.reservation.state != Reservation.State.BOOKED:
        return on_the_booking_page
    is_move = refused.change == Reservation.Change.MOVED
    return (where_to_move if is_move else where_to_extend)(refused.reservation)


def _moved_to(
    reservation: Reservation, project: str, devices: Sequence[str], start: datetime | None, end: datetime
) -> str:
    fields = slot_fields(project=project, devices=devices, start=start, end=end)
    kept = [(name, value) for name, value in fields if name not in ("project", "now")]
    return f"{reverse('reservation_move', args=[reservation.uid])}?{urlencode(kept)}"


def _extended_to(
    reservation: Reservation, project: str, devices: Sequence[str], start: datetime | None, end: datetime
) -> str:
    own = {str(uid) for uid in reservation.devices.values_list("device__uid", flat=True)}
    if start != bounds(reservation.during)[1] or {*devices} != own:
        return on_the_booking_page(project, devices, start, end)
    fields = slot_fields(project=project, devices=devices, start=start, end=end)
    kept = [(name, value) for name, value in fields if name.startswith("end")]
    return f"{reverse('reservation_extend', args=[reservation.uid])}?{urlencode(kept)}"
