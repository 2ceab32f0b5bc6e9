"""What an hour on a node costs, from what its owner declares.

The formulas are described, with their sources and worked examples, in docs/cost-model.md.
Money is Decimal, EUR before VAT. Nothing here reads a meter, a database or a clock: callers say
from which day a year is counted.
"""

from __future__ import annotations

from pricing.domain.cost.component import Component
from pricing.domain.cost.depreciation import share_of_year, straight_line
from pricing.domain.cost.electricity import (
    EnergyHour,
    NoHours,
    day_ahead_mean,
    electricity_cost,
    electricity_of,
)
from pricing.domain.cost.price import Price, margin, markup, price_of
from pricing.domain.cost.units import unit_cost
from pricing.domain.cost.year import Cost, cost_of
from pricing.domain.declared.shape import HOURS_A_YEAR, Kind, Supply
from pricing.domain.exact import MICRO, rounded, split

__all__ = [
    "Component",
    "Cost",
    "EnergyHour",
    "HOURS_A_YEAR",
    "Kind",
    "MICRO",
    "NoHours",
    "Price",
    "Supply",
    "cost_of",
    "day_ahead_mean",
    "electricity_cost",
    "electricity_of",
    "margin",
    "markup",
    "price_of",
    "rounded",
    "share_of_year",
    "split",
    "straight_line",
    "unit_cost",
]
