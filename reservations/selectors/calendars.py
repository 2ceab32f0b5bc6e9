"""Slots as events of a calendar: one, or all of a person's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Prefetch, Q
from django.utils.translation import gettext as _

from accounts.models import User
from common import formats, icalendar
from common.icalendar import Event
from common.ranges import bounds
from reservations.models import Reservation, ReservedDevice

KEPT = timedelta(days=28)  # what is over stays so long in a person's calendar
MOST = 500


def calendar_of(reservation: Reservation) -> bytes:
    """Three queries."""
    found = Reservation.objects.filter(pk=reservation.pk)
    return icalendar.written(_events(found), name=reservation.project.name)


def own_calendar(*, user: User, at: datetime) -> bytes:
    """The slots that this person holds, from four weeks ago on; those given up say so. Three queries."""
    lately = Q(during__endswith__gt=at - KEPT)
    mine = Reservation.objects.of(user).filter(lately, booked_by=user).order_by("during__startswith", "pk")
    return icalendar.written(_events(mine[:MOST]), name=_("Equinode: your slots"))


def _events(reservations: Iterable[Reservation]) -> Iterator[Event]:
    devices = ReservedDevice.objects.select_related("device__node__site").order_by("device__node_id", "id")
    read = reservations.select_related("project").prefetch_related(  # type: ignore[attr-defined]  # a query set
        Prefetch("devices", queryset=devices)
    )
    for reservation in read:
        yield _event(reservation)


def _event(reservation: Reservation) -> Event:
    start, end = bounds(reservation.during)
    own = [reserved.device for reserved in reservation.devices.all()]
    counts = Counter(f"{device.model} {formats.memory(device.memory_bytes)}" for device in own)
    models = " + ".join(f"{count} × {model}" for model, count in counts.items())
    nodes = dict.fromkeys((one.node.name, one.node.site.name, one.node.site.country) for one in own)
    given_up = reservation.cancelled_at or reservation.released_at
    is_cancelled = reservation.state == Reservation.State.CANCELLED
    url = f"{settings.SITE_ORIGIN}{reservation.get_absolute_url()}"
    return Event(
        uid=f"{reservation.uid}@{settings.SITE_ORIGIN.split('//')[-1]}",
        start=start,
        end=end if reservation.released_at is None else max(start, reservation.released_at),
        changed_at=given_up or reservation.created_at,
        title=f"{models} ({reservation.project.name})",
        place="; ".join(f"{node}, {site}, {formats.country(country)}" for node, site, country in nodes),
        text=_("%(price)s. What runs in it, its log and its files: %(url)s")
        % {"price": formats.money(reservation.quoted_price), "url": url},
        url=url,
        is_cancelled=is_cancelled,
        sequence=int(given_up is not None),
    )
