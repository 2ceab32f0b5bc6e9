"""What an hour costs: cost statements, pools, evidence, tariffs, hourly prices, grants and charges.

Published rows are immutable by trigger; a correction is a new row that names what it corrects.
"""

from __future__ import annotations

from pricing.models.charges import Charge
from pricing.models.drafts import (
    StatementDraft,
    StatementDraftEvidence,
    StatementWithdrawal,
    TariffCallOff,
)
from pricing.models.evidence import Evidence, PoolDraft, PoolEvidence, StatementEvidence, funded_nodes
from pricing.models.grants import Encumbrance, FundingLine, Grant
from pricing.models.hourly import (
    HourlyImport,
    HourlySeries,
    HourlyValue,
    ReplacedValue,
    YearlyIntensity,
)
from pricing.models.market import ExchangeRate, ListPrice, MarketImport, RetailPrice
from pricing.models.policies import PriceException, PricingPolicy
from pricing.models.pools import CostPool, PoolShare, PoolStatement
from pricing.models.published import CostComponent, CostStatement, Tariff
from pricing.models.site import SiteCosts, SiteFee

__all__ = [
    "Charge",
    "CostComponent",
    "CostPool",
    "CostStatement",
    "Encumbrance",
    "Evidence",
    "ExchangeRate",
    "FundingLine",
    "Grant",
    "HourlyImport",
    "HourlySeries",
    "HourlyValue",
    "ListPrice",
    "MarketImport",
    "PoolDraft",
    "PoolEvidence",
    "PoolShare",
    "PoolStatement",
    "PriceException",
    "PricingPolicy",
    "ReplacedValue",
    "RetailPrice",
    "SiteCosts",
    "SiteFee",
    "StatementDraft",
    "StatementDraftEvidence",
    "StatementEvidence",
    "StatementWithdrawal",
    "Tariff",
    "TariffCallOff",
    "YearlyIntensity",
    "funded_nodes",
]
