"""What an hour costs: cost statements, pools, evidence, tariffs, hourly prices, grants and charges.

Published rows are immutable by trigger; a correction is a new row that names what it corrects.
"""

from __future__ import annotations

from pricing.models.charges import Charge
from pricing.models.evidence import Evidence, PoolDraft, PoolEvidence, StatementEvidence, funded_nodes
from pricing.models.grants import Encumbrance, FundingLine, Grant
from pricing.models.pools import CostPool, PoolShare, PoolStatement
from pricing.models.published import CostComponent, CostStatement, DayAheadPrice, SiteFee, Tariff

__all__ = [
    "Charge",
    "CostComponent",
    "CostPool",
    "CostStatement",
    "DayAheadPrice",
    "Encumbrance",
    "Evidence",
    "FundingLine",
    "Grant",
    "PoolDraft",
    "PoolEvidence",
    "PoolShare",
    "PoolStatement",
    "SiteFee",
    "StatementEvidence",
    "Tariff",
    "funded_nodes",
]
