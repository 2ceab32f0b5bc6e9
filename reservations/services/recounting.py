"""Every counter again from what it counts: events, decisions, rows of money. What differs, in words.

While it counts nobody books, for it locks every project's place in the tree, as each booking does its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import groupby

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts.models import User
from common import formats
from nodes.models import Device, Hold, HoldEvent
from pricing.services import recounting as money
from reservations.domain import exact_json
from reservations.domain.asking import Request, Snapshot
from reservations.domain.counted import Cell
from reservations.domain.rules import Case, counted_within
from reservations.domain.slots import Slot
from reservations.models import CountedHours, MemberUse, Reservation, SharedCell, Vertex
from reservations.selectors import policies
from reservations.services import usage, weeks

SECONDS = 3600


@transaction.atomic
def differences(*, at: datetime) -> list[str]:
    """Every counter that is not what it counts, one sentence each."""
    leaves = _lock_leaves()
    return [*_usage(leaves), *_members(), *_cells(), *money.differences(), *weeks.differences(at=at)]


@transaction.atomic
def recount(*, at: datetime) -> None:
    """Set every counter to what it counts."""
    leaves = _lock_leaves()
    if any(_usage(leaves)):
        usage.recount(half_life=policies.counting_half_life())
    if any(_members()):
        usage.recount_members()
    _set_cells(at)
    money.recount()
    weeks.recount(at=at)


def _lock_leaves() -> list[Vertex]:
    leaves = Vertex.objects.select_for_update(no_key=True, of=("self",)).filter(project__isnull=False)
    return list(leaves.select_related("project").order_by("pk"))


# --- what projects used and have booked --------------------------------------------------------------
def _usage(leaves: Iterable[Vertex]) -> Iterator[str]:
    nothing = (Fraction(0), Fraction(0))
    found = usage.from_events(half_life=policies.counting_half_life())
    for leaf in leaves:
        used, booked = found.get(leaf.project_id or 0, nothing)
        if Fraction(leaf.committed) != booked:
            yield _(
                "%(project)s says %(stored)s cost-weighted hours booked; its events come to %(counted)s."
            ) % {
                "project": leaf.project, "stored": formats.number(leaf.committed, 6),
                "counted": _number(booked),
            }  # fmt: skip
        if Fraction(leaf.decayed_usage) != used:
            yield _("What %(project)s used differs from its events by %(percent)s.") % {
                "project": leaf.project, "percent": _part(Fraction(leaf.decayed_usage), used),
            }  # fmt: skip


def _members() -> Iterator[str]:
    """What slots of each person used of their project: those who differ."""
    stored = {(row.vertex_id, row.person_id): row for row in MemberUse.objects.all()}
    found = usage.by_member()
    for key in sorted({*stored, *found}):
        said = stored[key].cost_weighted_hours if key in stored else Decimal(0)
        if said != (counted := found.get(key, Decimal(0))):
            vertex, person = Vertex.objects.get(pk=key[0]), User.objects.get(pk=key[1])
            yield _(
                "%(project)s says that slots of %(person)s used %(stored)s cost-weighted hours; its entries "
                "come to %(counted)s."
            ) % {
                "project": vertex.project, "person": person, "stored": formats.number(said, 6),
                "counted": formats.number(counted, 6),
            }  # fmt: skip


# --- cells that all projects share -------------------------------------------------------------------
def _cells() -> Iterator[str]:
    expected: dict[Cell, Fraction] = defaultdict(Fraction)
    for (_reference, cell), hours in _from_decisions().items():
        expected[cell] += hours
    stored = {_cell(row): row for row in SharedCell.objects.all()}
    told = _told_by_cell()
    for cell in sorted({*expected, *stored}):
        row, counted = stored.get(cell), expected.get(cell, Fraction(0))
        held = Fraction(row.held_seconds) / SECONDS if row else Fraction(0)
        if not held == told.get(cell, Fraction(0)) == counted:
            yield _(
                "The cell %(cell)s says %(stored)s device-hours held, and %(told)s counted; its slots come "
                "to %(counted)s."
            ) % {
                "cell": _label(cell), "stored": _number(held),
                "told": _number(told.get(cell, Fraction(0))), "counted": _number(counted),
            }  # fmt: skip


def _set_cells(at: datetime) -> None:
    """What is counted gets a row more where it is not what was decided and kept; the cells their sums."""
    rows = {_cell(row): row for row in SharedCell.objects.select_for_update(no_key=True).order_by("pk")}
    expected, told = _from_decisions(), _told()
    for reference, cell in sorted({*expected, *told}):
        missing = expected.get((reference, cell), Fraction(0)) - told.get((reference, cell), Fraction(0))
        if missing:
            if cell not in rows:
                rows[cell] = SharedCell.objects.create(**vars(cell), held_seconds=0, most_seconds=0)
            CountedHours.objects.create(
                cell=rows[cell], reference=reference, seconds=_seconds(missing),
                project_class=_class_of(reference), at=at,
            )  # fmt: skip
    sums: dict[Cell, Fraction] = defaultdict(Fraction)
    for (_reference, cell), hours in expected.items():
        sums[cell] += hours
    for cell, row in rows.items():
        held = _seconds(sums[cell])
        if row.held_seconds != held:
            # Its limit follows where it must: the next who counts in it brings the one that holds.
            most = None if row.most_seconds is None else max(row.most_seconds, held)
            SharedCell.objects.filter(pk=row.pk).update(held_seconds=held, most_seconds=most)


def _from_decisions() -> dict[tuple[str, Cell], Fraction]:
    """What each slot counts: what its decision says of the time that its holds were kept."""
    found: dict[tuple[str, Cell], Fraction] = defaultdict(Fraction)
    slots = Reservation.objects.select_related("decision__policy", "decision__taken_on")
    # Not only where cells decided: most slots count in their node's for the day that it has a limit.
    counting = slots.filter(decision__taken_on__facts__project__has_key="project_class")
    kept = _kept()
    for reservation in counting.order_by("pk").iterator(chunk_size=500):
        decision = reservation.decision
        case = Case.of(
            exact_json.read(Request, decision.request),
            exact_json.read(Snapshot, decision.snapshot),
            policies.by_digest(decision.policy.digest),
        )
        for slot, devices in kept.get(reservation.reference, {}).items():
            its = tuple(device for device in case.snapshot.devices if device.uid in devices)
            part = Case(case.request, replace(case.snapshot, devices=its), case.policy)
            for cell, hours in counted_within(part, slot).items():
                found[reservation.reference, cell] += hours
    return found


def _kept() -> dict[str, dict[Slot, set[str]]]:
    """By slot of a project: the devices that were kept, by how long."""
    uids = {pk: str(uid) for pk, uid in Device.objects.values_list("pk", "uid")}
    found: dict[str, dict[Slot, set[str]]] = defaultdict(lambda: defaultdict(set))
    events = HoldEvent.objects.filter(hold_kind=Hold.Kind.RESERVATION).order_by("reference", "pk")
    for reference, together in groupby(events.iterator(), key=lambda event: event.reference):
        of_slot = list(together)
        device_of = {event.hold_uid: uids[event.device_id] for event in of_slot}
        for used in usage.uses_of(of_slot):
            if used.slot:
                found[reference][used.slot].add(device_of[used.hold_uid])
    return found


def _told() -> dict[tuple[str, Cell], Fraction]:
    """What was written down of each slot, less what was given back."""
    cells = {row.pk: _cell(row) for row in SharedCell.objects.all()}
    sums = CountedHours.objects.values_list("reference", "cell").annotate(seconds=Sum("seconds")).order_by()
    return {
        (reference, cells[cell]): Fraction(seconds) / SECONDS for reference, cell, seconds in sums if seconds
    }


def _told_by_cell() -> dict[Cell, Fraction]:
    found: dict[Cell, Fraction] = defaultdict(Fraction)
    for (_reference, cell), hours in _told().items():
        found[cell] += hours
    return found


def _class_of(reference: str) -> str:
    """As the slot's decision has it; of what is no slot nothing is known."""
    slots = Reservation.objects.select_related("decision__taken_on")
    slot = slots.filter(uid=reference.removeprefix("reservation-")).first()
    project = (slot and slot.decision.snapshot.get("project")) or {}
    return str(project.get("project_class") or "")


def _cell(row: SharedCell) -> Cell:
    return Cell(row.rule, row.kind, row.key, row.period, row.band)


def _label(cell: Cell) -> str:
    return " ".join(filter(None, vars(cell).values()))


# --- numbers -----------------------------------------------------------------------------------------
def _seconds(hours: Fraction) -> Decimal:
    return Decimal(hours * 3_600_000_000 // 1).scaleb(-6)


def _number(number: Fraction) -> str:
    return formats.number(Decimal(number.numerator) / number.denominator, 6)


def _part(stored: Fraction, counted: Fraction) -> str:
    """By how much of itself; of nothing everything differs."""
    ratio = abs(stored - counted) / counted if counted else Fraction(1)
    return formats.percent(Decimal(ratio.numerator) / ratio.denominator, 6)
