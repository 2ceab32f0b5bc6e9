"""What moving or extending a slot would mean, before anybody confirms it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Q
from django.utils.translation import gettext as _, ngettext

from common import formats
from common.ranges import between, bounds
from nodes.models import Device, Hold, Node
from pricing.models import Encumbrance
from reservations.domain.engines.quoting import shown_level
from reservations.domain.policy import Policy
from reservations.models import Reservation, Run
from reservations.selectors import decisions
from reservations.selectors.standing import position_of

MOST_DEVICES = 64  # to choose from
_SEARCH_AHEAD = timedelta(days=28)


@dataclass(frozen=True)
class Choice:
    uid: str
    label: str
    is_chosen: bool


@dataclass(frozen=True)
class NodeChoices:
    node: str
    choices: tuple[Choice, ...]


def devices_to_choose(reservation: Reservation) -> list[Device]:
    """Those of the slot's nodes, and the same models elsewhere on nodes that take bookings.

    The slot's own stand there even where their node takes none now: the answer says so, in words.
    """
    mine = list(Device.objects.filter(pk__in=reservation.devices.values("device")))
    nodes = {device.node_id for device in mine}
    models = {device.model_key for device in mine}
    every = Device.objects.select_related("node__site")
    listed = every.filter(node__state=Node.State.LISTED)
    own = Q(node__state__in=(Node.State.LISTED, Node.State.DRAINED))
    here = list(every.filter(own, node__in=nodes).order_by("node__name", "index")[:MOST_DEVICES])
    elsewhere = listed.filter(model_key__in=models).exclude(node__in=nodes).order_by("node__name", "index")
    return here + list(elsewhere[: MOST_DEVICES - len(here)])


def choices(devices: Sequence[Device], chosen: set[str]) -> tuple[NodeChoices, ...]:
    by_node: dict[str, list[Choice]] = {}
    for device in devices:
        label = f"{device.index}{formats.colon()}{device.model} {formats.memory(device.memory_bytes)}"
        choice = Choice(str(device.uid), label, str(device.uid) in chosen)
        by_node.setdefault(device.node.name, []).append(choice)
    return tuple(NodeChoices(node, tuple(found)) for node, found in by_node.items())


def giving_up(reservation: Reservation, at: datetime) -> str:
    """What it costs that the slot is given up at this moment."""
    start, _end = bounds(reservation.during)
    policy = decisions.numbers_of(reservation.decision)
    free_until = start - policy.free_cancel
    if at <= free_until:
        return _("Until %(moment)s the slot that you have is given up at no charge.") % {
            "moment": formats.moment(free_until)
        }
    return _(
        "The slot that you have starts within %(hours)d hours, so giving it up is not free: its price of "
        "%(price)s stays set aside beside that of the new one, and you pay for hours that nobody else takes. "
        "Hours that you keep on the same device are paid once, at the higher of the two prices."
    ) % {"hours": policy.free_cancel_hours, "price": formats.money(reservation.quoted_price)}


def jobs_along(reservation: Reservation, devices: Sequence[Device]) -> Iterator[str]:
    """Which jobs go with the slot, and which stay behind."""
    nodes = {device.node_id for device in devices}
    waiting = reservation.runs.filter(state__in=(Run.State.QUEUED, Run.State.LEASED)).select_related("node")
    along = [run for run in waiting if run.node_id in nodes]
    left = [run for run in waiting if run.node_id not in nodes]
    if along:
        yield ngettext("%(count)d job goes with it.", "%(count)d jobs go with it.", len(along)) % {
            "count": len(along)
        }
    for run in left:
        yield _("Job %(number)d is for %(node)s, which is no part of the new slot: it does not run.") % {
            "number": run.number,
            "node": run.node.name,
        }


def extension_of(reservation: Reservation) -> Reservation | None:
    """The slot of the hours that were added to it, where it is not given up."""
    live = reservation.descendants.filter(change=Reservation.Change.EXTENDED, state=Reservation.State.BOOKED)
    return live.first()


def going_on_from(new: Reservation, *, before: Reservation) -> Reservation | None:
    """What goes on from a slot and would from the one it is moved to: the same devices, without a gap."""
    after = extension_of(before)
    devices = [{*one.devices.values_list("device", flat=True)} for one in (new, after) if one is not None]
    if after is None or devices[0] != devices[1]:
        return None
    return after if bounds(after.during)[0] == bounds(new.during)[1] else None


def torn(reservation: Reservation, devices: Sequence[Device], end: datetime) -> Iterator[str]:
    """What no longer goes on from it, or it from what, once it is moved so."""
    after, before = extension_of(reservation), reservation.descendant_of
    same = {one.pk for one in devices} == {*reservation.devices.values_list("device", flat=True)}
    if after is not None and not (same and bounds(after.during)[0] == end):
        yield _("The added hours, %(slot)s, stay as a slot of their own: nothing goes on there.") % {
            "slot": formats.span(*bounds(after.during))
        }
    if before is not None and reservation.change == Reservation.Change.EXTENDED:
        yield _("It becomes a slot of its own: what waits in the one before it does not go on there.")


def freed(reservation: Reservation, *, at: datetime, end: datetime, start: datetime) -> Decimal:
    """What grants for those hours get back if it is given up now: nothing once that is not free."""
    if at > bounds(reservation.during)[0] - decisions.numbers_of(reservation.decision).free_cancel:
        return Decimal(0)
    kept = Encumbrance.objects.filter(
        reference=reservation.reference, settled_at=None, grant__valid__overlap=between(start, end)
    )
    return sum((one.amount for one in kept), Decimal(0))


def against(reservation: Reservation, total: Decimal, at: datetime) -> str:
    """The new price beside the one that the slot has."""
    old = reservation.quoted_price
    if at > bounds(reservation.during)[0] - decisions.numbers_of(reservation.decision).free_cancel:
        return _("The slot that you have costs %(old)s.") % {"old": formats.money(old)}
    said = {"old": formats.money(old), "by": formats.money(abs(total - old))}
    if total == old:
        return _("That is what the slot that you have costs.")
    if total < old:
        return _("That is %(by)s less than the slot that you have, which costs %(old)s.") % said
    return _("That is %(by)s more than the slot that you have, which costs %(old)s.") % said


def level_now(reservation: Reservation, *, rules: Policy, at: datetime) -> Decimal | None:
    """Of its project, with the slot as it is: an engine that decides on a move never sees it."""
    position = position_of(project_id=reservation.project_id, policy=rules, at=at)
    return shown_level(position.standing, half_life=rules.half_life, at=at) if position else None


def free_until(reservation: Reservation) -> datetime | None:
    """When somebody else has one of its devices next; None where nobody does as far as can be booked."""
    _start, end = bounds(reservation.during)
    held = Hold.objects.filter(
        device__in=reservation.devices.values("device"), during__startswith__gte=end,
        during__startswith__lt=end + _SEARCH_AHEAD,
    )  # fmt: skip
    first = held.order_by("during__startswith").values_list("during", flat=True).first()
    return bounds(first)[0] if first is not None else None


def extending(reservation: Reservation) -> tuple[str, ...]:
    """What an extension is, and what it is not."""
    _start, end = bounds(reservation.during)
    taken = free_until(reservation)
    said = [_("The hours that you have keep their price; those added are at the price in force now.")]
    if taken is None:
        said.append(_("Nobody has these devices after %(end)s yet.") % {"end": formats.moment(end)})
    elif taken > end:
        said.append(_("These devices are free until %(until)s.") % {"until": formats.moment(taken)})
    else:
        said.append(
            _("Somebody else has one of these devices from %(end)s on.") % {"end": formats.moment(end)}
        )
    if reservation.runs.filter(state__in=(Run.State.LEASED, Run.State.RUNNING)).exists():
        said.append(
            _(
                "A job that runs now is still asked to stop before %(end)s: no node lengthens what it was "
                "given. Write a checkpoint; what is queued goes on in the added hours."
            )
            % {"end": formats.moment(end)}
        )
    return tuple(said)
