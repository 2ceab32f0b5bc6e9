"""Cost and carbon by the hour of the day, in the decimals they are shown in."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from pricing.domain.exact import ZERO, rounded
from pricing.domain.hour_of_day import HourOfDay
from pricing.domain.working import shown
from pricing.selectors.charts import Bars, clock_figure
from pricing.selectors.costs.by_hour import ByHour

EUR = Decimal("0.0001")
GRAM = Decimal("0.1")


@dataclass(frozen=True)
class ClockRow:
    """An hour of the day as a line of the table; running and making add up to the carbon as shown."""

    label: str
    cost: Decimal | None
    operational: Decimal | None
    embodied: Decimal | None
    carbon: Decimal | None


def clock_rows(found: ByHour) -> list[ClockRow]:
    return [_row(row) for row in found.rows]


def _row(row: HourOfDay) -> ClockRow:
    label = f"{row.hour:02d}:00"
    cost = None if row.cost is None else rounded(row.cost, EUR)
    if row.operational is None or row.carbon is None:
        return ClockRow(label, cost, None, None, None)
    carbon = rounded(row.carbon, GRAM)
    running, making = shown(carbon, [row.operational, row.embodied or ZERO], grain=GRAM)
    return ClockRow(label, cost, running, None if row.embodied is None else making, carbon)


def cost_figure(rows: list[ClockRow]) -> dict[str, Any]:
    bars = [Bars(_("Electricity"), "var(--data)", [row.cost for row in rows])]
    return clock_figure(bars, labels=[row.label for row in rows], unit="EUR", places=4)


def carbon_figure(rows: list[ClockRow]) -> dict[str, Any]:
    bars = [Bars(_("Running"), "var(--data)", [row.operational for row in rows])]
    if any(row.embodied is not None for row in rows):
        bars.append(Bars(_("Making"), "var(--data-soft)", [row.embodied for row in rows]))
    return clock_figure(bars, labels=[row.label for row in rows], unit="gCO2e", places=1)
