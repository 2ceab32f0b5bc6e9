"""What a slot is counted for in cells that all projects share: by the rules of floor and commerce."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction

from reservations.domain.counted import FLOOR, Cell, Counted
from reservations.domain.rules.case import Case
from reservations.domain.rules.commerce import bound_by_commerce, hours_in_commerce, most_in_commerce
from reservations.domain.rules.floor import bound_by_floor, hours_in_floor, most_in_floor
from reservations.domain.slots import Slot


def counted(case: Case) -> tuple[Counted, ...]:
    """What the slot adds to each cell when it is granted, in the order in which cells are locked."""
    return tuple(
        Counted(cell, hours, _most(case, cell)) for cell, hours in sorted(counted_within(case).items())
    )


def counted_within(case: Case, within: Slot | None = None) -> Mapping[Cell, Fraction]:
    """Device-hours that the slot counts, in all or within some time, by cell."""
    if not case.request.has_length:
        return {}
    wanted = within or case.request.slot
    return {**hours_in_commerce(case, wanted), **hours_in_floor(case, wanted)}


def compared_within(case: Case) -> frozenset[Cell]:
    """The cells whose numbers decide on the slot. It counts in others too, for the day they have a limit."""
    return frozenset(
        cell
        for cell in counted_within(case)
        if (bound_by_floor if cell.rule == FLOOR else bound_by_commerce)(case, cell)
    )


def counted_after(case: Case, since: datetime) -> Mapping[Cell, Fraction]:
    """What is given back where the slot ends at that moment."""
    return counted_within(case, Slot(since, case.request.end)) if since < case.request.end else {}


def _most(case: Case, cell: Cell) -> Fraction | None:
    return most_in_floor(case, cell) if cell.rule == FLOOR else most_in_commerce(case, cell)
