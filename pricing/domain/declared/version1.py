"""The first version of a declaration, in which one purchase stood for the whole node.

Rows published in it are never rewritten. They are read into the present shape, and come to the
same figures: tests/pricing/domain/golden_version1.json holds what they were published with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext

from pricing.domain.declared.shape import HOURS_A_YEAR, Asset, Declared, Funding, FundingKind
from pricing.domain.exact import EXACT, ONE, ZERO

_SAME = (
    "active_kilowatts",
    "idle_kilowatts",
    "pue",
    "used_share",
    "hosting_year",
    "network_year",
    "licences_year",
    "staff_posts",
    "staff_post_year",
    "insurance_share",
    "financing_year",
    "sources",
)


@dataclass(frozen=True)
class Grant1:
    source: str
    amount: Decimal


@dataclass(frozen=True)
class Declared1:
    purchase_price: Decimal
    purchased_on: date
    life_years: Decimal
    active_kilowatts: Decimal
    idle_kilowatts: Decimal
    pue: Decimal
    electricity_price: Decimal  # EUR per kWh, all in
    available_share: Decimal  # of the year's hours
    used_share: Decimal
    residual_value: Decimal = ZERO
    public_grants: tuple[Grant1, ...] = ()
    hosting_year: Decimal = ZERO
    maintenance_share: Decimal = ZERO
    warranty_until: date | None = None
    network_year: Decimal = ZERO
    licences_year: Decimal = ZERO
    staff_posts: Decimal = ZERO
    staff_post_year: Decimal = ZERO
    insurance_share: Decimal = ZERO
    financing_year: Decimal = ZERO
    overhead_share: Decimal = ZERO
    sources: Mapping[str, str] = field(default_factory=dict)


def upgraded(first: Declared1) -> Declared:
    """The same in the present shape: one asset, and hours out of service for the share not available."""
    asset = Asset(
        name="Node",
        price=first.purchase_price,
        purchased_on=first.purchased_on,
        life_years=first.life_years,
        residual_value=first.residual_value,
        funding=tuple(
            Funding(grant.source, FundingKind.PUBLIC_GRANT, grant.amount) for grant in first.public_grants
        ),
        maintenance_share=first.maintenance_share,
        warranty_until=first.warranty_until,
    )
    with localcontext(EXACT):
        outage = HOURS_A_YEAR * (ONE - first.available_share)
    return Declared(
        assets=(asset,),
        contract_price=first.electricity_price,
        planned_outage_hours=outage,
        # A share was declared, not the accounts behind it: so much indirect cost for each EUR of direct cost.
        indirect_costs=first.overhead_share,
        direct_costs=ONE,
        version="2",  # which counts as the first did
        **{name: getattr(first, name) for name in _SAME},
    )
