"""How a node kept its slots: kept, late, missed, taken back, month by month. For everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from common import formats
from common.api.shapes import moment
from nodes.models import Node
from reservations.models import NodeMonth

MONTHS = 12  # that the page shows; the files have all
COLUMNS = ("node", "month", "slots", "kept", "late", "missed", "withdrawn", "late_seconds", "counted_at")


@dataclass(frozen=True)
class MonthRow:
    """One month, or several together."""

    month: date | None  # None: all of them
    slots: int
    kept: int
    late: int
    missed: int
    withdrawn: int
    late_seconds: int

    @property
    def part_kept(self) -> Fraction | None:
        """Of the slots, those that began in time and were not cut off by the node or its owner."""
        return Fraction(self.kept, self.slots) if self.slots else None

    @property
    def ratio(self) -> float | None:
        return None if self.part_kept is None else float(self.part_kept)

    @property
    def mean_late(self) -> str:
        return formats.duration(self.late_seconds / self.late) if self.late else formats.NOTHING


@dataclass(frozen=True)
class Reliability:
    node: Node
    months: tuple[MonthRow, ...]  # newest first, those with slots
    total: MonthRow
    counted_at: datetime | None


def reliability(node: Node) -> Reliability:
    """One query, of rows that a sweep keeps: it does not grow with the node's history."""
    rows = list(NodeMonth.objects.filter(node=node).order_by("-month")[:MONTHS])
    months = tuple(_row(row) for row in rows)
    return Reliability(node, months, _total(months), max((row.counted_at for row in rows), default=None))


def _row(row: NodeMonth) -> MonthRow:
    return MonthRow(row.month, row.slots, row.kept, row.late, row.missed, row.withdrawn, row.late_seconds)


def _total(months: Sequence[MonthRow]) -> MonthRow:
    names = ("slots", "kept", "late", "missed", "withdrawn", "late_seconds")
    return MonthRow(None, *(sum(getattr(row, name) for row in months) for name in names))


# --- as data -------------------------------------------------------------------------------------------
def reliability_json(node: Node) -> dict[str, Any]:
    """All months, newest first."""
    return {"node": node.slug, "months": [_json(row, node) for row in _every(node)]}


def reliability_csv(node: Node) -> list[list[str]]:
    """The columns are the members of the JSON."""
    lines = [_json(row, node) for row in _every(node)]
    return [list(COLUMNS), *([str(line[name]) for name in COLUMNS] for line in lines)]


def _every(node: Node) -> list[NodeMonth]:
    return list(NodeMonth.objects.filter(node=node).order_by("-month"))


def _json(row: NodeMonth, node: Node) -> dict[str, Any]:
    numbers = {name: getattr(row, name) for name in COLUMNS[2:-1]}
    return {"node": node.slug, "month": f"{row.month:%Y-%m}", **numbers, "counted_at": moment(row.counted_at)}
