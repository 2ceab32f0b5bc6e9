"""What owners do with nodes on which people have booked: close devices, stop at once, withdraw a node.

A booked slot is only taken back if its owner has seen it and said so; nobody pays for what is taken back, and
who held it is told, with what can be had instead. All of it is one transaction: no slot stays on a device
that is closed, and none is taken back for a closure that failed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _, ngettext

from accounts.models import User
from common import formats
from common.ranges import between, bounds
from nodes.models import Closure, Hold, HoldEvent, Lease, Node, NodeChange
from nodes.selectors import free_time
from nodes.services import leases, occupancy, standing
from nodes.services.occupancy import WantedHold
from pricing.models import Grant
from pricing.services import grants as purse
from reservations.errors import ChangeRefused, SlotsInTheWay
from reservations.models import Reservation, SlotWithdrawal, Vertex
from reservations.selectors import taking_back as selectors
from reservations.services import counters, releasing, runs, telling, usage

Done = TypeVar("Done")

LONGEST = timedelta(days=366)  # of one closure
BEYOND = timedelta(days=400)  # until when a withdrawn node is closed: nobody may book so far ahead
_TRIES = 5  # each time somebody books between looking and locking


@dataclass(frozen=True)
class _Taking:
    """Why slots are taken back, in the words of the node's owner."""

    node: Node
    reason: str
    by: User
    at: datetime


class _OneMore(Exception):  # a reason to look again, not an error
    """Somebody has booked since the slots were looked at."""


# --- closing -------------------------------------------------------------------------------------------
def close(
    *,
    node: Node,
    device_ids: Sequence[int],
    start: datetime | None,
    end: datetime,
    kind: str,
    reason: str,
    taking_back: Collection[UUID] = (),
    by: User,
    at: datetime,
) -> Closure:
    """Close devices for maintenance or for their owner; without a start from now on.

    SlotsInTheWay names what is booked there and not among `taking_back`.
    """
    begins = max(start or at, at)
    _require_time(begins, end, at)
    device_ids = _own_devices(node, device_ids)
    taking = _Taking(node, reason, by, at)
    return _tried(lambda: _close(device_ids, begins, end, kind, taking_back, taking))


@transaction.atomic
def _close(
    device_ids: Sequence[int],
    begins: datetime,
    end: datetime,
    kind: str,
    taking_back: Collection[UUID],
    taking: _Taking,
) -> Closure:
    found = selectors.booked(device_ids=device_ids, start=begins, end=end)
    _require_not_running(found, begins, taking.at)
    _require_seen(found, taking_back, taking.at)
    _take_back(found, device_ids, begins, end, taking)
    return occupancy.close_devices(
        device_ids=device_ids, during=between(begins, end), kind=kind, reason=taking.reason, at=taking.at
    )


@transaction.atomic
def reopen(*, node: Node, closure: Closure, at: datetime) -> None:
    """End a closure, or take back one that has not begun. Its time can be booked again at once."""
    mine = Hold.objects.filter(reference=closure.reference, device__node=node)
    occupancy.lock_devices(device_ids=sorted(set(mine.values_list("device", flat=True))))
    if not mine.filter(during__endswith__gt=at).exists():
        raise ChangeRefused(_("This closure is over."))
    _stop_checks(mine, at)
    occupancy.release_holds(reference=closure.reference, at=at)


def _stop_checks(holds: QuerySet[Hold], at: datetime) -> None:
    """A check of a node runs in a closure, and ends with it. What people booked is not among these."""
    closed = holds.filter(kind__in=(Hold.Kind.CLOSURE, Hold.Kind.OWNER))
    of_checks = Lease.objects.live().filter(leased_holds__hold_uid__in=closed.values("uid"))
    for reference in sorted(set(of_checks.values_list("reference", flat=True))):
        leases.request_stop(reference=reference, at=at)


# --- stopping and withdrawing --------------------------------------------------------------------------
def stop(*, node: Node, until: datetime, reason: str, by: User, at: datetime) -> Closure:
    """At once: running jobs are told to stop, slots until then are taken back, and nobody books any more.

    Bookings come back with `standing.resume`; the closure ends by itself.
    """
    return _tried(lambda: _stop(node, until, reason, by, at))


@transaction.atomic
def _stop(node: Node, until: datetime, reason: str, by: User, at: datetime) -> Closure:
    _require_time(at, until, at)
    device_ids = sorted(node.devices.values_list("pk", flat=True))
    found = selectors.booked(device_ids=device_ids, start=at, end=until)
    taking = _Taking(node, reason, by, at)
    _take_back(found, device_ids, at, until, taking)
    closure = _close_what_is_free(device_ids, until, taking)
    _stop_checks(Hold.objects.filter(device__in=device_ids, during__overlap=between(at, until)), at)
    now = standing.locked(node)
    if now.drained_at is None and now.state in Node.ON_SITE:
        standing.drain(node=node, reason=reason, by=by, at=at, kind=NodeChange.Kind.STOPPED)
    else:
        standing.write_down(node=node, kind=NodeChange.Kind.STOPPED, reason=reason, by=by, at=at)
    return closure


def withdraw_node(
    *, node: Node, reason: str, taking_back: Collection[UUID] = (), by: User, at: datetime
) -> Node:
    """Take a node off the site for good, with every slot that is booked on it."""
    return _tried(lambda: _withdraw_node(node, reason, taking_back, by, at))


@transaction.atomic
def _withdraw_node(node: Node, reason: str, taking_back: Collection[UUID], by: User, at: datetime) -> Node:
    device_ids = sorted(node.devices.values_list("pk", flat=True))
    found = selectors.booked(device_ids=device_ids, start=at, end=at + BEYOND)
    _require_seen(found, taking_back, at)
    taking = _Taking(node, reason, by, at)
    _take_back(found, device_ids, at, at + BEYOND, taking)
    _stop_checks(Hold.objects.filter(device__in=device_ids), at)
    # Whoever decides on a snapshot of a moment ago waits for these devices, and finds them closed.
    _close_what_is_free(device_ids, at + BEYOND, taking)
    return standing.withdraw(node=node, reason=reason, by=by, at=at)


def _tried(do: Callable[[], Done]) -> Done:
    for _try in range(_TRIES):
        try:
            return do()
        except _OneMore:
            continue
    raise SlotsInTheWay(_("People are booking there at this very moment. Try again."), slots=[], every=[])


def _close_what_is_free(device_ids: Sequence[int], until: datetime, taking: _Taking) -> Closure:
    """Other closures of these devices stay as they are: this one is what lies between them."""
    closure = Closure.objects.create(kind=Hold.Kind.CLOSURE, reason=taking.reason, created_at=taking.at)
    free = free_time(device_ids=device_ids, start=taking.at, end=until)
    for device_id, gaps in free.items():
        for gap in gaps:
            occupancy.hold_devices(
                wanted=[WantedHold(device_id)], during=between(gap.start, gap.end),
                reference=closure.reference, kind=closure.kind, at=taking.at,
            )  # fmt: skip
    return closure


# --- what is refused -----------------------------------------------------------------------------------
def _require_time(begins: datetime, end: datetime, at: datetime) -> None:
    if end <= begins:
        raise ChangeRefused(_("The end is not later than the start."), field="end")
    if end - begins > LONGEST:
        raise ChangeRefused(
            _("One closure is %(most)d days long at most; this one is %(days)d. Write two.")
            % {"most": LONGEST.days, "days": (end - begins).days},
            field="end", limit=LONGEST.days,
        )  # fmt: skip
    if begins > at + BEYOND:
        raise ChangeRefused(
            _("A closure begins within %(most)d days.") % {"most": BEYOND.days},
            field="start",
            limit=BEYOND.days,
        )


def _own_devices(node: Node, device_ids: Sequence[int]) -> list[int]:
    found = sorted(node.devices.filter(pk__in=device_ids).values_list("pk", flat=True))
    if not found or len(found) < len(set(device_ids)):
        raise ChangeRefused(_("Choose devices of %(node)s.") % {"node": node.name}, field="devices")
    return found


def _require_seen(found: Sequence[Reservation], seen: Collection[UUID], at: datetime) -> None:
    new = [one for one in found if one.uid not in set(seen)]
    if not new:
        return
    first = min(bounds(one.during)[0] for one in new)
    last = max(bounds(one.during)[1] for one in new)
    message = ngettext(
        "%(number)d slot is booked there, %(span)s. Choose another time, or see it and take it back.",
        "%(number)d slots are booked there, %(span)s. Choose another time, or see them and take them back.",
        len(new),
    ) % {"number": len(new), "span": formats.span(first, last)}
    raise SlotsInTheWay(message, slots=[_told(one, at) for one in new], every=[one.uid for one in found])


def _told(reservation: Reservation, at: datetime) -> dict[str, object]:
    start, end = bounds(reservation.during)
    return {"reservation": str(reservation.uid), "start": start, "end": end, "has_begun": start <= at}


def _require_not_running(found: Sequence[Reservation], begins: datetime, at: datetime) -> None:
    """Its node was given the end of a slot that runs, and its job counts on it: now, or when it is over."""
    running = [one for one in found if bounds(one.during)[0] <= at < begins]
    if running:
        end = max(bounds(one.during)[1] for one in running)
        raise ChangeRefused(
            _("A slot runs there until %(end)s: close from then on, or from now on and take it back.")
            % {"end": formats.moment(end)},
            field="start", free_from=end,
        )  # fmt: skip


# --- taking slots back -----------------------------------------------------------------------------------
def _take_back(
    found: Sequence[Reservation],
    device_ids: Sequence[int],
    start: datetime,
    end: datetime,
    taking: _Taking,
) -> None:
    """Everything is locked first, each kind in its order; then nothing can come in between."""
    locked = _locked(found, device_ids, taking.at)
    known = {one.pk for one in locked}
    if any(one.pk not in known for one in selectors.booked(device_ids=device_ids, start=start, end=end)):
        raise _OneMore
    for reservation in locked:
        if bounds(reservation.during)[0] < taking.at:
            _take_rest(reservation, taking.at)
        else:
            _take_whole(reservation, taking.at)
        had_begun = bounds(reservation.during)[0] < taking.at
        SlotWithdrawal.objects.create(
            reservation=reservation, node=taking.node, reason=taking.reason, had_begun=had_begun,
            by=taking.by, at=taking.at,
        )  # fmt: skip
        telling.slot_taken_back(reservation=reservation, node=taking.node, reason=taking.reason, at=taking.at)


def _locked(found: Sequence[Reservation], device_ids: Sequence[int], at: datetime) -> list[Reservation]:
    projects = {one.project_id for one in found}
    vertices = Vertex.objects.filter(project__in=projects).order_by("pk")
    list(vertices.select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))
    rows = Reservation.objects.filter(pk__in=[one.pk for one in found], state=Reservation.State.BOOKED)
    rows = rows.select_related("decision__policy", "project", "booked_by").order_by("pk")
    locked = [one for one in rows.select_for_update(of=("self",)) if bounds(one.during)[1] > at]
    grants = Grant.objects.filter(project__in=projects).order_by("pk")
    list(grants.select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))
    counters.lock(references=[one.reference for one in locked])
    theirs = Reservation.objects.filter(pk__in=[one.pk for one in locked])
    held = theirs.values_list("devices__device", flat=True)
    occupancy.lock_devices(device_ids=sorted({*device_ids, *held}))
    return locked


def _take_whole(reservation: Reservation, at: datetime) -> None:
    counters.give_back(references=[reservation.reference], at=at)
    _withdraw_holds(reservation, at)
    purse.release_encumbrance(reference=reservation.reference, at=at)
    reservation.state = Reservation.State.CANCELLED
    reservation.cancelled_at = reservation.settled_at = at
    reservation.save(update_fields=["state", "cancelled_at", "settled_at"])
    runs.stop_all(reservation=reservation, at=at)


def _take_rest(reservation: Reservation, at: datetime) -> None:
    """What was used until now is settled when the slot would have been over, as for one released early."""
    counters.give_back_after(reservation=reservation, since=at, at=at)
    _withdraw_holds(reservation, at)
    reservation.state, reservation.released_at = Reservation.State.RELEASED, at
    reservation.save(update_fields=["state", "released_at"])
    releasing.give_up_queued(reservation=reservation, at=at)
    runs.stop_all(reservation=reservation, at=at)


def _withdraw_holds(reservation: Reservation, at: datetime) -> list[HoldEvent]:
    events = occupancy.withdraw_holds(reference=reservation.reference, at=at)
    usage.give_back(events=events, project_id=reservation.project_id)
    return events
