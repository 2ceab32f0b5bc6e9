"""How full the cells of the floor are now: this week’s and those to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import F, OuterRef, Subquery

from nodes.models import Device
from reservations.domain.calendar import PEAK
from reservations.domain.counted import FLOOR, MODEL
from reservations.domain.slots import Week
from reservations.models import SharedCell

_FULLEST = 6


@dataclass(frozen=True)
class CellRow:
    """How full a cell of the floor is: what all others hold, and the most that they may, in device-hours."""

    model: str
    week: str
    is_peak: bool
    held: Decimal
    most: Decimal


def fullest_cells(at: datetime) -> tuple[CellRow, ...]:
    """Of device models: a node's own cells stand on its page."""
    counted = SharedCell.objects.filter(
        rule=FLOOR, kind=MODEL, period__gte=str(Week.of(at)), most_seconds__gt=0
    )
    fullest = counted.annotate(part=F("held_seconds") / F("most_seconds")).order_by("-part", "period", "key")
    named = Device.objects.filter(model_key=OuterRef("key")).values("model")[:1]
    found = fullest.annotate(model=Subquery(named))[:_FULLEST]
    return tuple(
        CellRow(
            cell.model or cell.key, cell.period, cell.band == PEAK, cell.held_seconds / 3600,
            cell.most_seconds / 3600,
        )
        for cell in found
    )  # fmt: skip
