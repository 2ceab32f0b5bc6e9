"""Slots as files that a calendar opens."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from accounts.access import SIGNED_IN, person
from common import clock, icalendar
from common.access import guard
from reservations.access import RESERVATION_MEMBER
from reservations.models import Reservation
from reservations.selectors.calendars import calendar_of, own_calendar


@never_cache
@guard(RESERVATION_MEMBER)
def reservation_calendar(request: HttpRequest, reservation: Reservation) -> HttpResponse:
    return _file(calendar_of(reservation), f"slot-{reservation.uid}.ics")


@never_cache
@guard(SIGNED_IN)
def own_slots_calendar(request: HttpRequest) -> HttpResponse:
    """Of all projects that the person is in now."""
    return _file(own_calendar(user=person(request), at=clock.now()), "slots.ics")


def _file(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=icalendar.TYPE)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
