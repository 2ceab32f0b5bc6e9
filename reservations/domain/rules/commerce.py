"""How much of a node that public money paid for commercial projects have: a quarter, and a year."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from reservations.domain import periods, room, slots
from reservations.domain.asking import CommerceCell
from reservations.domain.counted import COMMERCE, NODE, Cell
from reservations.domain.exact_json import Json
from reservations.domain.rules.case import IDLE, REFUSE, Case, Rule, compared, shown
from reservations.domain.slots import Slot


def commerce(case: Case) -> Rule | None:
    """Projects of commercial classes together stay under their part of a publicly funded node."""
    if not _says_anything(case):
        return None
    facts: dict[str, Json] = {
        "share": str(case.policy.commerce_share), "is_commercial": _is_commercial(case),
        "classes": [one.code for one in case.policy.classes if one.is_commercial],
    }  # fmt: skip
    if not case.request.has_length or not _is_commercial(case):
        return Rule("commerce", IDLE, facts=facts)
    every = _wanted_in(case, case.request.slot)
    wanted = {cell: hours for cell, hours in every.items() if bound_by_commerce(case, cell)}
    if not wanted:  # no public money in any of the nodes
        return Rule("commerce", IDLE, facts=facts)
    found = [_Filled.of(case, cell, hours) for cell, hours in wanted.items()]
    if None in found:  # a slot that somebody else worked out, on a node that nobody has looked at
        return Rule("commerce", REFUSE, facts=facts | {"unknown": True})
    filled = [one for one in found if one is not None]
    tightest = max(filled, key=lambda one: (one.actual - one.limit, one.cell))
    return compared("commerce", tightest.limit, tightest.actual, facts | _told(tightest, filled))


def hours_in_commerce(case: Case, within: Slot) -> Mapping[Cell, Fraction]:
    """Device-hours that the slot counts within some time, by cell; nothing where the rule says nothing."""
    part = case.request.slot.within(within) if case.request.has_length else None
    counts = part is not None and _says_anything(case) and _is_commercial(case)
    return _wanted_in(case, part) if part and counts else {}


def bound_by_commerce(case: Case, cell: Cell) -> bool:
    """There is public money in the node; what is counted in others nobody compares until there is."""
    return any(node.funded for node in case.snapshot.nodes if node.slug == cell.key)


def most_in_commerce(case: Case, cell: Cell) -> Fraction | None:
    """How much all of them may come to together; None of a node without public money in it.

    KeyError for a cell of another that the snapshot does not have.
    """
    if not bound_by_commerce(case, cell):
        return None
    filled = _Filled.of(case, cell, Fraction(0))
    if filled is None:
        raise KeyError(cell)
    return filled.most


def _wanted_in(case: Case, part: Slot) -> Mapping[Cell, Fraction]:
    """Device-hours of this part of the slot, by node and period, whoever paid for the node so far."""
    devices = Counter(device.node for device in case.snapshot.devices)
    return {
        Cell(COMMERCE, NODE, slug, period.label): number * slots.hours_within(part, period.slot)
        for slug, number in devices.items()
        for period in periods.touched_by(part)
    }


@dataclass(frozen=True)
class _Filled:
    """A cell as it would be with the slot."""

    cell: Cell
    stored: CommerceCell
    wanted: Fraction
    share: Fraction

    @classmethod
    def of(cls, case: Case, cell: Cell, wanted: Fraction) -> _Filled | None:
        for stored in case.snapshot.commerce:
            if (stored.node, stored.period) == (cell.key, cell.period):
                return cls(cell, stored, wanted, case.policy.commerce_share or Fraction(0))
        return None

    @property
    def most(self) -> Fraction:
        return self.share * self.stored.bookable

    @property
    def limit(self) -> Decimal:
        return room.rounded_down(self.most)

    @property
    def actual(self) -> Decimal:
        return room.rounded_up(self.stored.held + self.wanted)

    def to_json(self) -> dict[str, Json]:
        return {
            "name": self.stored.name, "period": self.stored.period, "limit": str(self.limit),
            "actual": str(self.actual),
        }  # fmt: skip


def _says_anything(case: Case) -> bool:
    """The policy has such a cap, and the snapshot is not older than it."""
    project = case.snapshot.project
    return (
        case.policy.commerce_share is not None and project is not None and project.project_class is not None
    )


def _is_commercial(case: Case) -> bool:
    project = case.snapshot.project
    return project is not None and case.policy.is_commercial(project.project_class)


def _told(tightest: _Filled, filled: list[_Filled]) -> dict[str, Json]:
    return {
        **tightest.to_json(),
        "bookable": shown(tightest.stored.bookable), "held": shown(tightest.stored.held),
        "wanted": shown(tightest.wanted), "cells": [one.to_json() for one in filled],
    }  # fmt: skip
