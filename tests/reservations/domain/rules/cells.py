"""A node in Paris that public money bought a part of, and the cells that a slot on it is counted in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from reservations.domain.asking import (
    CommerceCell,
    FloorCell,
    NodeSize,
    NoShows,
    ProjectState,
    Request,
    Snapshot,
)
from reservations.domain.counted import FLOOR, NODE, Cell
from reservations.domain.policy import Policy, standard
from reservations.domain.rules import Case, compared_within
from tests.reservations.domain.worlds import make_request, make_snapshot

POLICY = standard()


def make_case(
    start: datetime,
    hours: float = 4,
    *,
    devices: int = 2,
    of_class: str = "research",
    until: datetime | None = None,
    funded: str | None = "0",
    holidays: tuple[str, ...] = (),
    bookable: int = 100,
    held: Mapping[Cell, Fraction] | int = 0,
    policy: Policy = POLICY,
    no_shows: NoShows | None = None,
    **fields: Any,
) -> Case:
    """Every cell that decides on the slot has `bookable` device-hours, `held` of them by others."""
    node = NodeSize("lyra", 4, "Europe/Paris", holidays, None if funded is None else Decimal(funded))
    snapshot = make_snapshot(
        devices=devices, nodes=(node,), project=ProjectState(False, None, of_class, until), budget="100000",
        no_shows=no_shows, **fields,
    )  # fmt: skip
    request = make_request(start, hours, devices=devices)
    return Case.of(request, with_cells(request, snapshot, policy, bookable, held), policy)


def with_cells(
    request: Request,
    snapshot: Snapshot,
    policy: Policy,
    bookable: int,
    held: Mapping[Cell, Fraction] | int = 0,
) -> Snapshot:
    """As a selector fills them in."""
    (node,) = snapshot.nodes
    wanted = sorted(compared_within(Case.of(request, snapshot, policy)))

    def holds(cell: Cell) -> Fraction:
        return Fraction(held) if isinstance(held, int) else held.get(cell, Fraction(0))

    return replace(
        snapshot,
        cells=tuple(
            FloorCell(
                cell.kind, cell.key, "H100 SXM5" if cell.kind != NODE else "Lyra", cell.period, cell.band,
                Fraction(bookable), holds(cell), node.funded if cell.kind == NODE else None,
            )
            for cell in wanted
            if cell.rule == FLOOR
        ),
        commerce=tuple(
            CommerceCell(cell.key, "Lyra", cell.period, Fraction(bookable), holds(cell))
            for cell in wanted
            if cell.rule != FLOOR
        ),
    )  # fmt: skip
