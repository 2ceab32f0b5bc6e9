"""What this room publishes as open data: nodes, their costs and prices, and the electricity behind them."""

from __future__ import annotations

from pricing.selectors.datasets.costs import (
    COMPONENTS,
    POOL_SHARES,
    POOL_STATEMENTS,
    STATEMENTS,
    WITHDRAWALS,
)
from pricing.selectors.datasets.electricity import HOURS, IMPORTS, YEARS
from pricing.selectors.datasets.evidence import EVIDENCE, EVIDENCE_OF_POOLS, EVIDENCE_OF_STATEMENTS
from pricing.selectors.datasets.market import (
    IMPORTS as MARKET_IMPORTS,
    LIST_PRICES,
    RATES,
    RETAIL_PRICES,
)
from pricing.selectors.datasets.nodes import DEVICES, NODES
from pricing.selectors.datasets.prices import CALL_OFFS, EXCEPTIONS, POLICIES, TARIFFS
from pricing.selectors.datasets.site import COSTS as SITE_COSTS, FEES as SITE_FEES

EVERY = (
    NODES,
    DEVICES,
    STATEMENTS,
    COMPONENTS,
    WITHDRAWALS,
    POOL_STATEMENTS,
    POOL_SHARES,
    EVIDENCE,
    EVIDENCE_OF_STATEMENTS,
    EVIDENCE_OF_POOLS,
    TARIFFS,
    CALL_OFFS,
    SITE_COSTS,
    SITE_FEES,
    POLICIES,
    EXCEPTIONS,
    HOURS,
    IMPORTS,
    YEARS,
    LIST_PRICES,
    RETAIL_PRICES,
    RATES,
    MARKET_IMPORTS,
)
