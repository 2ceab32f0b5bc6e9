"""What is counted in cells that all projects share: how much a slot adds to each, and up to what.

A cell is one number in the database that everybody's bookings raise and that cancelling lowers again:
reservations.services.counters. Which hours count where is for reservations.domain.rules.floor and commerce.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

FLOOR, COMMERCE = "floor", "commerce"
MODEL, NODE = "model", "node"


@dataclass(frozen=True, order=True)
class Cell:
    """Which number. In this order cells are locked."""

    rule: str  # floor or commerce
    kind: str  # model or node
    key: str  # of the model, or the node's slug
    period: str  # 2026-W48; of commerce 2026-Q4 or 2026
    band: str = ""  # peak or off_peak; of commerce neither


@dataclass(frozen=True)
class Counted:
    """Device-hours that a slot adds to a cell, and how many all may come to together; None: no limit now."""

    cell: Cell
    hours: Fraction
    most: Fraction | None
