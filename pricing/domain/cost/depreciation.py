"""What wears out: straight line to a residual value, whoever paid for it.

Publicly granted parts stay out of what is charged: 2 CFR 200.436(c),
https://www.ecfr.gov/current/title-2/section-200.436
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from types import MappingProxyType

from pricing.domain.cost.component import Component, detail_of
from pricing.domain.declared.shape import Asset, Declared, FundingKind, Kind
from pricing.domain.exact import EXACT, ONE, ZERO, less, plain, rounded, split, total

# What is left of the price after so many years, as published by CALCULCO, the computing platform of
# Université du Littoral Côte d’Opale.
RESIDUAL_SHARES: Mapping[int, Decimal] = MappingProxyType(
    {
        1: Decimal("0.70"),
        2: Decimal("0.50"),
        3: Decimal("0.35"),
        4: Decimal("0.25"),
        5: Decimal("0.15"),
        6: Decimal(0),
    }
)


@dataclass(frozen=True)
class Depreciation:
    """EUR of one period, in all and without the part that public grants paid for."""

    full: Decimal
    chargeable: Decimal


def straight_line(*, price: Decimal, residual: Decimal, years: Decimal) -> Decimal:
    """Depreciation of one year, straight line with a residual value."""
    with localcontext(EXACT):
        return (price - residual) / years


def share_of_year(year_from: date, *, since: date, until: date | None) -> Decimal:
    """The share of the days of the year from `year_from` that lie in [since, until)."""
    year_until = years_later(year_from, 1)
    last = min(year_until, until) if until else year_until
    days = (last - max(year_from, since)).days
    with localcontext(EXACT):
        return max(ZERO, Decimal(days)) / (year_until - year_from).days


def of_year(asset: Asset, *, price: Decimal, residual: Decimal, year_from: date) -> Depreciation:
    """The year from `year_from`: its days before the purchase and after the life count nothing."""
    with localcontext(EXACT):
        full = straight_line(price=price, residual=residual, years=asset.life_years) * share_of_year(
            year_from, since=asset.purchased_on, until=worn_out_on(asset)
        )
        return Depreciation(full, full * (ONE - asset.granted_share))


def of_month(asset: Asset, *, year: int, month: int) -> Depreciation:
    """One calendar month: (cost - residual) / (12 x life), by days in the first and the last month.

    It is the difference of two book values, so that the months of a life add up to what wears out.
    """
    first = date(year, month, 1)
    following = first + timedelta(days=calendar.monthrange(year, month)[1])
    with localcontext(EXACT):
        full = book_value(asset, first) - book_value(asset, following)
        return Depreciation(full, full * (ONE - asset.granted_share))


def book_value(asset: Asset, on: date) -> Decimal:
    """What the asset is worth in the books at the beginning of a day; before its purchase, what it cost."""
    with localcontext(EXACT):
        months = min(max(_months(on) - _months(asset.purchased_on), ZERO), 12 * asset.life_years)
        return asset.cost - (asset.cost - asset.residual_value) * months / (12 * asset.life_years)


def by_funding(asset: Asset, amount: Decimal) -> dict[FundingKind, Decimal]:
    """An amount of the asset's depreciation by whose money it was, in millionths that add up to it.

    What no source paid is the owner's own.
    """
    paid = {kind: asset.funded(kind) for kind in FundingKind}
    paid[FundingKind.OWN] = less(asset.cost, *(paid[kind] for kind in FundingKind if kind != FundingKind.OWN))
    return dict(zip(paid, split(rounded(amount), list(paid.values())), strict=True))


def purchase(declared: Declared, year_from: date) -> Component:
    """Depreciation of everything bought, before VAT."""
    years = [
        of_year(asset, price=asset.price, residual=_residual(asset, asset.price), year_from=year_from)
        for asset in declared.assets
    ]
    detail = detail_of(
        price=declared.purchase_price,
        residual=total(asset.residual_value for asset in declared.assets),
        granted=total(asset.granted for asset in declared.assets),
        assets=Decimal(len(declared.assets)),
    )
    lives = {plain(asset.life_years) for asset in declared.assets}
    if len(lives) == 1:
        detail["years"] = lives.pop()
    if lives:
        detail["worn_out_on"] = max(worn_out_on(asset) for asset in declared.assets).isoformat()
    return Component(Kind.PURCHASE, _full(years), _chargeable(years), _granted(years), detail)


def vat(declared: Declared, year_from: date) -> Component:
    """VAT that the owner cannot recover: of what was bought, spread like it, and of running costs."""
    years = [
        of_year(
            asset,
            price=asset.vat_not_recovered,
            residual=_residual(asset, asset.vat_not_recovered),
            year_from=year_from,
        )
        for asset in declared.assets
    ]
    pooled, supported = declared.from_pools(Kind.VAT), declared.supported(Kind.VAT)
    running = total((declared.vat_year, pooled))
    return Component(
        Kind.VAT,
        total((_full(years), running)),
        less(total((_chargeable(years), running)), supported),
        total((_granted(years), supported)),
        detail_of(bought=total(asset.vat_not_recovered for asset in declared.assets), running=running),
    )


def worn_out_on(asset: Asset) -> date:
    """The day the life ends. A fraction of a year counts in days of a 365-day year."""
    whole = int(asset.life_years)
    rest = int((asset.life_years - whole) * 365)
    return date.fromordinal(years_later(asset.purchased_on, whole).toordinal() + rest)


def years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return date(day.year + years, 3, 1)


def _residual(asset: Asset, part: Decimal) -> Decimal:
    """The part of the residual value that falls to the price, or to the VAT beside it."""
    with localcontext(EXACT):
        return asset.residual_value * part / asset.cost


def _months(day: date) -> Decimal:
    with localcontext(EXACT):
        gone = Decimal(day.day - 1) / calendar.monthrange(day.year, day.month)[1]
        return day.year * 12 + day.month + gone


def _full(years: Sequence[Depreciation]) -> Decimal:
    return total(year.full for year in years)


def _chargeable(years: Sequence[Depreciation]) -> Decimal:
    return total(year.chargeable for year in years)


def _granted(years: Sequence[Depreciation]) -> Decimal:
    return less(_full(years), _chargeable(years))
