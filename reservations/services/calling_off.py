"""Slots that the site takes back before they begin: at no charge, and told to who booked them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import Project
from accounts.services import notices
from common.ranges import bounds
from nodes.services import occupancy
from pricing.services import grants as purse
from reservations.models import Reservation
from reservations.services import counters, runs, usage

PROJECT_ENDS = "project_ends"  # worded where it is read, in templates/notices/slot_withdrawn/


def call_off(
    *, project: Project, ends_after: datetime | None, reason: str, at: datetime
) -> list[Reservation]:
    """Cancel every slot of the project that has not begun, or only those that end after a moment.

    The project's vertex is locked by the caller, so no booking comes in between. Then reservations and
    grants, the cells they count in and devices are locked, each in their order. `reason`: a steward's
    words, or PROJECT_ENDS.
    """
    wanted = Reservation.objects.filter(
        project=project, state=Reservation.State.BOOKED, during__startswith__gt=at
    )
    if ends_after is not None:
        wanted = wanted.filter(during__endswith__gt=ends_after)
    found = _locked(wanted, at)
    for reservation in found:
        _give_back(reservation, at)
    _tell(found, project, reason, at)
    return found


def _locked(wanted: QuerySet[Reservation], at: datetime) -> list[Reservation]:
    """With everything that they hold; what they count in cells is taken out on the way."""
    found = list(wanted.select_for_update(of=("self",)).select_related("booked_by").order_by("pk"))
    if found:
        purse.lock_grants(project_id=found[0].project_id)
        counters.give_back(references=[one.reference for one in found], at=at)
        devices = Reservation.objects.filter(pk__in=[one.pk for one in found])
        occupancy.lock_devices(device_ids=sorted(set(devices.values_list("devices__device", flat=True))))
    return found


def _give_back(reservation: Reservation, at: datetime) -> None:
    events = occupancy.cancel_holds(reference=reservation.reference, at=at)
    usage.give_back(events=events, project_id=reservation.project_id)
    purse.release_encumbrance(reference=reservation.reference, at=at)
    reservation.state = Reservation.State.CANCELLED
    reservation.cancelled_at = reservation.settled_at = at
    reservation.save(update_fields=["state", "cancelled_at", "settled_at"])
    runs.stop_all(reservation=reservation, at=at)  # a node may have staged the first job already


def _tell(found: Iterable[Reservation], project: Project, reason: str, at: datetime) -> None:
    for reservation in found:
        start, end = bounds(reservation.during)
        notices.notify(
            users=[reservation.booked_by], kind="slot_withdrawn",
            params={"project": project.name, "start_at": start, "end_at": end, "reason": reason},
            url=reservation.get_absolute_url(), dedupe=f"withdrawn:{reservation.uid}", at=at,
        )  # fmt: skip
