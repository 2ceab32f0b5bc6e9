"""What a node costs while it runs: a place, people, contracts, capital, and its part of the house."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, localcontext

from pricing.domain.cost.component import Component, detail_of, running
from pricing.domain.cost.depreciation import share_of_year, worn_out_on
from pricing.domain.declared.shape import Asset, Declared, FundingKind, Kind
from pricing.domain.exact import EXACT, ZERO, rounded, total


def hosting(declared: Declared) -> Component:
    """The node's rack units of what its rack costs, and what was declared beside."""
    with localcontext(EXACT):
        racked = declared.rack_units * declared.rack_year / declared.rack_size
    numbers = (
        {"units": declared.rack_units, "size": declared.rack_size, "rack_year": declared.rack_year}
        if racked
        else {}
    )
    return running(Kind.HOSTING, declared, total((racked, declared.hosting_year)), **numbers)


def maintenance(declared: Declared, year_from: date) -> Component:
    """A share of each price, counted in days from the end of its warranty, and contracts."""
    with localcontext(EXACT):
        by_share = total(_maintenance_of(asset, year_from, declared.version) for asset in declared.assets)
    shares = {asset.maintenance_share for asset in declared.assets}
    numbers = {"contract": declared.maintenance_year} if declared.maintenance_year else {}
    if len(shares) == 1:
        numbers["share"] = shares.pop()
    return running(
        Kind.MAINTENANCE, declared, total((by_share, declared.maintenance_year)),
        of=declared.purchase_price, **numbers,
    )  # fmt: skip


def _maintenance_of(asset: Asset, year_from: date, version: str) -> Decimal:
    """From the end of the warranty on, or from the purchase where no warranty is named.

    Version 2 counted from the year's first day then, also what was bought later in it.
    """
    bought = year_from if version == "2" else asset.purchased_on
    under_contract = share_of_year(year_from, since=asset.warranty_until or bought, until=None)
    return asset.maintenance_share * asset.price * under_contract


def staff(declared: Declared) -> Component:
    with localcontext(EXACT):
        posts = declared.staff_posts * declared.staff_post_year
    return running(
        Kind.STAFF, declared, posts, posts=declared.staff_posts, post_year=declared.staff_post_year
    )


def insurance(declared: Declared) -> Component:
    with localcontext(EXACT):
        by_share = declared.insurance_share * declared.purchase_price
    return running(
        Kind.INSURANCE, declared, total((by_share, declared.insurance_year)),
        share=declared.insurance_share, of=declared.purchase_price, premium=declared.insurance_year,
    )  # fmt: skip


def financing(declared: Declared, year_from: date) -> Component:
    """Interest on the average tied capital, (cost + residual) / 2, and what was paid beside.

    Full: on all that was not given. Chargeable: on what was borrowed, since interest on one's own
    money is unallowable (2 CFR 200.449(a)).
    """
    with localcontext(EXACT):
        tied = [
            (asset, average_tied_capital(asset) * _share_of_life(asset, year_from))
            for asset in declared.assets
        ]
        not_given = total(capital * _share_not_given(asset) for asset, capital in tied)
        borrowed = total(capital * asset.funded(FundingKind.LOAN) / asset.cost for asset, capital in tied)
        rate = declared.interest_rate
        numbers = {"rate": rate, "capital": rounded(not_given)} if rate else {}
        line = running(Kind.FINANCING, declared, rate * not_given + declared.financing_year, **numbers)
        own = rate * (not_given - borrowed)
        return replace(line, chargeable_year=line.chargeable_year - own)


def average_tied_capital(asset: Asset) -> Decimal:
    """What is tied up on average over a life of straight-line depreciation."""
    with localcontext(EXACT):
        return (asset.cost + asset.residual_value) / 2


def overhead(declared: Declared, direct: Sequence[Component]) -> Component:
    """The owner's actual indirect over actual direct cost, applied to this node's direct cost."""
    share = declared.overhead_share
    pooled = declared.from_pools(Kind.OVERHEAD)
    with localcontext(EXACT):
        full = share * total(component.full_year for component in direct)
        chargeable = share * total(component.chargeable_year for component in direct)
        public = share * total(component.public_year for component in direct)
    detail = detail_of(
        share=rounded(share), indirect=declared.indirect_costs, direct=declared.direct_costs
    ) | (detail_of(pools=pooled) if pooled else {})
    return Component(Kind.OVERHEAD, total((full, pooled)), total((chargeable, pooled)), public, detail)


def _share_of_life(asset: Asset, year_from: date) -> Decimal:
    return share_of_year(year_from, since=asset.purchased_on, until=worn_out_on(asset))


def _share_not_given(asset: Asset) -> Decimal:
    given = asset.funded(FundingKind.PUBLIC_GRANT, FundingKind.GIFT)
    return (asset.cost - given) / asset.cost if asset.cost else ZERO
