"""What an hour costs: cost statements, tariffs, hourly prices, grants and charges.

Published rows are immutable by trigger; a correction is a new row that names what it corrects.
"""

from __future__ import annotations

from pricing.models.charges import Charge
from pricing.models.grants import Encumbrance, FundingLine, Grant
from pricing.models.published import CostComponent, CostStatement, DayAheadPrice, SiteFee, Tariff

__all__ = [
    "Charge",
    "CostComponent",
    "CostStatement",
    "DayAheadPrice",
    "Encumbrance",
    "FundingLine",
    "Grant",
    "SiteFee",
    "Tariff",
]
