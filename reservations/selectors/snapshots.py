"""Everything a decision is taken on, read from the database at one moment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from accounts.models import Project
from accounts.selectors import public_names
from common.holidays import holidays_within
from common.prepared import prepared
from common.ranges import bounds
from nodes import selectors as nodes
from nodes.models import Hold, Node
from pricing.models import Grant
from pricing.selectors import Rate, rates
from reservations.domain.asking import (
    GrantLeft,
    ModelStock,
    NodeSize,
    NoShows,
    Price,
    Request,
    Snapshot,
    Taken,
    WantedDevice,
)
from reservations.domain.easing import eased
from reservations.domain.policy import Policy
from reservations.domain.rules import Case
from reservations.errors import NoNewBookings, NoShare, NotAMember, PolicyTakesEffect, UnknownDevice
from reservations.selectors import counters, no_shows
from reservations.selectors.standing import Position, numbers_of, position_of

REFERENCE = "reservation-"

# Nodes and models are counted once each, however many of their devices are wanted.
_WANTED = """
WITH wanted AS MATERIALIZED (
    SELECT device.id, device.uid, device.node_id, node.slug, device.model_key, device.model,
           site.time_zone, site.country
      FROM nodes_device device
      JOIN nodes_node node ON node.id = device.node_id AND node.state = 'listed'
      JOIN nodes_site site ON site.id = node.site_id
     WHERE device.uid = ANY(%s)
), on_node AS (
    SELECT node_id, count(*) AS devices FROM nodes_device
     WHERE node_id IN (SELECT node_id FROM wanted) GROUP BY node_id
), of_model AS (
    SELECT device.model_key, count(*) AS devices
      FROM nodes_device device
      JOIN nodes_node node ON node.id = device.node_id AND node.state = 'listed'
     WHERE device.model_key IN (SELECT model_key FROM wanted) GROUP BY device.model_key
)
SELECT wanted.id, wanted.uid, wanted.slug, model_key, wanted.model, on_node.devices, of_model.devices,
       time_zone, country
  FROM wanted JOIN on_node USING (node_id) JOIN of_model USING (model_key)
 ORDER BY wanted.id
"""

# Cost-weighted hours that a project holds before those that always need room.
_NEAR = """
SELECT COALESCE(sum(reserved.weight * extract(
           epoch FROM least(upper(hold.during), %(late)s) - greatest(lower(hold.during), %(at)s))), 0)
  FROM reservations_reservation reservation
  JOIN reservations_reserveddevice reserved ON reserved.reservation_id = reservation.id
  JOIN nodes_hold hold ON hold.uid = reserved.hold_uid
 WHERE reservation.project_id = %(project)s AND reservation.settled_at IS NULL
   AND hold.during && tstzrange(%(at)s, %(late)s)
"""

_PROJECTS = "SELECT uid, project_id FROM reservations_reservation WHERE uid = ANY(%s)"


@dataclass(frozen=True)
class Wanted:
    """A device that is asked for, with what its node and model count."""

    id: int
    uid: UUID
    node: str
    model_key: str
    model: str
    on_node: int
    of_model: int
    zone: str  # of its site
    country: str


def wanted_devices(uids: Sequence[UUID]) -> list[Wanted]:
    """In id order. Raises UnknownDevice unless every one is on a listed node."""
    with prepared() as cursor:
        cursor.execute(_WANTED, [list(uids)])
        wanted = [Wanted(*row) for row in cursor.fetchall()]
    missing = set(uids) - {device.uid for device in wanted}
    if missing:
        _require_bookings(missing)
    if missing or not wanted:
        raise UnknownDevice(
            _("There is no such device to book."), devices=sorted(str(uid) for uid in missing)
        )
    return wanted


def _require_bookings(missing: Collection[UUID]) -> None:
    """Devices that are there, on a node that takes no new bookings: told so, and not that there are none."""
    drained = Node.objects.filter(state=Node.State.DRAINED, devices__uid__in=missing).order_by("name")
    names = list(drained.distinct().values_list("name", flat=True))
    if names:
        raise NoNewBookings(
            _("%(nodes)s takes no new bookings now. What is booked there stays; look for other nodes.")
            % {"nodes": ", ".join(names)},
            nodes=names,
        )


def snapshot_of(
    *,
    request: Request,
    project_id: int,
    asked_by_id: int,
    wanted: Sequence[Wanted],
    grants: Iterable[Grant],
    policy: Policy,
) -> tuple[Snapshot, dict[int, Rate]]:
    """The snapshot, and the rates it was made with. Lock first what must not change meanwhile."""
    ids = [device.id for device in wanted]
    priced = rates(device_ids=ids, at=request.at)
    models = {device.model_key: device for device in wanted}
    position = position_of(
        project_id=project_id, policy=_numbers_of(project_id, policy, request.at), at=request.at,
        model_keys=[*models], asked_by_id=asked_by_id, start=request.start,
    )  # fmt: skip
    if position is None:
        raise NoShare(_("This project has no place in the share tree yet."))
    if not position.is_member:  # read after the lock: their membership may have ended while they waited
        raise NotAMember(_("Only members of this project may do that."))
    if position.half_life_hours not in (None, policy.half_life_hours):
        raise PolicyTakesEffect(
            _("A new policy takes effect this very moment. Ask once more in a few seconds.")
        )
    numbers = eased(policy.for_class(position.project.project_class), position.exceptions)
    taken, next_free = _in_the_way(request, wanted, numbers)
    snapshot = Snapshot(
        devices=tuple(
            WantedDevice(str(device.uid), device.node, device.model_key, _price(priced.get(device.id)))
            for device in wanted
        ),
        nodes=_nodes(request, wanted, priced, next_free),
        models=tuple(
            ModelStock(key, device.model, device.of_model, position.held.get(key, ()))
            for key, device in models.items()
        ),
        taken=taken,
        next_free=next_free,
        standing=position.standing,
        grants=tuple(
            GrantLeft(
                grant.pk, grant.name, grant.valid.lower, grant.valid.upper, grant.left, grant.hours_left
            )
            for grant in grants
        ),
        project=position.project,
        member=position.cap,
        exceptions=position.exceptions,
        no_shows=_no_shows(project_id, asked_by_id, numbers, position, request.at),
    )
    return _with_cells(request, snapshot, numbers), priced


def _with_cells(request: Request, snapshot: Snapshot, numbers: Policy) -> Snapshot:
    """Those of the slot, and of the next one that is free: the nearest alternative may be there."""
    cases = [Case(request, snapshot, numbers)]
    if snapshot.next_free:
        later = snapshot.next_free + (request.end - request.start)
        cases.append(Case(replace(request, start=snapshot.next_free, end=later), snapshot, numbers))
    found = counters.with_cells(cases)
    return replace(
        snapshot,
        cells=tuple(dict.fromkeys(cell for one in found for cell in one.cells)),
        commerce=tuple(dict.fromkeys(cell for one in found for cell in one.commerce)),
    )


def _numbers_of(project_id: int, policy: Policy, at: datetime) -> Policy:
    """As they are for the project's class; which one need be known only where that changes what is held."""
    if all(numbers.exempt_hours is None for numbers in policy.classes):
        return policy
    project = Project.objects.only("project_class", "class_expires_at").get(pk=project_id)
    return numbers_of(project, policy=policy, at=at)


def _nodes(
    request: Request, wanted: Sequence[Wanted], priced: dict[int, Rate], next_free: datetime | None
) -> tuple[NodeSize, ...]:
    """With what its site's clocks and calendar say of the slot, and how much of it public money bought."""
    until = max(request.end, next_free + (request.end - request.start)) if next_free else request.end
    found: dict[str, NodeSize] = {}
    for device in wanted:
        if device.node in found:
            continue
        rate = priced.get(device.id)
        days: tuple[date, ...] = ()
        if request.has_length:
            days = holidays_within(device.country, ZoneInfo(device.zone), request.start, until)
        found[device.node] = NodeSize(
            device.node, device.on_node, device.zone, tuple(map(str, days)),
            rate.publicly_funded_share if rate else None,
        )  # fmt: skip
    return tuple(found.values())


def _no_shows(
    project_id: int, asked_by_id: int, numbers: Policy, position: Position, at: datetime
) -> NoShows | None:
    """What whoever asks did not come to; what then needs room, too, is read only where it costs something.

    Nearly everybody has come to every slot, and for them nothing more is read.
    """
    if numbers.no_shows_most is None:
        return None
    if not position.has_no_shows:
        return NoShows(0, None)
    record = no_shows.standing_of(user=asked_by_id, policy=numbers, at=at)
    if record is None:
        return None
    if record.until is None:
        return NoShows(record.count, None)
    with prepared() as cursor:
        cursor.execute(_NEAR, {"project": project_id, "at": at, "late": at + numbers.exempt})
        (weighted_seconds,) = cursor.fetchone()
    return NoShows(record.count, record.until, Fraction(weighted_seconds) / 3600)


def _price(rate: Rate | None) -> Price | None:
    return (
        None if rate is None else Price(rate.weight, rate.price, rate.fee, rate.tariff_id, rate.statement_id)
    )


def _in_the_way(
    request: Request, wanted: Sequence[Wanted], policy: Policy
) -> tuple[tuple[Taken, ...], datetime | None]:
    """The first hold in the way on each device, and when all devices are free for that long."""
    if not request.has_length:
        return (), None
    ids = [device.id for device in wanted]
    first: dict[int, Hold] = {}
    for hold in nodes.conflicts(device_ids=ids, start=request.start, end=request.end):
        first.setdefault(hold.device_id, hold)
    if not first:
        return (), None
    uids = {device.id: str(device.uid) for device in wanted}
    names = _holders(first.values(), request.at)
    taken = tuple(
        Taken(uids[hold.device_id], *bounds(hold.during), hold.kind, names.get(hold.reference, ""))
        for hold in first.values()
    )
    next_free = nodes.next_free(
        device_ids=ids, length=request.end - request.start, after=max(request.start, request.at),
        until=request.at + policy.horizon,
    )  # fmt: skip
    return taken, next_free


def _holders(holds: Iterable[Hold], at: datetime) -> dict[str, str]:
    """The public name behind each reference that is a reservation's."""
    references = {hold.reference for hold in holds if hold.reference.startswith(REFERENCE)}
    if not references:
        return {}
    with prepared() as cursor:
        cursor.execute(_PROJECTS, [[UUID(one.removeprefix(REFERENCE)) for one in references]])
        projects = {f"{REFERENCE}{uid}": project for uid, project in cursor.fetchall()}
    names = public_names(projects.values(), at)
    return {reference: names[project] for reference, project in projects.items()}
