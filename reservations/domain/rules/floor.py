"""What others leave to projects of public interest: of each device model and of each funded node.

A cell is a model or a node, an ISO week and its peak or off-peak hours as the site's clocks show them.
Counted are hours further ahead than the policy says; nearer ones are open to everybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from reservations.domain import calendar, room, slots
from reservations.domain.asking import FloorCell, NodeSize
from reservations.domain.calendar import PEAK, Calendar
from reservations.domain.counted import FLOOR, MODEL, NODE, Cell
from reservations.domain.exact_json import Json, moment
from reservations.domain.rules.case import IDLE, REFUSE, Case, Rule, compared, shown
from reservations.domain.slots import Slot


def floor(case: Case) -> Rule | None:
    """Projects of other than public interest leave those their part of every cell."""
    if not _says_anything(case):
        return None
    facts: dict[str, Json] = {"ahead_hours": case.policy.floor_ahead_hours, **_class_of(case)}
    part = counted_part(case)
    if not case.request.has_length or part is None:
        return Rule("floor", IDLE, facts=facts)
    wanted = {cell: hours for cell, hours in wanted_in(case, part).items() if bound_by_floor(case, cell)}
    found = [_Filled.of(case, cell, hours) for cell, hours in wanted.items()]
    if None in found:  # a slot that somebody else worked out, in a cell that nobody has looked at
        return Rule("floor", REFUSE, facts=facts | {"unknown": True})
    filled = [one for one in found if one is not None]
    # The rule's own numbers are those of the cell in which least is left.
    tightest = max(filled, key=lambda one: (one.actual - one.limit, one.cell))
    return compared("floor", tightest.limit, tightest.actual, facts | _told(case, tightest, filled))


def hours_in_floor(case: Case, within: Slot) -> Mapping[Cell, Fraction]:
    """Device-hours that the slot counts within some time, by cell; nothing where the rule says nothing."""
    part = counted_part(case) if _says_anything(case) else None
    part = part.within(within) if part else None
    return wanted_in(case, part) if part else {}


def bound_by_floor(case: Case, cell: Cell) -> bool:
    """Something is kept in it: in every model's cell, and in a node's where that is more than in its model's.

    What is counted in others nobody compares, until a statement says that public money bought more.
    """
    floor_share = case.policy.floor_share or Fraction(0)
    nodes = (node for node in case.snapshot.nodes if node.slug == cell.key)
    return cell.kind == MODEL or any(Fraction(node.funded or 0) > floor_share for node in nodes)


def most_in_floor(case: Case, cell: Cell) -> Fraction | None:
    """How much all of them may come to together; None where nothing is kept.

    KeyError for a cell in which something is kept and that the snapshot does not have.
    """
    if not bound_by_floor(case, cell):
        return None
    filled = _Filled.of(case, cell, Fraction(0))
    if filled is None:
        raise KeyError(cell)
    return filled.most


def counted_part(case: Case) -> Slot | None:
    """The hours of the slot that count: far enough ahead, and not of public interest then.

    A class that ends within the slot counts no longer from its end on. What is beyond the horizon cannot be
    booked, and may be years.
    """
    begins = case.request.at + timedelta(hours=case.policy.floor_ahead_hours or 0)
    project = case.snapshot.project
    if project is not None and case.policy.is_public_interest(project.project_class):
        if project.class_until is None:
            return None
        begins = max(begins, project.class_until)
    return case.request.slot.within(Slot(begins, max(begins, case.request.at + case.policy.horizon)))


def wanted_in(case: Case, part: Slot) -> Mapping[Cell, Fraction]:
    """Device-hours of this part of the slot, by cell: in the node's too, whoever paid for it so far."""
    assert case.policy.peak is not None
    nodes = {node.slug: node for node in case.snapshot.nodes}
    found: dict[Cell, Fraction] = {}
    alike = Counter((device.node, device.model) for device in case.snapshot.devices)
    for (slug, model), devices in alike.items():
        node = nodes[slug]
        for (week, band), hours in banded(case.policy.peak, part, node).items():
            for kind, key in ((MODEL, model), (NODE, slug)):
                cell = Cell(FLOOR, kind, key, week, band)
                found[cell] = found.get(cell, Fraction(0)) + hours * devices
    return found


def banded(peak: Calendar, part: Slot, node: NodeSize) -> Mapping[tuple[str, str], Fraction]:
    """The hours of a time at a node's site, by ISO week and band."""
    holidays = {date.fromisoformat(day) for day in node.holidays}
    found: dict[tuple[str, str], Fraction] = {}
    for piece, band in calendar.cut(peak, part, ZoneInfo(node.zone or "UTC"), holidays):
        for week in slots.weeks_of(piece):
            cell = (str(week), band)
            found[cell] = found.get(cell, Fraction(0)) + slots.hours_within(piece, week.slot)
    return found


def kept_of(floor_share: Fraction, funded: Decimal | None) -> Fraction:
    """The part of a cell that others leave: of a node, as much as public money bought of it."""
    return max(floor_share, Fraction(funded or 0))


@dataclass(frozen=True)
class _Filled:
    """A cell as it would be with the slot."""

    cell: Cell
    name: str
    kept: Fraction
    bookable: Fraction
    held: Fraction
    wanted: Fraction

    @classmethod
    def of(cls, case: Case, cell: Cell, wanted: Fraction) -> _Filled | None:
        stored = _stored(case, cell)
        if stored is None:
            return None
        kept = kept_of(case.policy.floor_share or Fraction(0), stored.funded)
        return cls(cell, stored.name, kept, stored.bookable, stored.held, wanted)

    @property
    def most(self) -> Fraction:
        return (1 - self.kept) * self.bookable

    @property
    def limit(self) -> Decimal:
        return room.rounded_down(self.most)

    @property
    def actual(self) -> Decimal:
        return room.rounded_up(self.held + self.wanted)

    def to_json(self) -> dict[str, Json]:
        return {
            "kind": self.cell.kind, "name": self.name, "week": self.cell.period, "band": self.cell.band,
            "limit": str(self.limit), "actual": str(self.actual),
        }  # fmt: skip


def _stored(case: Case, cell: Cell) -> FloorCell | None:
    return next(
        (
            one
            for one in case.snapshot.cells
            if (one.kind, one.key, one.week, one.band) == (cell.kind, cell.key, cell.period, cell.band)
        ),
        None,
    )


def _says_anything(case: Case) -> bool:
    """The policy has a floor, and the snapshot is not older than it."""
    policy, project = case.policy, case.snapshot.project
    is_in_policy = None not in (policy.floor_share, policy.floor_ahead_hours, policy.peak)
    is_in_snapshot = project is not None and project.project_class is not None
    return is_in_policy and is_in_snapshot and all(node.zone for node in case.snapshot.nodes)


def _class_of(case: Case) -> dict[str, Json]:
    project = case.snapshot.project
    if project is None or not case.policy.is_public_interest(project.project_class):
        return {}
    facts: dict[str, Json] = {"kept_for": project.project_class}
    return facts | ({"class_until": moment(project.class_until)} if project.class_until else {})


def _told(case: Case, tightest: _Filled, filled: list[_Filled]) -> dict[str, Json]:
    return {
        **tightest.to_json(),
        "kept": str(tightest.kept), "bookable": shown(tightest.bookable), "held": shown(tightest.held),
        "wanted": shown(tightest.wanted), "is_peak": tightest.cell.band == PEAK,
        "open_from": moment(_open_from(case)),
        "classes": [one.code for one in case.policy.classes if one.is_public_interest],
        "cells": [one.to_json() for one in filled],
    }  # fmt: skip


def _open_from(case: Case) -> datetime:
    """When all hours of the slot are near enough to be open to everybody."""
    return case.request.end - timedelta(hours=case.policy.floor_ahead_hours or 0)
